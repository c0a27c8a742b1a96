"""A tenant administrator sets up texting from nothing, by hand, until a text was delivered."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys import wires
from tests.journeys.carrier import Carrier
from tests.journeys.conftest import sign_in
from tests.stack import Stack

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.xdist_group("by_hand")]

EMPTY = """
tenants:
  - {slug: alder, name: Alder, timezone: America/New_York, country: US,
     admins: [{user: boss, password: password-of-boss}]}
"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"desktop": (1400, 900), "phone": (390, 844)}


@dataclass(frozen=True)
class Office:
    """A product with one empty tenant, and QuestBlue beside it."""

    stack: Stack
    carrier: Carrier


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Start it with a tenant that has an administrator and nothing else."""
    folder = tmp_path_factory.mktemp("office")
    with Carrier() as carrier, Stack(folder, ALLOW_PRIVATE_PROVIDER_HOSTS=carrier.host) as stack:
        (folder / "empty.yaml").write_text(EMPTY)
        stack.env["DJANGO_SUPERUSER_PASSWORD"] = "password-of-root"
        root = ("--username", "root", "--email", "root@example.com")
        stack.manage("createsuperuser", "--noinput", *root)
        stack.manage("apply", str(folder / "empty.yaml"))
        yield Office(stack, carrier)


@pytest.fixture
def people(browser: Browser) -> Iterator[list[BrowserContext]]:
    """Browsers of several people; a fault of a page's script fails the test."""
    opened: list[BrowserContext] = []
    faults: list[str] = []
    for _ in range(3):
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.on("weberror", lambda error: faults.append(str(error.error)))
        opened.append(context)
    yield opened
    for context in opened:
        context.close()
    assert faults == []


def look(page: Page, name: str) -> None:
    """Keep pictures of a page, in both sizes, in the folder that SCREENSHOTS names."""
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        return
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(folder) / f"{name}-{size}.png")
    page.set_viewport_size({"width": 1400, "height": 900})


def save(page: Page) -> None:
    """Press the form's own button."""
    page.locator("[name=_save]:visible").first.click()


def add_trunk(page: Page, url: str) -> str:
    """Choose the provider, fill in the account, and return the address for the provider."""
    page.goto(f"{url}/admin/portal/trunk/add/")
    look(page, "trunk-provider")
    page.get_by_role("link", name="QuestBlue").click()
    page.locator("[name=name]").fill("QuestBlue main")
    page.get_by_label("API user").fill("acme_api")
    page.get_by_label("Password").fill("S3cret!pass")
    page.get_by_label("Security Key").fill("k3y-0123456789abcdef")
    look(page, "trunk-form")
    save(page)
    address = page.locator("code[data-copy]").first
    expect(address).to_contain_text("/webhooks/")
    look(page, "trunk-saved")
    expect(page.locator("body")).not_to_contain_text("S3cret!pass")
    return address.inner_text()


def point_to_carrier(page: Page, office: Office) -> None:
    """Have the system administrator point the trunk at the stub, as only he may."""
    sign_in(page, office.stack.url, "root", "password-of-root")
    page.goto(f"{office.stack.url}/admin/portal/trunk/")
    page.get_by_role("link", name="QuestBlue main").click()
    page.locator("[name=api_base]").fill(office.carrier.url)
    save(page)


def add_number(page: Page, url: str) -> None:
    """Type the pool, look at the preview, add it."""
    page.goto(f"{url}/admin/portal/did/add/")
    page.locator("[name=trunk]").select_option(label="QuestBlue main")
    page.locator("[name=pool]").fill("12172074422")
    page.locator("[name=_preview]").click()
    expect(page.locator("body")).to_contain_text("+1 217-207-4422")
    look(page, "did-preview")
    page.locator("[name=_save]:visible").first.click()
    expect(page.locator("body")).to_contain_text("1 DID was added.")


def add_extension(page: Page, url: str) -> None:
    """Make 1001 with its sign-in, allowed to send from the DID."""
    page.goto(f"{url}/admin/portal/extension/add/")
    page.locator("[name=number]").fill("1001")
    page.locator("[name=name]").fill("Front desk")
    page.locator("[name=sms]").select_option("ALLOW")
    page.locator("[name=new_username]").fill("desk")
    page.locator("[name=new_password]").fill("password-of-desk")
    page.get_by_text("Add another Caller ID").click()
    page.locator("#id_caller_ids-0-did + .select2 .select2-selection").click()
    page.locator(".select2-search__field").fill("2172074422")
    page.locator(".select2-results__option", has_text="217-207-4422").click()
    page.locator("[name=caller_ids-0-description]").fill("Main number")
    page.locator("[name=caller_ids-0-is_default]").check(force=True)
    look(page, "extension-form")
    save(page)
    expect(page.locator("body")).to_contain_text("was added successfully")


def add_rule(page: Page, url: str) -> None:
    """Route the DID to 1001."""
    page.goto(f"{url}/admin/portal/inboundrule/add/")
    page.locator("[name=name]").fill("Main number")
    page.locator("[name=trunk]").select_option(label="QuestBlue main")
    page.locator("[name=dids]").fill("12172074422")
    page.locator("[name=office]").fill("1001")
    look(page, "rule-form")
    save(page)
    expect(page.locator("body")).to_contain_text("was added successfully")


def check(page: Page, url: str) -> None:
    """Ask the provider whether it knows the account."""
    page.goto(f"{url}/admin/portal/trunk/")
    page.get_by_role("link", name="QuestBlue main").click()
    page.get_by_text("Check", exact=False).first.click()
    expect(page.locator("body")).to_contain_text("the balance is 25.00")
    look(page, "trunk-check")


def look_around(page: Page, url: str) -> None:
    """Look at what the administrator sees of the traffic, in light and in dark."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{url}/admin/")
        look(page, f"home-working-{scheme}")
        page.goto(f"{url}/admin/sms/message/")
        look(page, f"log-{scheme}")
        page.locator("#result_list a").first.click()
        look(page, f"message-{scheme}")


def test_from_an_empty_tenant_to_a_delivered_text(
    office: Office, people: list[BrowserContext]
) -> None:
    boss, root, desk = (context.new_page() for context in people)
    url = office.stack.url
    sign_in(boss, url, "boss", "password-of-boss")
    boss.goto(f"{url}/admin/")
    look(boss, "home-empty")
    webhook = add_trunk(boss, url)
    point_to_carrier(root, office)
    check(boss, url)
    add_number(boss, url)
    add_extension(boss, url)
    add_rule(boss, url)

    sign_in(desk, url, "desk", "password-of-desk")
    expect(desk.get_by_test_id("conversation-list")).to_be_attached()
    assert wires.questblue_text(webhook, "Are you open today?").status == 200
    desk.get_by_test_id("conversation-item").filter(has_text="Are you open today?").click()
    desk.get_by_test_id("composer-text").fill("Until six.")
    desk.get_by_test_id("composer-text").press("Enter")
    heard = office.carrier.wait_for(1)[0]
    assert heard.json() == {"did": "2172074422", "did_to": "2025550199", "msg": "Until six."}
    bubble = desk.get_by_test_id("message").filter(has_text="Until six.")
    expect(bubble).to_have_attribute("data-state", "accepted")
    assert wires.questblue_receipt(webhook, "2025550199", "delivered").status == 200
    expect(bubble).to_have_attribute("data-state", "delivered")
    look(desk, "client")
    look_around(boss, url)

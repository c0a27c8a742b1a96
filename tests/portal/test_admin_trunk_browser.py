"""What scripts do on the pages of a trunk: copying its address, one check after the other."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import Trunk, User
from tests import factories
from tests.estate import person, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def trunk() -> Trunk:
    trunk: Trunk = factories.QuestBlueTrunkFactory()
    factories.DIDFactory(trunk=trunk)
    # Nobody listens there.
    Trunk.objects.filter(pk=trunk.pk).update(api_base="http://127.0.0.1:9")
    return trunk


@pytest.fixture
def window(browser: Browser, live_server: LiveServer, trunk: Trunk) -> Iterator[BrowserContext]:
    """A window in which the trunk's administrator is signed in; a fault in it fails the test."""
    assert trunk.tenant is not None
    boss = signed_in(person(trunk.tenant, "boss", User.Role.ADMIN))
    context = browser.new_context(base_url=live_server.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    session = boss.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
    )
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    yield context
    context.close()
    assert faults == []


def test_the_address_is_copied_by_keyboard(window: BrowserContext, trunk: Trunk) -> None:
    page = window.new_page()
    page.goto(f"/admin/portal/trunk/{trunk.pk}/change/")
    button = page.get_by_role("button", name="Copy", exact=True)

    button.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Copied")).to_be_focused()
    assert page.evaluate("navigator.clipboard.readText()") == trunk.webhook_url
    expect(button).to_be_visible()


def test_checks_fill_in_one_after_the_other(window: BrowserContext, trunk: Trunk) -> None:
    page = window.new_page()
    page.goto(f"/admin/portal/trunk/{trunk.pk}/do/check/")

    expect(page.locator("[data-check]")).to_have_count(0)
    expect(page.locator("#checks h3")).to_have_text(
        [
            "Trunk",
            "Public address and certificate",
            "Credentials",
            "Webhook address",
            "What the numbers can do",
        ]
    )
    expect(page.locator(".check.fault").nth(1)).to_contain_text("cannot be reached")
    expect(page.locator(".check.note").first).to_contain_text("the credentials come first")


def test_a_check_that_is_lost_says_so(window: BrowserContext, trunk: Trunk) -> None:
    page = window.new_page()
    page.route(
        "**/do/check/",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )

    page.goto(f"/admin/portal/trunk/{trunk.pk}/do/check/")

    expect(page.locator(".check.fault")).to_have_count(5)
    expect(page.locator("#checks")).to_contain_text("did not come back")

"""The contacts in a real browser: found, texted, added from a thread, edited, deleted, imported."""

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID, Contact, ContactNumber, User
from sms.models import Conversation, Message
from tests import factories
from tests.sms.contact_rows import known, numbers_of
from tests.windows import window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCRIPT = "<img src=x onerror='window.pwned = 1'>"
STRANGER = "+16175550111"
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
RUN = """axe.run(document, {resultTypes: ['violations']}).then(result =>
    result.violations.filter(one => ['serious', 'critical'].includes(one.impact)))"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def helen(line: CallerID) -> Contact:
    """An own contact with two numbers, and a conversation with one of them."""
    contact = known("Helen Ruiz", "+16175550188", "+16175550189", extension=line.extension)
    made = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MessageFactory(conversation=made, inbound=True, text="See you at ten")
    Conversation.objects.update(last_text="See you at ten")
    return contact


@pytest.fixture
def stranger(line: CallerID) -> Conversation:
    """A conversation with a number that is nobody's."""
    made: Conversation = factories.ConversationFactory(
        did=line.did, extension=line.extension, remote=STRANGER
    )
    factories.MessageFactory(conversation=made, inbound=True, text="Who is this?")
    return made


@pytest.fixture
def user(line: CallerID) -> User:
    """The user of the line's extension."""
    made: User = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.user = made
    line.extension.save()
    return made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, user: User) -> Iterator[Page]:
    """The client, signed in; a fault of its scripts fails the test."""
    with window(browser, live_server, user) as context:
        yield context.new_page()


def open_place(page: Page, place: str) -> None:
    page.goto(f"/#{place}")
    page.get_by_test_id("contact-list").and_(page.locator("[aria-busy=false]")).wait_for(
        state="attached"
    )


def fill_number(page: Page, nth: int, number: str, label: str) -> None:
    page.get_by_test_id("number").nth(nth).fill(number)
    page.get_by_test_id("label").nth(nth).fill(label)


@pytest.mark.usefixtures("helen")
def test_contacts_are_found_from_a_to_z_and_by_what_is_typed(page: Page, line: CallerID) -> None:
    known("Émile", "+12125550100", tenant=line.tenant)
    known("Zoe", "+12125550101", tenant=line.tenant)
    open_place(page, "contacts")
    expect(page.locator(".letter")).to_have_text(["E", "H", "Z"])
    items = page.get_by_test_id("contact-item")
    expect(items).to_have_text(
        [re.compile("Émile.*Shared"), re.compile("Helen"), re.compile("Zoe")]
    )
    page.get_by_test_id("contacts-search").fill("0189")
    expect(items).to_have_text([re.compile("Helen Ruiz")])
    page.get_by_test_id("contacts-search").fill("nobody")
    expect(page.get_by_text("No contact matches “nobody”.")).to_be_visible()


def test_a_long_list_is_read_while_it_is_scrolled(page: Page, line: CallerID) -> None:
    for n in range(130):
        known(f"Person {n:03d}", f"+1617555{n + 2000}", tenant=line.tenant)
    open_place(page, "contacts")
    expect(page.get_by_test_id("contact-item")).to_have_count(100)
    page.get_by_test_id("contact-item").last.scroll_into_view_if_needed()
    expect(page.get_by_test_id("contact-item")).to_have_count(130)


@pytest.mark.usefixtures("helen")
def test_a_number_of_a_contact_is_texted_by_keyboard(page: Page) -> None:
    page.goto("/")
    page.get_by_test_id("contacts-tab").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("contact-item").wait_for()
    page.get_by_test_id("contacts-search").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("contact-title")).to_have_text("Helen Ruiz")
    page.get_by_role("link", name="Text Helen Ruiz, Number +1 617-555-0189").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("recipient")).to_have_value("Helen Ruiz")
    expect(page.get_by_test_id("to-select")).to_have_value("+16175550189")
    expect(page.get_by_test_id("composer-text")).to_be_focused()
    page.keyboard.type("At work?")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message")).to_have_count(1)
    assert Message.objects.get(text="At work?").recipient == "+16175550189"


@pytest.mark.usefixtures("helen")
def test_a_card_leads_to_what_was_texted_and_the_thread_back_to_the_card(page: Page) -> None:
    open_place(page, "contacts")
    page.get_by_test_id("contact-item").click()
    page.get_by_test_id("contact-thread").click()
    page.get_by_text("See you at ten").last.wait_for()
    expect(page.get_by_test_id("contact-add")).to_be_hidden()
    page.get_by_role("link", name="Open the contact Helen Ruiz").click()
    expect(page.get_by_test_id("contact-title")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("message")).to_have_count(1)


def test_a_stranger_is_added_from_the_thread_and_has_a_name_there(
    page: Page, stranger: Conversation, line: CallerID
) -> None:
    page.goto(f"/#c{stranger.pk}")
    page.get_by_test_id("contact-add").click()
    expect(page.get_by_test_id("number")).to_have_value(STRANGER)
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Zoe Bell")
    page.keyboard.press("Enter")
    expect(page.locator("#thread-title")).to_have_text("Zoe Bell")
    expect(page.get_by_test_id("conversation-item")).to_contain_text("Zoe Bell")
    expect(page.get_by_test_id("contact-add")).to_be_hidden()
    assert Contact.objects.get().extension == line.extension
    assert ContactNumber.objects.get().number == STRANGER


def test_a_contact_is_edited_and_a_wrong_number_says_why(page: Page, helen: Contact) -> None:
    open_place(page, f"contact-{helen.pk}")
    page.get_by_test_id("contact-edit").click()
    fill_number(page, 0, "nonsense", "mobile")
    page.get_by_test_id("number-add").click()
    fill_number(page, 2, "(212) 555-0100", "lake house")
    page.get_by_test_id("contact-save").click()
    expect(page.locator(".field-error:visible")).to_contain_text("nonsense is not a phone number")
    expect(page.get_by_test_id("number").first).to_be_focused()
    assert len(numbers_of(helen)) == 2
    fill_number(page, 0, "617 555 0188", "mobile")
    page.get_by_label("Remove the number").nth(1).click()
    page.get_by_test_id("contact-save").click()
    expect(page.get_by_test_id("contact-number")).to_have_count(2)
    assert numbers_of(helen) == {"+16175550188": "mobile", "+12125550100": "lake house"}


def test_what_was_typed_is_not_thrown_away_by_escape(page: Page, helen: Contact) -> None:
    open_place(page, f"contact-{helen.pk}")
    page.get_by_test_id("contact-edit").click()
    page.keyboard.type("!")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("contact-save")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_test_id("contact-title")).to_have_text("Helen Ruiz")


def test_a_deletion_can_be_undone(page: Page, helen: Contact) -> None:
    open_place(page, f"contact-{helen.pk}")
    page.get_by_test_id("contact-delete").click()
    expect(page.get_by_test_id("contact-item")).to_have_count(0)
    assert not Contact.objects.exists()
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("contact-item")).to_have_count(1)
    expect(page.get_by_test_id("contact-title")).to_be_visible()
    assert set(numbers_of(Contact.objects.get())) == {"+16175550188", "+16175550189"}


def test_a_shared_contact_is_copied_and_not_edited(page: Page, line: CallerID) -> None:
    contact = known("Acme", "+16175550199", tenant=line.tenant)
    open_place(page, f"contact-{contact.pk}")
    expect(page.get_by_text("Shared with everybody")).to_be_visible()
    expect(page.get_by_test_id("contact-edit")).to_be_hidden()
    page.get_by_test_id("contact-copy").click()
    page.get_by_label("Company").fill("Acme Ltd")
    page.get_by_test_id("contact-save").click()
    expect(page.get_by_text("Only you see this contact")).to_be_visible()
    assert Contact.objects.get(extension=line.extension).company == "Acme Ltd"
    assert Contact.objects.get(extension=None).company == ""


def test_a_file_is_looked_at_imported_and_what_is_bad_comes_back(
    page: Page, helen: Contact, tmp_path: Path
) -> None:
    sheet = tmp_path / "phone.csv"
    sheet.write_text("name;number\nHelen Cruz;617-555-0188\nZoe;617-555-0100\nBob;nonsense\n")
    open_place(page, "contacts-import")
    page.get_by_test_id("import-file").set_input_files(sheet)
    sums = page.get_by_test_id("import-sums").get_by_role("listitem")
    expect(sums).to_have_text(["1 new", "1 to change", "1 problem"])
    expect(page.get_by_test_id("import-steps")).to_contain_text("Helen Ruiz → Helen Cruz")
    expect(page.get_by_test_id("import-troubles")).to_contain_text("Line 4")
    assert Contact.objects.get() == helen
    page.get_by_test_id("import-go").click()
    expect(sums).to_have_text(["1 added", "1 changed", "1 problem"])
    with page.expect_download() as download:
        page.get_by_test_id("import-faults").click()
    assert "Bob" in Path(download.value.path()).read_text()
    expect(page.get_by_test_id("contact-item")).to_have_count(2)
    assert set(Contact.objects.values_list("name", flat=True)) == {"Helen Cruz", "Zoe"}


def test_a_file_that_cannot_be_used_says_what_to_do(page: Page, tmp_path: Path) -> None:
    sheet = tmp_path / "phone.csv"
    sheet.write_text("a;b\n1;2\n")
    open_place(page, "contacts-import")
    page.get_by_test_id("import-file").set_input_files(sheet)
    expect(page.get_by_test_id("import-error")).to_contain_text("Call it “name”")
    with page.expect_download() as download:
        page.get_by_test_id("export-vcard-all").click()
    assert download.value.suggested_filename == "contacts.vcf"


def test_foreign_text_stays_text(page: Page, helen: Contact, tmp_path: Path) -> None:
    Contact.objects.filter(pk=helen.pk).update(name=SCRIPT, company=SCRIPT, notes=SCRIPT)
    ContactNumber.objects.filter(contact=helen).update(label=SCRIPT[:32])
    open_place(page, f"contact-{helen.pk}")
    expect(page.get_by_test_id("contact-title")).to_have_text(SCRIPT)
    expect(page.locator(".contact-notes")).to_have_text(SCRIPT)
    page.get_by_test_id("contact-edit").click()
    expect(page.get_by_label("Notes")).to_have_value(SCRIPT)
    sheet = tmp_path / "a.csv"
    sheet.write_text(f'name,number,{SCRIPT}\n"{SCRIPT}",617-555-0100,\n"{SCRIPT}",{SCRIPT[:30]},\n')
    page.goto("/#contacts-import")
    page.get_by_test_id("import-file").set_input_files(sheet)
    expect(page.get_by_test_id("import-steps")).to_contain_text(SCRIPT)
    assert page.evaluate("window.pwned") is None


def test_a_phone_shows_one_pane_at_a_time(page: Page, helen: Contact) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_place(page, "contacts")
    page.get_by_test_id("contact-item").click()
    expect(page.get_by_test_id("contact-list")).to_be_hidden()
    expect(page.get_by_test_id("contact-text").first).to_be_in_viewport()
    for place in (f"contact-{helen.pk}", "contact-new", "contacts-import"):
        open_place(page, place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Back", exact=True).click()
    expect(page.get_by_test_id("contact-list")).to_be_visible()
    expect(page.get_by_test_id("contact-pane")).to_be_hidden()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_wrong_with_the_contacts(
    page: Page, helen: Contact, user: User, scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    User.objects.filter(pk=user.pk).update(role=User.Role.ADMIN)
    known("Shared", "+12125550100", tenant=helen.tenant)
    sheet = tmp_path / "a.csv"
    sheet.write_text("name,number\nZoe,617-555-0100\nBob,nonsense\n")
    page.emulate_media(color_scheme=scheme)
    found = []
    for width in (1400, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for place in ("contacts", f"contact-{helen.pk}", "contact-new", "contacts-import"):
            open_place(page, place)
            if place == "contacts-import":
                page.get_by_test_id("import-file").set_input_files(sheet)
                page.get_by_test_id("import-sums").wait_for()
            page.evaluate(AXE)
            found += [
                (width, place, one["id"], one["nodes"][0]["html"]) for one in page.evaluate(RUN)
            ]
    assert found == []

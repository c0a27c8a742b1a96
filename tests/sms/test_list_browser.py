"""The list of conversations in a real browser: days, pages, filters, search, drafts, keyboard."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms.models import Conversation
from tests import factories
from tests.portal.test_accessibility import AXE, RUN
from tests.windows import window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCRIPT = "<img src=x onerror='window.pwned = 1'> parcel"


@pytest.fixture
def desk(line: CallerID) -> CallerID:
    """A line whose extension has a user."""
    line.extension.user = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.save()
    return line


def thread(desk: CallerID, name: str, *texts: str, **values: Any) -> Conversation:
    """Make a conversation with a contact of this name, the texts unread."""
    number = f"+1617555{Conversation.objects.count():04d}"
    contact = factories.ContactFactory(tenant=desk.tenant, name=name)
    factories.ContactNumberFactory(contact=contact, number=number)
    values = {
        "extension": None if "group" in values else desk.extension,
        "last_text": texts[-1] if texts else "",
        **values,
    }
    made: Conversation = factories.ConversationFactory(did=desk.did, remote=number, **values)
    for text in texts:
        factories.MessageFactory(conversation=made, inbound=True, text=text)
    return made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, desk: CallerID) -> Iterator[Page]:
    """A signed-in browser that a test sends to the client; a fault of its scripts fails the test.

    Nobody plays the push process, so the client looks by itself for what is new.
    """
    with window(browser, live_server, desk.extension.user) as context:
        yield context.new_page()


def items(page: Page) -> Locator:
    """Return the conversations that are shown."""
    return page.get_by_test_id("conversation-item")


def titles(page: Page) -> list[str]:
    """Return who they are with."""
    return page.locator(".conversation-title").all_text_contents()


def search(page: Page, typed: str) -> None:
    """Type into the search and wait for its end."""
    page.get_by_test_id("search").fill(typed)
    expect(page.get_by_test_id("search-state")).to_contain_text("result")


def test_conversations_stand_below_headings_of_their_days(page: Page, desk: CallerID) -> None:
    # The noon of a day is that day for every reader of this test.
    noon = datetime.now(tz=UTC).replace(hour=12, minute=0)
    for name, days in (("Ann", 0), ("Bob", 1), ("Cem", 1), ("Dee", 400)):
        thread(desk, name, last_message_at=noon - timedelta(days=days))

    page.goto("/")
    expect(items(page)).to_have_count(4)

    heads = page.get_by_test_id("conversation-list").get_by_role("heading").all_inner_texts()
    assert heads[:2] == ["Today", "Yesterday"]
    assert str((noon - timedelta(days=400)).year) in heads[2]
    assert titles(page) == ["Ann", "Cem", "Bob", "Dee"]


def test_scrolling_shows_each_conversation_once_also_when_texts_come_meanwhile(
    page: Page, desk: CallerID
) -> None:
    start = datetime.now(tz=UTC) - timedelta(days=1)
    made = [thread(desk, f"No {n}", last_message_at=start - timedelta(hours=n)) for n in range(130)]

    page.goto("/")
    expect(items(page)).to_have_count(50)
    now = datetime.now(tz=UTC)
    Conversation.objects.filter(pk__in=[made[3].pk, made[120].pk]).update(last_message_at=now)
    expect(items(page).first).to_contain_text("No 120")
    for _ in range(3):
        items(page).last.scroll_into_view_if_needed()
        page.keyboard.press("Control+K")  # something of the reader's own goes on meanwhile
    expect(items(page)).to_have_count(130)

    shown = titles(page)
    assert len(set(shown)) == 130
    assert set(shown[:2]) == {"No 3", "No 120"}


def test_the_title_counts_what_is_unread_beyond_the_page(page: Page, desk: CallerID) -> None:
    for n in range(53):
        thread(desk, f"No {n}", "Hello")

    page.goto("/")

    expect(page).to_have_title("(53) Messages - SMS Channel")
    expect(page.locator("[data-filter=unread]")).to_have_text("Unread 53")
    items(page).first.click()
    expect(page).to_have_title("(52) Messages - SMS Channel")


def test_filters_narrow_the_list_and_the_open_conversation_stays_until_it_is_left(
    page: Page, desk: CallerID
) -> None:
    thread(desk, "Read")
    thread(desk, "Unread", "Hello")
    thread(desk, "Closed", closed_at=datetime.now(tz=UTC))
    group = factories.GroupFactory(tenant=desk.tenant)
    factories.GroupMemberFactory(group=group, extension=desk.extension)
    thread(desk, "Waits", group=group, waiting_since=datetime.now(tz=UTC))

    page.goto("/")
    expect(items(page)).to_have_count(3)
    for name, shown in (
        ("Closed", ["Closed"]),
        ("Waiting 1", ["Waits"]),
        ("My groups", ["Waits"]),
        ("Mine", ["Unread", "Read"]),
        ("Unread 1", ["Unread"]),
    ):
        chip = page.get_by_role("group", name="Which conversations").get_by_role(
            "button", name=name
        )
        chip.click()
        expect(chip).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".conversation-title")).to_have_text(shown)
    items(page).click()
    expect(page.get_by_text("Unread 1")).to_be_hidden()
    expect(items(page)).to_have_count(1)
    page.get_by_role("button", name="All").click()
    page.get_by_role("button", name="Unread").click()
    expect(items(page)).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_text("You have read everything.")).to_be_visible()


def test_a_search_shows_parties_and_texts_with_the_words_marked(page: Page, desk: CallerID) -> None:
    thread(desk, "Peter Parcels", "Hello")
    wanted = thread(desk, "Ann", "Your parcel is here", SCRIPT)
    thread(desk, "Bob", "Nothing")

    page.goto("/")
    search(page, "Parc")

    listed = page.get_by_test_id("conversation-list")
    assert listed.get_by_role("heading").all_inner_texts() == ["Conversations", "Messages"]
    assert titles(page) == ["Peter Parcels", "Ann"]
    expect(items(page).last.locator("mark")).to_have_text("parc")
    expect(items(page).last).to_contain_text(SCRIPT)
    assert page.evaluate("window.pwned") is None
    items(page).last.click()
    newest = wanted.messages.latest("pk")
    assert page.evaluate("location.hash") == f"#c{wanted.pk}/{newest.pk}"
    expect(page.get_by_test_id("message").last).to_contain_text("parcel")
    page.get_by_test_id("search").press("Escape")
    expect(items(page)).to_have_count(3)
    expect(page.get_by_test_id("search")).to_have_value("")


def test_a_search_that_finds_nothing_says_so(page: Page, desk: CallerID) -> None:
    thread(desk, "Ann", "Hello")

    page.goto("/")
    page.get_by_test_id("search").fill("zebra")

    expect(page.get_by_test_id("search-state")).to_have_text("Nothing found for “zebra”.")
    expect(items(page)).to_have_count(0)


def test_the_list_and_its_search_are_walked_by_keyboard(page: Page, desk: CallerID) -> None:
    for name in ("Ann", "Bob", "Cem"):
        thread(desk, name, "Hello")

    page.goto("/")
    expect(items(page)).to_have_count(3)
    page.keyboard.press("/")
    expect(page.get_by_test_id("search")).to_be_focused()
    for key, at in (("ArrowDown", 0), ("ArrowDown", 1), ("End", 2), ("Home", 0), ("ArrowDown", 1)):
        page.keyboard.press(key)
        expect(items(page).nth(at)).to_be_focused()
    # The Tab key passes over the list in one step and comes back to where one was.
    assert page.locator("#conversation-list a[tabindex='0']").count() == 1
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(items(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#thread-title")).to_have_text("Bob")
    page.get_by_test_id("composer-text").press("/")
    expect(page.get_by_test_id("composer-text")).to_have_value("/")
    page.keyboard.press("Control+K")
    page.keyboard.type("ann")
    expect(page.get_by_test_id("search-state")).to_contain_text("result")
    page.keyboard.press("Enter")
    expect(page.locator("#thread-title")).to_have_text("Ann")


def test_a_draft_survives_a_reload_shows_in_the_list_and_goes_with_the_reader(
    page: Page, desk: CallerID
) -> None:
    thread(desk, "Ann", "Hello")
    thread(desk, "Bob", "Hello")

    page.goto("/")
    items(page).filter(has_text="Ann").click()
    page.get_by_test_id("composer-text").fill("I will look")
    items(page).filter(has_text="Bob").click()
    expect(page.get_by_test_id("composer-text")).to_have_value("")
    expect(page.get_by_test_id("draft")).to_have_text("Draft: I will look")
    page.reload()
    expect(page.get_by_test_id("draft")).to_have_text("Draft: I will look")
    items(page).filter(has_text="Ann").click()
    expect(page.get_by_test_id("composer-text")).to_have_value("I will look")
    page.get_by_test_id("composer-text").press("Enter")
    expect(page.get_by_test_id("composer-text")).to_have_value("")
    items(page).filter(has_text="Bob").click()
    expect(page.get_by_test_id("draft")).to_have_count(0)
    page.get_by_test_id("composer-text").fill("Secret")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("User name").wait_for()
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"


def test_the_list_is_accessible_with_and_without_a_search(page: Page, desk: CallerID) -> None:
    thread(desk, "Ann", "Your parcel is here")
    thread(desk, "Bob", "parcel", closed_at=datetime.now(tz=UTC))
    page.add_init_script(AXE)

    page.goto("/")
    expect(items(page)).to_have_count(1)
    for scheme, typed in (("light", ""), ("dark", ""), ("dark", "parcel"), ("light", "parcel")):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        if typed:
            search(page, typed)
        found = page.evaluate(RUN)
        assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []

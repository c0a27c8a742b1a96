"""One message in a real browser: ticks in words, trouble, who wrote, links, menu and details."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms.models import Conversation, MediaFile, State, transition
from tests import factories
from tests.portal.test_accessibility import AXE, RUN
from tests.sms import threads
from tests.sms.threads import (
    attach,
    open_thread,
    png,
    texts,
    wav,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def conversation(line: CallerID, settings: Settings, tmp_path: Path) -> Conversation:
    """An empty conversation of somebody who can sign in."""
    settings.MEDIA_ROOT = tmp_path
    return threads.of(line)


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, conversation: Conversation) -> Iterator[Page]:
    """The client, signed in, not yet loaded."""
    with threads.page_of(browser, live_server, conversation) as page:
        yield page


def test_states_are_ticks_with_words_for_whoever_looks_closer(
    page: Page, conversation: Conversation
) -> None:
    for state in ("queued", "accepted", "sent", "delivered"):
        factories.MessageFactory(conversation=conversation, state=state, text=state)
    messages = open_thread(page, conversation)
    words = page.get_by_test_id("message-state")
    assert words.all_inner_texts() == ["Queued", "Accepted", "Sent", "Delivered"]
    symbols = words.locator("svg").evaluate_all("all => all.map(one => one.classList[1])")
    assert symbols == ["is-clock", "is-tick", "is-tick", "is-ticks"]
    word = words.first.locator(".state-word")
    expect(word).to_have_css("opacity", "0")
    messages.first.hover()
    expect(word).to_have_css("opacity", "1")
    messages.last.hover()
    expect(word).to_have_css("opacity", "0")
    messages.first.focus()
    expect(word).to_have_css("opacity", "1")


def test_trouble_is_told_without_looking_closer(page: Page, conversation: Conversation) -> None:
    factories.MessageFactory(
        conversation=conversation,
        state="undelivered",
        error="The recipient's number is not valid. Check it.",
        error_code="30005",
    )
    factories.MessageFactory(conversation=conversation, state="unconfirmed")
    messages = open_thread(page, conversation)
    first, second = messages.first, messages.last
    expect(first.locator(".state-word")).to_have_css("opacity", "1")
    expect(first.get_by_test_id("message-state")).to_have_text("Not delivered")
    expect(first.get_by_test_id("message-error")).to_have_text(
        "The recipient's number is not valid. Check it. (30005)"
    )
    expect(first.get_by_test_id("message-advice")).to_have_text(
        "Check the number, then send it again."
    )
    expect(second.get_by_test_id("message-state")).to_have_text("May have been sent")
    expect(second.get_by_test_id("message-advice")).to_contain_text("they may get it twice")


def test_a_message_has_a_menu_by_keyboard_and_tells_its_history(
    page: Page, conversation: Conversation
) -> None:
    texts(conversation, 3)
    factories.MessageFactory(
        conversation=conversation,
        state="delivered",
        text="The last",
        history=[transition(State.QUEUED), transition(State.DELIVERED, note="by the carrier")],
    )
    messages = open_thread(page, conversation)
    page.get_by_test_id("composer-text").focus()
    page.keyboard.press("Shift+Tab")
    while not messages.last.evaluate("one => one.contains(document.activeElement)"):
        page.keyboard.press("Shift+Tab")
    messages.last.focus()
    page.keyboard.press("ArrowUp")
    expect(messages.nth(2)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Copy text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("message-actions")).to_be_hidden()
    expect(messages.last).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    details = page.get_by_test_id("details")
    expect(details.locator("li strong")).to_have_text(["Queued", "Delivered"])
    expect(details).to_contain_text("by the carrier")
    expect(details).to_contain_text("1 segment · GSM-7")
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
    expect(page.get_by_test_id("message-menu")).to_be_focused()


def test_the_text_is_copied(page: Page, conversation: Conversation) -> None:
    factories.MessageFactory(conversation=conversation, text="Take me along\n<b>all</b>")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    messages = open_thread(page, conversation)
    messages.first.hover()
    page.get_by_test_id("message-menu").click()
    page.get_by_role("menuitem", name="Copy text").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "Take me along\n<b>all</b>"


def test_other_modules_offer_actions_in_the_menu_and_beside_trouble(
    page: Page, conversation: Conversation
) -> None:
    factories.MessageFactory(conversation=conversation, state="failed", text="again?")
    factories.MessageFactory(conversation=conversation, state="delivered")
    page.goto("/")
    page.get_by_test_id("conversation-item").wait_for()
    page.evaluate(
        """import("/static/sms/actions.js").then(({ addMessageAction }) => addMessageAction(
            "Again", ({ state }) => state === "failed",
            ({ text }) => { window.again = text; }))"""
    )
    messages = open_thread(page, conversation)
    messages.first.get_by_role("button", name="Again", exact=True).click()
    assert page.evaluate("window.again") == "again?"
    messages.last.hover()
    page.get_by_test_id("message-menu").click()
    expect(page.get_by_role("menuitem")).to_have_text(["Copy text", "Details"])


def test_who_wrote_is_named(page: Page, conversation: Conversation) -> None:
    bob = factories.ExtensionFactory(tenant=conversation.tenant, number="1777", name="Bob <i>")
    made = {"conversation": conversation, "state": "delivered"}
    factories.MessageFactory(**made, text="mine")
    factories.MessageFactory(**made, text="his", extension=bob)
    factories.MessageFactory(**made, text="machine", extension=None)
    factories.MessageFactory(**made, text="gone", extension=None, client_key="k")
    factories.MessageFactory(conversation=conversation, inbound=True, text="theirs")
    messages = open_thread(page, conversation)
    authors = messages.evaluate_all(
        "all => all.map(one => one.querySelector('.author')?.textContent ?? '')"
    )
    assert authors == [
        "",
        "Bob <i> · 1777",
        "Automatic reply",
        "An extension that was deleted",
        "",
    ]


def test_in_a_group_thread_everybody_has_a_name(page: Page, conversation: Conversation) -> None:
    contact = factories.ContactFactory(tenant=conversation.tenant, name="Ann")
    factories.ContactNumberFactory(contact=contact, number="+16175550101")
    conversation.remote = "+16175550101;+16175550102"
    conversation.save()
    for number in conversation.remotes:
        factories.MessageFactory(conversation=conversation, inbound=True, sender=number)
    open_thread(page, conversation)
    expect(page.get_by_test_id("author")).to_have_text(["Ann", "+1 617-555-0102"])
    expect(page.locator("#thread-title")).to_have_text("Ann, +1 617-555-0102")


def test_days_and_times_are_those_of_the_reader(page: Page, conversation: Conversation) -> None:
    late = datetime(2026, 1, 6, 3, 30, tzinfo=UTC)  # still the 5th in New York
    factories.MessageFactory(conversation=conversation, inbound=True, created_at=late)
    factories.MessageFactory(
        conversation=conversation, inbound=True, created_at=late + timedelta(hours=2)
    )
    messages = open_thread(page, conversation)
    expect(messages.first.locator("time")).to_have_text("10:30 PM")
    expect(messages.first.locator("time")).to_have_attribute(
        "title", re.compile(r"Monday, January 5, 2026 at 10:30:00\sPM")
    )
    expect(page.get_by_test_id("day")).to_have_count(2)


def test_links_lead_where_they_say_and_nothing_else_is_linked(
    page: Page, conversation: Conversation
) -> None:
    factories.MessageFactory(
        conversation=conversation,
        inbound=True,
        text="See (https://example.com/a_(b)), http://example.org/?q=1. javascript:alert(1) "
        "https://bank.example@evil.example/ +16175550188 ftp://x.example https://\u202egpj.exe",
    )
    open_thread(page, conversation)
    links = page.get_by_test_id("message").locator(".text a")
    assert links.evaluate_all("all => all.map(one => [one.textContent, one.href, one.rel])") == [
        ["https://example.com/a_(b)", "https://example.com/a_(b)", "noopener noreferrer"],
        ["http://example.org/?q=1", "http://example.org/?q=1", "noopener noreferrer"],
    ]


@pytest.mark.parametrize(
    ("text", "large"),
    [
        ("😀", True),
        ("👍🏽 ❤️🇩🇪", True),
        ("👩‍👩‍👧", True),
        ("😀😀😀😀", False),
        ("ok 😀", False),
        ("123", False),
        ("", False),
    ],
)
def test_a_few_emoji_alone_are_large(
    page: Page,
    text: str,
    large: bool,
) -> None:
    page.goto("/login/")
    script = "text => import('/static/sms/words.js').then(words => words.isFewEmoji(text))"
    assert page.evaluate(script, text) is large


def test_long_words_and_other_directions_stay_inside(
    page: Page, conversation: Conversation
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    factories.MessageFactory(conversation=conversation, inbound=True, text="W" * 500)
    factories.MessageFactory(conversation=conversation, inbound=True, text="مرحبا 123")
    messages = open_thread(page, conversation)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(messages.last.locator(".text")).to_have_css("direction", "rtl")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1400, 900), (390, 844)])
def test_axe_finds_nothing_in_a_thread_with_everything(
    page: Page, conversation: Conversation, scheme: Any, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for state in ("queued", "sent", "delivered", "failed", "unconfirmed", "held"):
        factories.MessageFactory(
            conversation=conversation, state=state, text="https://example.com/", error="No."
        )
    message = factories.MessageFactory(conversation=conversation, inbound=True, text="See")
    for name in ("a.png", "b.png"):
        attach(message, name, "image/png", png(60, 40))
    attach(message, "c.pdf", "application/pdf", b"%PDF-")
    attach(message, "d.wav", "audio/wav", wav())
    factories.MediaFileFactory(message=message, state=MediaFile.State.FAILED)
    messages = open_thread(page, conversation)

    def violations() -> list[Any]:
        page.evaluate(AXE)
        return [
            (one["id"], [node["html"] for node in one["nodes"]])
            for one in page.evaluate(RUN.replace("document", "{exclude: ['.list-pane']}"))
            if one["impact"] in {"serious", "critical"}
        ]

    assert violations() == []
    messages.nth(3).focus()
    page.keyboard.press("Enter")
    assert violations() == []
    page.get_by_role("menuitem", name="Details").click()
    page.get_by_test_id("details").wait_for()
    assert violations() == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open the picture a.png").click()
    page.get_by_test_id("lightbox").wait_for()
    assert violations() == []

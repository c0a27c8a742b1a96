"""The browser client in a real browser: counting, sending once, keyboard, phone, foreign texts."""

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms import segments
from sms.models import Conversation, Message
from tests import factories
from tests.windows import window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SCRIPT = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"


@pytest.fixture
def conversation(line: CallerID) -> Conversation:
    """A conversation with Helen, who wrote last, in texts that try to be markup."""
    user = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.user = user
    line.extension.save()
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen <b>Ruiz</b>")
    factories.ContactNumberFactory(contact=contact)
    factories.ContactNumberFactory(contact=contact, number="+16175550189", label="work")
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MessageFactory(conversation=made, state="delivered", text="Hello")
    factories.MessageFactory(conversation=made, inbound=True, text=SCRIPT)
    return made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, conversation: Conversation) -> Iterator[Page]:
    """The client, signed in; a fault of its scripts fails the test."""
    assert conversation.extension is not None
    with window(browser, live_server, conversation.extension.user) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_test_id("conversation-item").wait_for()
        yield page


def open_first(page: Page) -> None:
    page.get_by_test_id("conversation-item").first.click()
    page.get_by_test_id("message").first.wait_for()


def test_foreign_text_stays_text(page: Page) -> None:
    open_first(page)
    expect(page.get_by_test_id("message").last).to_contain_text(SCRIPT)
    expect(page.get_by_test_id("conversation-item")).to_contain_text("Helen <b>Ruiz</b>")
    assert page.evaluate("window.pwned") is None


def test_the_thread_says_what_became_of_each_text(page: Page, conversation: Conversation) -> None:
    factories.MessageFactory(
        conversation=conversation,
        state="failed",
        text="x",
        error="No such number.",
        error_code="21",
    )
    factories.MessageFactory(conversation=conversation, state="unconfirmed", text="y")
    open_first(page)
    states = page.get_by_test_id("message").evaluate_all("all => all.map(one => one.dataset.state)")
    assert states == ["delivered", "received", "failed", "unconfirmed"]
    words = page.get_by_test_id("message-state").all_inner_texts()
    assert [text.split("\n")[0].rstrip(" ✓✕?") for text in words] == [
        "Delivered",
        "Failed",
        "May have been sent",
    ]
    expect(page.get_by_test_id("message-error")).to_have_text("No such number. (21)")


def test_opening_a_conversation_marks_it_read(page: Page) -> None:
    expect(page).to_have_title("(1) Messages - SMS Channel")
    open_first(page)
    expect(page).to_have_title("Messages - SMS Channel")
    expect(page.get_by_test_id("unread")).to_have_count(0)


def test_the_counter_counts_as_the_server_does(page: Page) -> None:
    script = "text => import('/static/sms/segments.js').then(module => module.measure(text))"
    parts = ("", "a" * 160, "a" * 161, "€" * 80, "€" * 77, "Ünïcode “now”", "😀" * 34, "\n\f\r")
    for text in (*parts, *map("".join, itertools.pairwise(parts))):
        assert page.evaluate(script, text) == dataclasses.asdict(segments.measure(text))


def test_the_counter_names_the_character_that_forces_unicode(page: Page) -> None:
    open_first(page)
    text, counter = page.get_by_test_id("composer-text"), page.get_by_test_id("counter")
    text.fill("It is ok")
    expect(counter).to_have_text("1 segment · 152 characters left · GSM-7")
    text.fill("It is “ok”")
    expect(counter).to_have_text("1 segment · 60 characters left · UCS-2")
    expect(page.get_by_test_id("culprits")).to_contain_text("“ ” force Unicode")


def test_a_double_click_sends_once(page: Page) -> None:
    open_first(page)
    page.get_by_test_id("composer-text").fill("Only once")
    page.get_by_test_id("composer-send").dblclick()
    expect(page.get_by_test_id("message").last).to_contain_text("Only once")
    expect(page.get_by_test_id("composer-text")).to_have_value("")
    assert Message.objects.filter(text="Only once").count() == 1


def test_a_lost_answer_is_asked_for_again_with_the_same_key(page: Page) -> None:
    open_first(page)
    keys = []

    def lose_first_answer(route: Any) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = route.fetch()
        if len(keys) == 1:
            route.abort("connectionreset")
        else:
            route.fulfill(response=answer)

    page.route("**/api/v1/messages", lose_first_answer)
    page.get_by_test_id("composer-text").fill("Once, please")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message").last).to_contain_text("Once, please")
    expect(page.get_by_test_id("pending")).to_have_count(0)
    expect(page.get_by_test_id("composer-error")).to_be_hidden()
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert Message.objects.filter(text="Once, please").count() == 1


def test_a_refusal_is_shown_and_the_text_is_kept(page: Page) -> None:
    open_first(page)
    refusal = {"code": "opted_out", "detail": "She asked not to be texted."}
    page.route(
        "**/api/v1/messages", lambda route: route.fulfill(status=403, body=json.dumps(refusal))
    )
    page.get_by_test_id("composer-text").fill("Please?")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("composer-error")).to_have_text("She asked not to be texted.")
    expect(page.get_by_test_id("composer-text")).to_have_value("Please?")


def test_another_number_of_the_contact_can_be_chosen(page: Page) -> None:
    open_first(page)
    page.get_by_test_id("to-select").select_option("+16175550189")
    page.get_by_test_id("composer-text").fill("At work?")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message")).to_have_count(1)
    expect(page.get_by_test_id("conversation-item")).to_have_count(2)
    assert Message.objects.get(text="At work?").recipient == "+16175550189"


def test_everything_can_be_done_by_keyboard(page: Page) -> None:
    page.get_by_test_id("new-message").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("recipient")).to_be_focused()
    page.keyboard.type("hel")
    page.get_by_test_id("recipient-option").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("composer-text")).to_be_focused()
    page.keyboard.type("First line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message").last).to_contain_text("First line\nsecond line")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("conversation-item").first).to_be_visible()
    assert Message.objects.filter(text="First line\nsecond line").count() == 1


def test_a_phone_shows_one_pane_at_a_time(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    listed, thread = page.get_by_test_id("conversation-list"), page.get_by_test_id("thread")
    expect(listed).to_be_visible()
    expect(thread).to_be_hidden()
    open_first(page)
    expect(listed).to_be_hidden()
    expect(page.get_by_test_id("composer-send")).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_label("Back to the list").click()
    expect(listed).to_be_visible()
    expect(thread).to_be_hidden()


def test_scrolling_back_loads_older_messages(page: Page, conversation: Conversation) -> None:
    factories.MessageFactory.create_batch(70, conversation=conversation, state="delivered")
    open_first(page)
    expect(page.get_by_test_id("message")).to_have_count(50)
    page.evaluate("document.getElementById('scroll').scrollTop = 0")
    expect(page.get_by_test_id("message")).to_have_count(72)


def test_a_lost_push_stream_is_shown(page: Page) -> None:
    """Nobody plays the push process here."""
    expect(page.get_by_test_id("line-state")).to_contain_text("Connection lost")


def test_a_picture_can_be_attached_and_removed(page: Page, tmp_path: Path) -> None:
    open_first(page)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.get_by_test_id("composer-file").set_input_files(picture)
    expect(page.get_by_test_id("attachment-state")).to_have_text("1 kB")
    page.get_by_label("Remove a.png").click()
    expect(page.get_by_test_id("attachment")).to_have_count(0)
    expect(page.get_by_test_id("composer-send")).to_be_disabled()

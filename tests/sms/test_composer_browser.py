"""Writing in a real browser: counting, files, emoji, from and to, bad lines, later, once more."""

import os
import re
import struct
import zlib
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms import later, media
from sms.models import Conversation, LaterText, MediaFile, Message, OptOut
from tests import factories
from tests.windows import window

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text()
RUN = "axe.run(document, {resultTypes: ['violations']}).then(result => result.violations)"
SEND = "**/api/v1/messages"


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def conversation(line: CallerID) -> Conversation:
    """A conversation with Helen, who has a number at work, too."""
    line.extension.user = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.save()
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen Ruiz", company="Alder")
    factories.ContactNumberFactory(contact=contact)
    factories.ContactNumberFactory(contact=contact, number="+16175550189", label="work")
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    factories.MessageFactory(conversation=made, inbound=True, text="Hello")
    return made


@pytest.fixture
def strict(conversation: Conversation) -> CallerID:
    """A second caller ID, on a trunk that takes pictures of 600 kB together and nothing else."""
    trunk = factories.TrunkFactory(tenant=conversation.tenant, provider="vonage")
    did = factories.DIDFactory(trunk=trunk)
    made: CallerID = factories.CallerIDFactory(
        extension=conversation.extension, did=did, description="Strict", is_default=False
    )
    return made


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, conversation: Conversation) -> Iterator[Page]:
    """The client, signed in; a fault of its scripts fails the test."""
    assert conversation.extension is not None
    with window(browser, live_server, conversation.extension.user) as context:
        page = context.new_page()
        # Nobody plays the push process; without its address nothing asks again and again.
        page.route("**/api/v1/events", lambda route: route.fulfill(status=503))
        page.goto("/")
        page.get_by_test_id("conversation-item").first.wait_for()
        yield page
        page.unroute_all(behavior="ignoreErrors")


def open_first(page: Page) -> Locator:
    """Open Helen's thread; return the field for the text."""
    page.get_by_test_id("conversation-item").first.click()
    page.get_by_test_id("message").first.wait_for()
    # Her second number makes the composer higher: what is pressed meanwhile would move.
    page.get_by_role("combobox", name="To").wait_for()
    return page.get_by_test_id("composer-text")


def write_new(page: Page) -> Locator:
    """Begin a new message; return the field for its recipient."""
    page.get_by_test_id("new-message").click()
    expect(page.get_by_test_id("recipient")).to_be_focused()
    return page.get_by_test_id("recipient")


def picture(path: Path, width: int, height: int) -> Path:
    """Write a picture of noise, which no format makes small."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + os.urandom(width * 3) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


# --- Counting, emoji ---------------------------------------------------------------------------


def test_typographic_marks_are_named_and_replaced_with_one_press(page: Page) -> None:
    text = open_first(page)
    text.fill("“It\u2019s ready” \u2013 at 5…\u00a0pm")
    culprits = page.get_by_test_id("culprits")
    expect(culprits).to_contain_text("“ \u2019 ” \u2013 … a no-break space force Unicode")
    page.get_by_test_id("make-plain").click()
    expect(text).to_have_value('"It\'s ready" - at 5... pm')
    expect(culprits).to_be_hidden()
    expect(page.get_by_test_id("counter")).to_have_text("1 segment · 135 characters left · GSM-7")
    text.fill("Ready 🎉")
    expect(culprits).to_contain_text("🎉 forces Unicode")
    expect(page.get_by_test_id("make-plain")).to_be_hidden()


def test_an_emoji_is_found_by_name_and_put_in_by_keyboard(page: Page) -> None:
    text = open_first(page)
    text.fill("Thank you")
    page.get_by_test_id("emoji-open").click()
    expect(page.get_by_test_id("emoji-search")).to_be_focused()
    page.keyboard.type("birthday")
    expect(page.get_by_test_id("emoji")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("emoji")).to_be_focused()
    page.keyboard.press("Enter")
    expect(text).to_have_value("Thank you🎂")
    expect(text).to_be_focused()
    expect(page.get_by_test_id("counter")).to_contain_text("UCS-2")
    page.get_by_test_id("emoji-open").click()
    expect(page.get_by_test_id("emoji").first).to_have_text("🎂")  # the recent one comes first
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("emoji-panel")).to_be_hidden()
    expect(page.get_by_test_id("emoji-open")).to_be_focused()
    expect(page.get_by_test_id("thread")).to_be_visible()  # Escape closed the panel only


def test_every_emoji_has_a_name_and_stands_there_once(page: Page) -> None:
    open_first(page)
    page.get_by_test_id("emoji-open").click()
    found = page.get_by_test_id("emoji").evaluate_all(
        "all => all.map(one => [one.dataset.char, one.title])"
    )
    chars = [char for char, _name in found]
    assert len(chars) > 180
    assert len(set(chars)) == len(chars)
    assert all(re.search(r"[a-z]", name) and not re.search(r"\w", char) for char, name in found)


# --- Files -------------------------------------------------------------------------------------


def test_files_are_shown_uploaded_and_sent(page: Page, tmp_path: Path) -> None:
    open_first(page)
    page.get_by_test_id("composer-file").set_input_files(picture(tmp_path / "a.png", 20, 20))
    attachment = page.get_by_test_id("attachment")
    expect(attachment.locator("img")).to_be_visible()
    expect(page.get_by_test_id("attachment-state")).to_have_text("1 kB")
    page.get_by_test_id("composer-send").click()
    expect(page.get_by_test_id("message").last.get_by_test_id("picture")).to_be_visible()
    expect(attachment).to_have_count(0)
    assert MediaFile.objects.get().message == Message.objects.get(direction="outbound")


@pytest.mark.usefixtures("strict")
def test_a_picture_that_is_too_large_is_made_smaller(page: Page, tmp_path: Path) -> None:
    open_first(page)
    page.get_by_test_id("from-select").select_option(index=1)
    page.get_by_test_id("composer-file").set_input_files(picture(tmp_path / "a.png", 900, 700))
    state = page.get_by_test_id("attachment-state")
    expect(state).to_have_text(re.compile(r"^made smaller: 1\.8 MB → \d{3} kB$"), timeout=20_000)
    kept = MediaFile.objects.get()
    assert (kept.content_type, kept.name) == ("image/jpeg", "a.jpg")
    assert kept.size <= 600_000


@pytest.mark.usefixtures("strict")
def test_changing_the_sender_checks_the_files_again(page: Page, tmp_path: Path) -> None:
    text = open_first(page)
    paper = tmp_path / "a.pdf"
    paper.write_bytes(b"%PDF-1.4 paper")
    page.get_by_test_id("composer-file").set_input_files(paper)
    state, send = page.get_by_test_id("attachment-state"), page.get_by_test_id("composer-send")
    expect(state).to_have_text("1 kB")
    text.fill("The offer")
    expect(send).to_be_enabled()
    page.get_by_test_id("from-select").select_option(index=1)
    expect(state).to_have_text("Files of type application/pdf cannot be sent from here.")
    expect(send).to_be_disabled()
    page.get_by_test_id("from-select").select_option(index=0)
    expect(state).to_have_text("1 kB")
    expect(send).to_be_enabled()


def test_an_upload_that_failed_can_be_tried_again(page: Page, tmp_path: Path) -> None:
    open_first(page)
    page.route("**/api/v1/media", lambda route: route.abort("connectionreset"), times=1)
    page.get_by_test_id("composer-file").set_input_files(picture(tmp_path / "a.png", 9, 9))
    expect(page.get_by_test_id("attachment-state")).to_have_text("No connection to the server.")
    expect(page.get_by_test_id("composer-send")).to_be_disabled()
    page.get_by_test_id("attachment-again").click()
    expect(page.get_by_test_id("attachment-state")).to_have_text("1 kB")
    expect(page.get_by_test_id("composer-send")).to_be_enabled()


DRAG = """kind => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], "note.txt", { type: "text/plain" }));
  const event = new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data });
  document.getElementById("scroll").dispatchEvent(event);
}"""
PASTE = """() => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], "pasted.txt", { type: "text/plain" }));
  const paste = { bubbles: true, cancelable: true, clipboardData: data };
  const event = new ClipboardEvent("paste", paste);
  document.getElementById("composer-text").dispatchEvent(event);
}"""


def test_files_are_dropped_on_the_thread_and_pasted_into_the_text(page: Page) -> None:
    open_first(page)
    page.evaluate(DRAG, "dragover")
    expect(page.get_by_test_id("drop-zone")).to_have_text("Drop files here to add them")
    page.evaluate(DRAG, "drop")
    expect(page.get_by_test_id("drop-zone")).to_be_hidden()
    page.evaluate(PASTE)
    expect(page.get_by_test_id("attachment")).to_contain_text(["note.txt", "pasted.txt"])


# --- From and to -------------------------------------------------------------------------------


@pytest.mark.usefixtures("strict")
def test_another_sender_is_explained_before_sending_and_remembered(page: Page) -> None:
    open_first(page)
    note = page.get_by_test_id("route-note")
    expect(note).to_be_hidden()
    page.get_by_test_id("from-select").select_option(index=1)
    expect(note).to_have_text("This goes into another conversation, not into this one.")
    page.reload()
    open_first(page)
    expect(note).to_be_visible()
    page.get_by_test_id("from-select").select_option(index=0)
    expect(note).to_be_hidden()


def test_a_sender_id_is_said_to_be_one_way(page: Page, conversation: Conversation) -> None:
    assert conversation.extension is not None
    factories.SenderIDFactory(tenant=conversation.tenant, trunk=conversation.trunk, word="ALDER")
    conversation.extension.sms = "ALLOW_WITH_SENDER_ID"
    conversation.extension.save()
    page.reload()
    open_first(page)
    page.get_by_test_id("from-select").select_option("ALDER")
    expect(page.get_by_test_id("route-note")).to_contain_text(
        "ALDER is a name, not a number: it cannot be answered."
    )


# --- New message -------------------------------------------------------------------------------


def test_a_typed_number_is_shown_in_full_before_anything_is_sent(page: Page) -> None:
    recipient = write_new(page)
    verdict = page.get_by_test_id("recipient-verdict")
    recipient.fill("217 207 4422")
    expect(verdict).to_have_text("+1 217-207-4422 · United States")
    recipient.fill("+44 20 7946 0018")
    expect(verdict).to_have_text("+44 20 7946 0018 · Britain (UK)")
    recipient.press("Enter")
    expect(page.get_by_test_id("composer-text")).to_be_focused()
    page.keyboard.type("Good morning")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message")).to_contain_text("Good morning")
    assert Message.objects.get(direction="outbound").recipient == "+442079460018"


def test_what_is_no_number_is_refused_at_once(page: Page) -> None:
    recipient = write_new(page)
    recipient.fill("12")
    expect(page.get_by_test_id("recipient-verdict")).to_have_text("12 is not a phone number.")
    recipient.fill("nobody")
    recipient.press("Enter")
    expect(page.get_by_test_id("recipient-verdict")).to_have_text(
        "Nobody has this name, and it is no number."
    )
    page.get_by_test_id("composer-text").fill("Hello?")
    expect(page.get_by_test_id("composer-send")).to_be_disabled()


def test_an_opt_out_is_told_before_anything_is_written(
    page: Page, conversation: Conversation
) -> None:
    OptOut.objects.create(tenant=conversation.tenant, remote="+12125550142", words="STOP")
    recipient = write_new(page)
    recipient.fill("212 555 0142")
    expect(page.get_by_test_id("composer-error")).to_contain_text("asked not to be texted")
    recipient.fill("212 555 0143")
    expect(page.get_by_test_id("recipient-verdict")).to_contain_text("+1 212-555-0143")
    expect(page.get_by_test_id("composer-error")).to_be_hidden()


def test_colleagues_and_contacts_are_found_and_enter_takes_the_first(
    page: Page, conversation: Conversation
) -> None:
    colleague = factories.ExtensionFactory(tenant=conversation.tenant, name="Helga Stein")
    found = [{"number": colleague.number, "name": colleague.name, "presence": "available"}]
    page.route("**/api/v1/colleagues?*", lambda route: route.fulfill(json=found))
    recipient = write_new(page)
    recipient.fill("hel")
    expect(page.get_by_test_id("recipient-option")).to_contain_text(["Helga Stein", "Helen Ruiz"])
    recipient.press("Enter")
    expect(page.get_by_test_id("recipient-verdict")).to_contain_text("internal chat")
    page.keyboard.type("Coffee?")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("message")).to_contain_text("Coffee?")
    assert Message.objects.get(text="Coffee?").direction == "internal"


# --- A bad line --------------------------------------------------------------------------------


def test_the_next_text_can_be_written_while_one_is_on_its_way(page: Page) -> None:
    text = open_first(page)
    page.route(SEND, lambda route: route.abort("connectionreset"))
    for words in ("First", "Second"):
        text.fill(words)
        text.press("Enter")
        expect(text).to_have_value("")
    pending = page.get_by_test_id("pending")
    expect(pending).to_contain_text(["First", "Second"])
    expect(page.get_by_test_id("pending-error")).to_contain_text("it will be sent only once")
    page.unroute(SEND)
    expect(page.get_by_test_id("message")).to_contain_text(["Hello", "First", "Second"])
    expect(pending).to_have_count(0)
    sent = Message.objects.filter(direction="outbound").order_by("pk")
    assert [message.text for message in sent] == ["First", "Second"]


def test_a_reload_on_a_bad_line_neither_loses_nor_doubles(page: Page) -> None:
    text = open_first(page)

    def lose_answer(route: Any) -> None:
        route.fetch()
        route.abort("connectionreset")

    # The last one that was set comes first: one answer is lost, then there is no line at all.
    page.route(SEND, lambda route: route.abort("connectionreset"))
    page.route(SEND, lose_answer, times=1)
    text.fill("Once, please")
    text.press("Enter")
    expect(page.get_by_test_id("pending-error")).to_be_visible()
    page.unroute(SEND)
    page.reload()
    open_first(page)
    expect(page.get_by_test_id("pending")).to_have_count(0)
    expect(page.get_by_test_id("message").last).to_contain_text("Once, please")
    assert Message.objects.filter(text="Once, please").count() == 1


def test_a_refused_text_comes_back_with_its_files(page: Page, tmp_path: Path) -> None:
    text = open_first(page)
    OptOut.objects.create(
        tenant=Conversation.objects.get().tenant, remote=factories.REMOTE, words="STOP"
    )
    page.get_by_test_id("composer-file").set_input_files(picture(tmp_path / "a.png", 9, 9))
    expect(page.get_by_test_id("attachment-state")).to_have_text("1 kB")
    text.fill("Please?")
    text.press("Enter")
    expect(page.get_by_test_id("composer-error")).to_contain_text("asked not to be texted")
    expect(text).to_have_value("Please?")
    expect(page.get_by_test_id("attachment")).to_contain_text("a.png")


# --- Once more ---------------------------------------------------------------------------------


def test_a_failed_text_is_sent_again_with_its_files(page: Page, conversation: Conversation) -> None:
    failed = factories.MessageFactory(
        conversation=conversation, state="failed", text="Look", error="No such number."
    )
    assert conversation.extension is not None
    file = media.store_upload(
        tenant=conversation.tenant,
        extension=conversation.extension,
        name="a.txt",
        content_type="text/plain",
        body=b"words",
    )
    MediaFile.objects.filter(pk=file.pk).update(message=failed)
    open_first(page)
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_test_id("again-why")).to_contain_text("No such number.")
    page.get_by_test_id("again-go").dblclick()
    expect(page.get_by_test_id("message")).to_have_count(3)
    again = Message.objects.exclude(pk=failed.pk).get(direction="outbound")
    assert (again.text, again.conversation) == ("Look", conversation)
    copy = again.media.get()
    assert (copy.name, Path(copy.file.path).read_bytes()) == ("a.txt", b"words")


def test_an_unconfirmed_text_is_sent_again_only_after_a_warning(
    page: Page, conversation: Conversation
) -> None:
    factories.MessageFactory(conversation=conversation, state="unconfirmed", text="Maybe")
    open_first(page)
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_test_id("again-why")).to_have_text(
        "The first one may have arrived; the person may get it twice."
    )
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("again")).to_have_count(0)
    expect(page.get_by_test_id("thread")).to_be_visible()
    assert Message.objects.filter(text="Maybe").count() == 1


# --- Later -------------------------------------------------------------------------------------


def test_a_text_is_scheduled_changed_and_cancelled(page: Page) -> None:
    text = open_first(page)
    expect(page.get_by_test_id("later-open")).to_be_disabled()
    text.fill("Reminder")
    page.get_by_test_id("later-open").click()
    page.get_by_test_id("later-preset").first.click()
    card = page.get_by_test_id("later-card")
    expect(card).to_contain_text("Scheduled for")
    expect(text).to_have_value("")
    row = LaterText.objects.get()
    assert timedelta(minutes=58) < row.due_at - timezone.now() < timedelta(minutes=62)
    page.get_by_test_id("later-edit").click()
    page.get_by_test_id("later-text").fill("Another reminder")
    page.get_by_test_id("later-edit-time").fill("2020-01-01T09:00")
    page.get_by_test_id("later-save").click()
    editor = page.get_by_test_id("later-editor")
    expect(editor.get_by_role("alert")).to_have_text("This time is past; choose a later one.")
    tomorrow = timezone.localtime() + timedelta(days=1)
    page.get_by_test_id("later-edit-time").fill(tomorrow.strftime("%Y-%m-%dT09:00"))
    page.get_by_test_id("later-save").click()
    expect(card).to_contain_text("Another reminder")
    page.reload()
    open_first(page)
    expect(card).to_contain_text("Another reminder")
    page.get_by_test_id("later-cancel").click()
    expect(card).to_have_count(0)
    row.refresh_from_db()
    assert (row.state, row.text) == ("cancelled", "Another reminder")


def test_a_scheduled_text_can_be_sent_now(page: Page) -> None:
    text = open_first(page)
    text.fill("Reminder")
    page.get_by_test_id("later-open").click()
    page.get_by_test_id("later-preset").nth(1).click()
    page.get_by_test_id("later-now").click()
    expect(page.get_by_test_id("later-card")).to_have_count(0)
    assert Message.objects.filter(text="Reminder").count() == 1


def test_a_new_recipients_thread_holds_the_scheduled_text(page: Page) -> None:
    write_new(page).fill("(212) 555-0142")
    page.get_by_test_id("recipient-option").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.type("Welcome")
    page.get_by_test_id("later-open").click()
    page.get_by_test_id("later-preset").nth(1).click()
    expect(page.get_by_test_id("later-card")).to_contain_text("Welcome")
    expect(page.get_by_test_id("conversation-item")).to_have_count(2)


def test_a_refused_text_is_told_wherever_the_reader_is(
    page: Page, conversation: Conversation
) -> None:
    text = open_first(page)
    text.fill("Reminder")
    page.get_by_test_id("later-open").click()
    page.get_by_test_id("later-preset").first.click()
    page.get_by_test_id("later-card").wait_for()
    OptOut.objects.create(tenant=conversation.tenant, remote=factories.REMOTE, words="STOP now")
    LaterText.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    later.submit_due()
    page.goto("/")
    page.get_by_test_id("later-told").click()
    card = page.get_by_test_id("later-card")
    expect(card).to_contain_text("STOP now")
    page.get_by_test_id("later-cancel").click()
    expect(page.get_by_test_id("later-told")).to_be_hidden()


# --- For everybody -----------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wrong_for_axe_and_all_of_it_fits_on_a_phone(
    page: Page, scheme: Literal["light", "dark"], tmp_path: Path
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    text = open_first(page)
    text.fill("“Ready”")
    page.get_by_test_id("later-open").click()
    page.get_by_test_id("later-preset").first.click()
    page.get_by_test_id("later-card").wait_for()
    page.route(SEND, lambda route: route.abort("connectionreset"))
    text.fill("On its way")
    text.press("Enter")
    page.get_by_test_id("pending-error").wait_for()
    page.get_by_test_id("composer-file").set_input_files(picture(tmp_path / "a.png", 9, 9))
    text.fill("“Ready” 🎉")
    page.evaluate(AXE)
    for opener in ("later-open", "emoji-open"):
        page.get_by_test_id(opener).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        found = page.evaluate(RUN)
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        page.keyboard.press("Escape")

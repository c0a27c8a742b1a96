"""Files of messages in a real browser: pictures, players, cards, and nothing that could run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms.models import Conversation, MediaFile, Message, State
from tests import factories
from tests.sms import threads
from tests.sms.threads import attach, open_thread, png, wav

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


def test_pictures_open_large_and_by_keyboard(page: Page, conversation: Conversation) -> None:
    message = factories.MessageFactory(conversation=conversation, inbound=True)
    for name in ("a<b>.png", "b.png", "c.png", "d.png", "e.png"):
        attach(message, name, "image/png", png(60, 40))
    open_thread(page, conversation)
    pictures = page.get_by_role("button", name="Open the picture")
    expect(pictures).to_have_count(4)
    expect(pictures.last).to_contain_text("+1")
    pictures.first.focus()
    page.keyboard.press("Enter")
    box = page.get_by_test_id("lightbox")
    expect(box).to_contain_text("a<b>.png, 1 of 5")
    for key, place in (("ArrowRight", 2), ("End", 5), ("ArrowRight", 5), ("ArrowLeft", 4)):
        page.keyboard.press(key)
        expect(box).to_contain_text(f"{place} of 5")
    width = page.get_by_test_id("lightbox-picture").evaluate(
        "one => one.decode().then(() => one.naturalWidth)"
    )
    assert width == 60
    with page.expect_download() as download:
        box.get_by_label("Download").click()
    assert download.value.suggested_filename == "d.png"
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(pictures.first).to_be_focused()
    expect(page.get_by_test_id("message")).to_be_visible()


def test_pictures_have_their_place_before_they_come(page: Page, conversation: Conversation) -> None:
    held: list[Route] = []
    message = factories.MessageFactory(conversation=conversation, inbound=True, text="")
    attach(message, "a.png", "image/png", png(300, 900))

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/media/*", hold)
    messages = open_thread(page, conversation)
    empty = messages.first.bounding_box()
    page.wait_for_function("() => document.querySelector('.picture img')")
    while not held:
        page.evaluate("new Promise(requestAnimationFrame)")
    held.pop().continue_()
    page.wait_for_function("() => document.querySelector('.picture img').naturalWidth === 300")
    assert messages.first.bounding_box() == empty


def test_files_are_cards_and_what_is_not_there_is_explained(
    page: Page, conversation: Conversation
) -> None:
    message = factories.MessageFactory(conversation=conversation, inbound=True)
    attach(message, "contract.pdf", "application/pdf", b"%PDF-" * 500)
    attach(message, "broken.png", "image/png", b"no picture")
    factories.MediaFileFactory(message=message)
    factories.MediaFileFactory(message=message, state=MediaFile.State.FAILED)
    open_thread(page, conversation)
    card = page.get_by_test_id("file").filter(has_text="contract.pdf")
    expect(card).to_contain_text("PDF · 2 kB")
    with page.expect_download() as download:
        card.click()
    assert download.value.suggested_filename == "contract.pdf"
    expect(page.get_by_test_id("file").filter(has_text="broken.png")).to_contain_text(
        "This picture cannot be shown."
    )
    expect(page.get_by_test_id("file-notice")).to_have_text(
        [
            "Fetching the attachment…",
            "The attachment could not be fetched. Ask for it to be sent again.",
        ]
    )


def test_sound_plays_and_what_cannot_be_played_is_a_file(
    page: Page, conversation: Conversation
) -> None:
    message = factories.MessageFactory(conversation=conversation, inbound=True)
    attach(message, "memo.wav", "audio/wav", wav())
    attach(message, "film.mp4", "video/mp4", b"no film")
    open_thread(page, conversation)
    length = page.get_by_test_id("audio").evaluate(
        "one => new Promise(done => { one.ondurationchange = () => done(one.duration);"
        " one.preload = 'auto'; one.load(); })"
    )
    assert abs(length - 0.1) < 0.01
    expect(page.get_by_test_id("video")).to_have_count(0)
    expect(page.get_by_test_id("file")).to_have_count(2)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("page.html", "text/html"),
        ("drawing.svg", "image/svg+xml"),
        ("data.xml", "application/xml"),
        ("paper.pdf", "application/pdf"),
    ],
)
def test_a_file_that_could_run_is_downloaded_and_never_shown(
    page: Page, conversation: Conversation, name: str, kind: str
) -> None:
    body = b"<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='pwned'</script></svg>"
    message = factories.MessageFactory(conversation=conversation, inbound=True)
    kept = attach(message, name, kind, body)
    open_thread(page, conversation)
    expect(page.get_by_test_id("picture")).to_have_count(0)
    link = page.get_by_test_id("file")
    expect(link).to_contain_text(name)
    url = link.evaluate("one => one.href")
    assert url.endswith(f"/api/v1/media/{kept.key}")
    with page.expect_download() as download:
        page.evaluate("url => { location = url; }", url)
    assert download.value.suggested_filename == name
    expect(page).not_to_have_title("pwned")


def test_a_sound_goes_on_while_the_tick_changes(page: Page, conversation: Conversation) -> None:
    message = factories.MessageFactory(conversation=conversation, state="sent")
    attach(message, "memo.wav", "audio/wav", wav())
    open_thread(page, conversation)
    page.get_by_test_id("audio").evaluate("one => { window.player = one; }")
    Message.objects.filter(pk=message.pk).move(State.DELIVERED)
    expect(page.get_by_test_id("message-state")).to_have_text("Delivered", timeout=20_000)
    assert page.get_by_test_id("audio").evaluate("one => one === window.player")

"""What the browser tests of a thread share: one that can be opened, many texts, and files."""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, Route
from pytest_django.live_server_helper import LiveServer

from portal.models import CallerID
from sms import inbox, media
from sms.models import Conversation, MediaFile, Message
from tests import factories
from tests.windows import window

BY_IDS = "all => all.map(one => Number(one.dataset.id))"


def of(line: CallerID) -> Conversation:
    """Make an empty conversation of somebody who can sign in."""
    line.extension.user = factories.UserFactory(tenant=line.tenant, username="desk")
    line.extension.save()
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    return made


@contextlib.contextmanager
def page_of(browser: Browser, server: LiveServer, conversation: Conversation) -> Iterator[Page]:
    """Give a page that is signed in, not yet loaded; a fault of its scripts is an error."""
    assert conversation.extension is not None
    place = {"timezone_id": "America/New_York", "locale": "en-US"}
    with window(browser, server, conversation.extension.user, **place) as context:
        yield context.new_page()


def open_thread(page: Page, conversation: Conversation) -> Locator:
    """Open the conversation; return its messages once some are there."""
    page.goto(f"/#c{conversation.pk}")
    messages = page.get_by_test_id("message")
    messages.first.wait_for()
    return messages


def texts(conversation: Conversation, count: int, **fields: Any) -> list[int]:
    """Make many texts at once, a minute between them; return their ids in order."""
    now = timezone.now()
    made = Message.objects.bulk_create(
        factories.MessageFactory.build(
            **{
                "tenant": conversation.tenant,
                "conversation": conversation,
                "inbound": n % 3 == 0,
                "created_at": now - timedelta(minutes=count - n),
                **fields,
            }
        )
        for n in range(count)
    )
    return [row.pk for row in made]


def read(conversation: Conversation, up_to: int | None = None) -> None:
    """Let the extension have read the thread."""
    assert conversation.extension is not None
    inbox.mark_read(conversation, conversation.extension, up_to)


def attach(message: Message, name: str, kind: str, body: bytes) -> MediaFile:
    """Give a message a file."""
    kept = MediaFile(
        tenant=message.tenant,
        message=message,
        name=name,
        content_type=kind,
        size=len(body),
        state=MediaFile.State.READY,
    )
    media._keep(kept, body)  # noqa: SLF001 - what a fetched file becomes, of any type
    return kept


def png(width: int, height: int, colour: tuple[int, int, int] = (70, 130, 180)) -> bytes:
    """Draw a picture of one colour that gets lighter to the bottom."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = b"".join(
        b"\0" + bytes(min(255, part + 90 * y // height) for part in colour) * width
        for y in range(height)
    )
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def wav() -> bytes:
    """Make a tenth of a second of silence."""
    data = b"\x80" * 800
    shape = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE" + shape + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def top_of(page: Page, pk: int) -> float:
    """Return where the message is on the screen."""
    found = page.evaluate(
        "id => document.querySelector(`[data-id='${id}'].message`).getBoundingClientRect().top", pk
    )
    return float(found)


def scroll_to(page: Page, share: float) -> None:
    """Scroll to a share of the thread's height."""
    page.evaluate(
        "share => { const one = document.getElementById('scroll');"
        " one.scrollTop = share * one.scrollHeight; }",
        share,
    )


def lay_open(page: Page) -> None:
    """Let a test reach the thread that the page works with, as ``opened``."""
    made = "const thread = new Thread("

    def serve(route: Route) -> None:
        answer = route.fetch()
        assert made in answer.text()
        script = answer.text().replace(made, "const thread = window.opened = new Thread(")
        route.fulfill(response=answer, body=script)

    page.route("**/sms/client.js", serve)
    page.goto("/")
    page.get_by_test_id("conversation-item").wait_for()

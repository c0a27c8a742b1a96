"""The messages of one thread: pages both ways, who wrote, what to do about trouble, safe files."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from portal.models import CallerID
from sms import media
from sms.models import Conversation, MediaFile, Message, State
from tests import factories
from tests.sms.callers import API, machine, queries_of

pytestmark = pytest.mark.django_db
MANY = 5000


@pytest.fixture
def conversation(line: CallerID) -> Conversation:
    """The conversation of the line's extension with somebody outside."""
    made: Conversation = factories.ConversationFactory(did=line.did, extension=line.extension)
    return made


def url_of(conversation: Conversation) -> str:
    return f"{API}/conversations/{conversation.pk}/messages"


def texts(conversation: Conversation, count: int) -> list[int]:
    """Make many texts at once; return their ids in order."""
    made = Message.objects.bulk_create(
        factories.MessageFactory.build(
            tenant=conversation.tenant, conversation=conversation, inbound=n % 2 == 0
        )
        for n in range(count)
    )
    return [row.pk for row in made]


def ids(page: dict[str, Any]) -> list[int]:
    return [row["id"] for row in page["results"]]


def walk(client: APIClient, page: dict[str, Any], way: str) -> list[list[int]]:
    """Follow the pages in one way to the end."""
    found = []
    while page[way]:
        page = client.get(page[way]).json()
        found.append(ids(page))
    return found


def test_a_page_around_a_message_leads_both_ways_without_gap_or_double(
    line: CallerID, conversation: Conversation
) -> None:
    made = texts(conversation, 40)
    client = machine(line.extension)
    middle = client.get(f"{url_of(conversation)}?around={made[20]}&page_size=10").json()
    assert ids(middle) == list(reversed(made[16:26]))
    newer = walk(client, middle, "previous")
    older = walk(client, middle, "next")
    seen = [pk for page in reversed(newer) for pk in page]
    seen += ids(middle) + [pk for page in older for pk in page]
    assert seen == list(reversed(made))


def test_texts_that_come_meanwhile_are_on_the_newer_pages(
    line: CallerID, conversation: Conversation
) -> None:
    made = texts(conversation, 12)
    client = machine(line.extension)
    middle = client.get(f"{url_of(conversation)}?around={made[2]}&page_size=6").json()
    made += texts(conversation, 3)
    newer = walk(client, middle, "previous")
    assert [pk for page in reversed(newer) for pk in page] == list(reversed(made[6:]))


@pytest.mark.parametrize(("place", "first", "last"), [(0, 0, 2), (9, 4, 9), (10**30, 4, 9)])
def test_a_place_at_an_end_shows_that_end(
    line: CallerID, conversation: Conversation, place: int, first: int, last: int
) -> None:
    made = texts(conversation, 10)
    around = made[place] if 0 < place < 10 else place
    client = machine(line.extension)
    page = client.get(f"{url_of(conversation)}?around={around}&page_size=6").json()
    assert ids(page) == list(reversed(made[first : last + 1]))
    assert (page["previous"] is None) == (last == 9)


def test_a_message_of_another_thread_opens_only_this_one(
    line: CallerID, conversation: Conversation
) -> None:
    made = texts(conversation, 3)
    stranger = factories.MessageFactory()
    page = machine(line.extension).get(f"{url_of(conversation)}?around={stranger.pk}").json()
    assert ids(page) == list(reversed(made))
    answer = machine(stranger.conversation.extension).get(
        f"{url_of(conversation)}?around={made[0]}"
    )
    assert answer.status_code == 404


def test_a_place_that_is_no_number_names_the_field(
    line: CallerID, conversation: Conversation
) -> None:
    answer = machine(line.extension).get(f"{url_of(conversation)}?around=here")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["around"])


def test_a_thread_of_thousands_costs_as_few_queries_as_a_short_one(
    line: CallerID, conversation: Conversation
) -> None:
    client, path = machine(line.extension), url_of(conversation)
    few = texts(conversation, 3)
    for pk in few:
        factories.MediaFileFactory(message=Message.objects.get(pk=pk))
    short = queries_of(client, path)
    made = texts(conversation, MANY)
    for pk in made[-20:]:
        factories.MediaFileFactory(message=Message.objects.get(pk=pk))
    assert queries_of(client, path) == short
    assert queries_of(client, f"{path}?around={made[MANY // 2]}") == short + 1


def test_a_page_in_the_middle_reads_no_more_rows_than_it_shows(
    line: CallerID, conversation: Conversation
) -> None:
    made = texts(conversation, MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sms_message")
    client = machine(line.extension)
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{url_of(conversation)}?around={made[MANY // 2]}")
    asked = [query["sql"] for query in queries if 'FROM "sms_message"' in query["sql"]]
    assert len(asked) == 2
    with connection.cursor() as cursor:
        for sql in asked:
            cursor.execute("EXPLAIN " + sql.replace("%", "%%"))
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on sms_message" not in plan
            assert "Sort" not in plan


def test_a_message_says_who_wrote_it(line: CallerID, conversation: Conversation) -> None:
    colleague = factories.ExtensionFactory(tenant=line.tenant, name="Bob Stone")
    factories.MessageFactory(conversation=conversation, extension=colleague)
    factories.MessageFactory(conversation=conversation, extension=None)
    factories.MessageFactory(conversation=conversation, extension=None, client_key="of one gone")
    factories.MessageFactory(conversation=conversation, inbound=True)
    rows = machine(line.extension).get(url_of(conversation)).json()["results"]
    assert [(row["author"], row["automatic"]) for row in reversed(rows)] == [
        ({"number": colleague.number, "name": "Bob Stone"}, False),
        (None, True),
        (None, False),
        (None, False),
    ]


@pytest.mark.parametrize(
    ("state", "code", "error", "step"),
    [
        (State.DELIVERED, "", "", ""),
        (State.QUEUED, "", "", ""),
        (State.RECEIVED, "", "", ""),
        (State.QUEUED, "", "The provider cannot be reached.", "tried again by itself"),
        (State.UNCONFIRMED, "", "", "Ask before you send it again"),
        (State.HELD, "", "", "goes out by itself"),
        (State.CANCELLED, "", "", "if it is still wanted"),
        (State.FAILED, "", "", "Check the number and send it again"),
        (State.FAILED, "opted_out", "They asked.", "sending START"),
        (State.FAILED, "not_allowed", "No.", "allow your extension"),
        (State.FAILED, "deadline", "Too late.", "waited too long"),
        (State.UNDELIVERED, "1", "The recipient has opted out with STOP.", "sending START"),
        (State.UNDELIVERED, "1", "The handset is off. Try again later.", "again later"),
        (State.FAILED, "1", "The number is not registered for US 10DLC.", "Ask an administrator"),
        (State.FAILED, "1", "The carrier filtered the message as spam.", "Change the wording"),
        (State.FAILED, "1", "The text is too long. Shorten it.", "Shorten the text"),
        (State.FAILED, "1", "The recipient cannot receive files.", "without the file"),
        (State.FAILED, "1", "The recipient's number is not valid. Check it.", "Check the number"),
        (State.FAILED, "1", "The sender cannot be used.", "another number under From"),
    ],
)
def test_trouble_comes_with_the_next_step(
    line: CallerID, conversation: Conversation, state: str, code: str, error: str, step: str
) -> None:
    factories.MessageFactory(conversation=conversation, state=state, error=error, error_code=code)
    (row,) = machine(line.extension).get(url_of(conversation)).json()["results"]
    assert (step in row["advice"]) if step else row["advice"] == ""


def test_a_conversation_says_how_far_it_was_read(
    line: CallerID, conversation: Conversation
) -> None:
    made = texts(conversation, 3)
    client, detail = machine(line.extension), f"{API}/conversations/{conversation.pk}"
    assert client.get(detail).json()["read_to"] == 0
    client.post(f"{detail}/read", {"up_to": made[1]}, format="json")
    assert client.get(detail).json()["read_to"] == made[1]
    assert machine(line.tenant).get(detail).json()["read_to"] == 0


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "application/xml",
        "application/pdf",
        "text/javascript",
        "image/png; charset=html",
        "",
    ],
)
def test_a_file_from_outside_never_renders_in_our_origin(
    line: CallerID, settings: Settings, tmp_path: Path, kind: str
) -> None:
    settings.MEDIA_ROOT = tmp_path
    kept = media.store_upload(
        tenant=line.tenant,
        extension=line.extension,
        name="page.html",
        content_type="image/png",
        body=b"<script>alert(1)</script>",
    )
    MediaFile.objects.update(content_type=kind)
    for path in (f"{API}/media/{kept.key}", media.link(kept).partition("//")[2]):
        address = path if path.startswith("/") else "/" + path.partition("/")[2]
        answer = machine(line.extension).get(address)
        assert answer.getvalue() == b"<script>alert(1)</script>"
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("wanted", "part", "about"),
    [
        ("bytes=0-1", b"01", "bytes 0-1/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
        ("bytes=10-", b"0123456789", None),
        ("bytes=5-2", b"0123456789", None),
        ("bytes=-", b"0123456789", None),
        ("bytes=0-1,4-5", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
        ("", b"0123456789", None),
    ],
)
def test_a_player_gets_the_part_of_a_file_that_it_asks_for(
    line: CallerID, settings: Settings, tmp_path: Path, wanted: str, part: bytes, about: str | None
) -> None:
    settings.MEDIA_ROOT = tmp_path
    kept = media.store_upload(
        tenant=line.tenant,
        extension=line.extension,
        name="memo.mp3",
        content_type="audio/mpeg",
        body=b"0123456789",
    )
    answer: Any = machine(line.extension).get(f"{API}/media/{kept.key}", HTTP_RANGE=wanted)
    assert b"".join(answer.streaming_content) == part
    assert answer.status_code == (206 if about else 200)
    assert answer.get("Content-Range") == about
    assert answer["Content-Length"] == str(len(part))
    assert answer["Accept-Ranges"] == "bytes"
    assert "sandbox" in answer["Content-Security-Policy"]

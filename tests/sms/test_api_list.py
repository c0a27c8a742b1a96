"""The list of conversations: its pages, filters and counts, and what is found in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from portal.models import CallerID, Group
from sms import drafts, notes, outbound, search
from sms.models import Conversation, Message
from tests import factories
from tests.sms.callers import API, machine, queries_of

pytestmark = pytest.mark.django_db
URL = f"{API}/conversations"
MANY = 10_000


def thread(line: CallerID, number: int = 0, *texts: str, **values: Any) -> Conversation:
    """Make a conversation of the line with texts in it."""
    made: Conversation = factories.ConversationFactory(
        did=line.did, extension=line.extension, remote=f"+1617555{number:04d}", **values
    )
    for text in texts:
        factories.MessageFactory(conversation=made, inbound=True, text=text)
    return made


def grouped(line: CallerID, **values: Any) -> Conversation:
    """Make a conversation of a group that the line belongs to."""
    made: Group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=made, extension=line.extension)
    shared: Conversation = factories.ConversationFactory(did=line.did, group=made, **values)
    return shared


def pages(client: APIClient, link: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the results of every page."""
    while link:
        answer = client.get(link)
        assert answer.status_code == 200
        yield answer.json()["results"]
        link = answer.json()["next"]


def found(line: CallerID, typed: str, **query: str) -> list[int]:
    """Return the ids of what a search of the line finds."""
    client = machine(line.extension)
    rows = client.get(URL, {"q": typed, **query}).json()["results"]
    return [row["id"] for row in rows]


@pytest.fixture
def many(line: CallerID) -> CallerID:
    """Give the line ten thousand conversations, all of one moment, with a text in each."""
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    made = Conversation.objects.bulk_create(
        Conversation(
            tenant=line.tenant,
            our_number=line.did.number,
            remote=f"+1617{number:07d}",
            extension=line.extension,
            owner_key=Conversation.key_of(extension=line.extension),
            last_message_at=moment,
        )
        for number in range(MANY)
    )
    Message.objects.bulk_create(
        Message(
            tenant=line.tenant,
            conversation=row,
            direction=Message.Direction.INBOUND,
            provider_id=str(row.pk),
            recipient=line.did.number,
            text=f"parcel {row.pk}",
        )
        for row in made
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sms_conversation, sms_message, sms_readmark")
    return line


def test_ten_thousand_conversations_are_scrolled_through_without_a_gap(many: CallerID) -> None:
    client = machine(many.extension)

    seen = [row["id"] for page in pages(client, f"{URL}?page_size=200") for row in page]

    assert len(seen) == len(set(seen)) == MANY
    assert queries_of(client, f"{URL}?scope=own&state=open") <= 4
    assert queries_of(client, f"{URL}?filter=unread") <= 4
    assert queries_of(client, f"{URL}/counts") <= 5


def test_a_search_reads_no_table_whole_and_costs_the_same_however_much_it_finds(
    many: CallerID,
) -> None:
    client = machine(many.extension)

    assert queries_of(client, f"{URL}?q=parcel") == queries_of(
        client, f"{URL}?q=parcel&page_size=3"
    )
    with CaptureQueriesContext(connection) as queries:
        rows = client.get(f"{URL}?q=parcel").json()["results"]
    assert len(rows) == 50
    assert len(queries) <= 8
    for query in queries:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + query["sql"])
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "Seq Scan on sms_message" not in plan


def test_what_moves_while_somebody_scrolls_comes_once_or_is_at_the_top(line: CallerID) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    made = [thread(line, n, last_message_at=start - timedelta(hours=n)) for n in range(12)]
    client, seen = machine(line.extension), []

    for number, page in enumerate(pages(client, f"{URL}?page_size=3")):
        seen += [row["id"] for row in page]
        # A conversation that was shown and one that was not get a text.
        for moved in (made[0], made[11 - number]):
            at = start + timedelta(hours=number + 1)
            Conversation.objects.filter(pk=moved.pk).update(last_message_at=at)

    assert len(seen) == len(set(seen))
    top = [row["id"] for row in client.get(URL).json()["results"]]
    missed = {row.pk for row in made} - set(seen)
    assert missed == set(top[: top.index(made[1].pk)]) - set(seen)
    assert len(missed) > 1


def test_filters_show_what_is_mine_of_groups_unread_waiting_or_closed(line: CallerID) -> None:
    now = datetime.now(tz=UTC)
    own = thread(line, 1, "Hello")
    closed = thread(line, 2, closed_at=now)
    waiting = grouped(line, waiting_since=now)
    given = grouped(line, assignee=line.extension)
    other = factories.ExtensionFactory(tenant=line.tenant)
    outbound.submit(drafts.Draft(extension=line.extension, to=other.number, text="Lunch?"))
    chat = Conversation.objects.get(kind="internal")
    client = machine(line.extension)

    def shown(which: str) -> set[int]:
        rows = client.get(f"{URL}?filter={which}").json()["results"]
        return {row["id"] for row in rows}

    assert shown("mine") == {own.pk, closed.pk, given.pk, chat.pk}
    assert shown("groups") == {waiting.pk, given.pk}
    assert shown("unread") == {own.pk}
    assert shown("waiting") == {waiting.pk}
    assert shown("closed") == {closed.pk}
    assert client.get(f"{URL}?filter=mine&state=closed").json()["results"][0]["id"] == closed.pk
    assert client.get(f"{URL}?filter=odd").status_code == 400


def test_counts_know_also_what_no_page_has_shown(line: CallerID) -> None:
    thread(line, 1, "One", "Two")
    thread(line, 2, "Three")
    thread(line, 3)
    grouped(line, waiting_since=datetime.now(tz=UTC))

    counts = machine(line.extension).get(f"{URL}/counts").json()

    assert counts == {"unread": 3, "unread_conversations": 2, "waiting": 1, "groups": 1}
    refused = machine(line.tenant).get(f"{URL}/counts")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_a_note_does_not_change_what_the_list_shows(line: CallerID) -> None:
    shown = thread(line, 1, last_text="See you at nine")

    notes.keep(shown, "A difficult customer", author=line.extension)

    row = machine(line.extension).get(URL).json()["results"][0]
    assert row["last_text"] == "See you at nine"
    assert datetime.fromisoformat(row["last_message_at"]) == shown.last_message_at


@pytest.mark.parametrize("typed", ["helen", "RUIZ", "Helen Ruiz", "bakers"])
def test_a_contact_is_found_by_name_and_company_with_all_its_numbers(
    line: CallerID, typed: str
) -> None:
    contact = factories.ContactFactory(tenant=line.tenant, name="Helen Ruiz", company="Bakers Inc")
    for number in ("+16175550001", "+16175550002"):
        factories.ContactNumberFactory(contact=contact, number=number)
    first, second, _other = thread(line, 1), thread(line, 2), thread(line, 3)
    several = factories.ConversationFactory(
        did=line.did, extension=line.extension, remote="+16175550001;+16175550009"
    )

    assert set(found(line, typed)) == {first.pk, second.pk, several.pk}


@pytest.mark.parametrize(
    "typed", ["(617) 555-0042", "617.555.0042", "+1 617 555 0042", "0016175550042", "5550042"]
)
def test_a_number_is_found_in_any_writing(line: CallerID, typed: str) -> None:
    wanted, _other = thread(line, 42), thread(line, 43)

    assert found(line, typed) == [wanted.pk]


def test_a_colleague_is_found_in_internal_chat_and_the_reader_is_not(line: CallerID) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant, name="Ada Bloom")
    outbound.submit(drafts.Draft(extension=line.extension, to=other.number, text="Lunch?"))
    chat = Conversation.objects.get()

    assert found(line, "bloom") == found(line, other.number) == [chat.pk]
    assert found(line, line.extension.name) == found(line, line.extension.number) == []


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("mañana", True),
        ("MAÑ", True),
        ("nine parcel", True),
        ("nine letter", False),
        ("arcel", False),
        ("100%", True),
        ("p.rcel", False),
        ("👍", True),
        ("快递", True),
        ("(", True),
    ],
)
def test_words_of_a_text_are_found_from_their_beginning(
    line: CallerID, typed: str, is_found: bool
) -> None:
    wanted = thread(line, 1, "Your Parcel comes Mañana at nine (100% sure) 👍 您的快递到了")
    thread(line, 2, "Nothing of that")

    assert found(line, typed) == ([wanted.pk] if is_found else [])


def test_a_find_says_in_which_text_and_shows_the_part_around_it(line: CallerID) -> None:
    wanted = thread(line, 1, "The Key is lost", f"{'far ' * 50}the key is found {'away ' * 50}")
    factories.MessageFactory(conversation=wanted, text="Good")
    newest = Message.objects.get(text__contains="found")

    row = machine(line.extension).get(f"{URL}?q=key").json()["results"][0]

    assert row["id"] == wanted.pk
    assert row["match"]["message"] == newest.pk
    assert datetime.fromisoformat(row["match"]["at"]) == newest.created_at
    assert row["match"]["text"].startswith("…far far")
    assert "the key is found" in row["match"]["text"]
    assert row["match"]["text"].endswith("…")
    assert len(row["match"]["text"]) < 220


def test_parties_come_before_texts_and_say_that_no_text_was_found(line: CallerID) -> None:
    contact = factories.ContactFactory(tenant=line.tenant, name="Rose")
    factories.ContactNumberFactory(contact=contact, number="+16175550001")
    rose = thread(line, 1, "Here is Rose")
    garden = thread(line, 2, "A rose is a rose")

    rows = [
        row for page in pages(machine(line.extension), f"{URL}?q=rose&page_size=1") for row in page
    ]

    shown = [(row["id"], bool(row["match"])) for row in rows]
    assert shown == [(rose.pk, False), (garden.pk, True), (rose.pk, True)]


def test_a_long_search_goes_on_where_it_stopped_and_misses_nothing(
    line: CallerID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "LOOKED", 7)
    # Texts at the beginning, the end and the middle of threads that a look does not end with.
    made = [
        thread(line, n, *("find me" if at == n % 5 else "other" for at in range(5)))
        for n in range(9)
    ]
    made.append(thread(line, 10, *["find me"] * 30))

    walked = list(pages(machine(line.extension), f"{URL}?q=find&page_size=2"))

    seen = [row["id"] for page in walked for row in page]
    assert sorted(seen) == [row.pk for row in made]
    assert max(map(len, walked)) <= 2


def test_a_filter_narrows_a_search(line: CallerID) -> None:
    thread(line, 1, "parcel")
    closed = thread(line, 2, "parcel", closed_at=datetime.now(tz=UTC))

    assert found(line, "parcel", filter="closed") == [closed.pk]


def test_nothing_is_found_that_the_reader_may_not_read(line: CallerID) -> None:
    colleague = factories.CallerIDFactory(tenant=line.tenant)
    stranger = factories.line()
    for other in (colleague, stranger):
        thread(other, 1, "secret parcel")
        contact = factories.ContactFactory(tenant=other.tenant, extension=other.extension, name="Q")
        factories.ContactNumberFactory(contact=contact, number="+16175550002")
    thread(line, 2)

    assert found(line, "parcel") == found(line, "6175550001") == found(line, "Q") == []
    # An administrator's machine reads its own tenant, and only that.
    rows = machine(line.tenant).get(f"{URL}?q=parcel").json()["results"]
    assert [row["extension"]["number"] for row in rows] == [colleague.extension.number]


def test_a_cursor_of_nobodys_making_is_not_found(line: CallerID) -> None:
    client = machine(line.extension)
    for cursor in ("x", "W10=", "\x00", "9" * 500):
        assert client.get(URL, {"q": "a", "cursor": cursor}).status_code == 404

"""The message log: pages without counting, searches that lead through an index, and the table."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.admin import keyset
from portal.models import AuditEntry, Tenant, User
from sms.admin import export, finding
from sms.models import Conversation, Message, SentPart, State
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

LOG = "/admin/sms/message/"
EXPORT = "/admin/sms/message/export/"


@pytest.fixture
def tenant() -> Tenant:
    tenant: Tenant = factories.TenantFactory()
    return tenant


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "boss", User.Role.ADMIN))


@pytest.fixture
def root() -> Client:
    return signed_in(system_administrator())


@pytest.fixture
def talk(tenant: Tenant) -> Conversation:
    """A conversation of +1 617 555 0188."""
    talk: Conversation = factories.ConversationFactory(tenant=tenant)
    return talk


@pytest.fixture
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that look at ten rows at a time and show three."""
    monkeypatch.setattr(keyset.KeysetChangeList, "look", 10)


def texts(conversation: Conversation, count: int, **fields: Any) -> list[Message]:
    """Make messages of a conversation, the oldest first."""
    return [factories.MessageFactory(conversation=conversation, **fields) for _ in range(count)]


def shown(client: Client, query: str = "") -> Any:
    """Return the list as a page shows it."""
    answer = client.get(LOG + query, follow=True)
    assert answer.status_code == 200
    return answer.context["cl"]


def ids(client: Client, **query: str) -> list[int]:
    """Return the messages that a search shows."""
    answer = client.get(LOG, query)
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def test_the_log_goes_older_and_newer_without_gap_or_repeat(
    boss: Client, talk: Conversation
) -> None:
    everything = [message.pk for message in reversed(texts(talk, 120))]

    first = shown(boss)
    second = shown(boss, first.older)
    third = shown(boss, second.older)
    pages = [[row.pk for row in page.result_list] for page in (first, second, third)]

    assert [pk for page in pages for pk in page] == everything
    assert (first.newer, third.older) == ("", "")
    assert [row.pk for row in shown(boss, third.newer).result_list] == pages[1]
    assert [row.pk for row in shown(boss, second.newer).result_list] == pages[0]
    assert [row.pk for row in shown(boss, third.newest).result_list] == pages[0]


def test_the_first_page_is_full_however_it_was_reached(boss: Client, talk: Conversation) -> None:
    rows = texts(talk, 60)

    page = shown(boss, f"?after={rows[40].pk}")

    assert len(page.result_list) == 50
    assert page.result_list[0].pk == rows[-1].pk


@pytest.mark.parametrize("cursor", ["x", "-1", "9" * 30, "%00"])
def test_a_cursor_that_is_none_shows_the_newest(
    boss: Client, talk: Conversation, cursor: str
) -> None:
    [message] = texts(talk, 1)

    assert [row.pk for row in shown(boss, f"?before={cursor}").result_list] == [message.pk]


def test_the_log_is_never_counted_nor_sorted_by_anything_else(
    boss: Client, talk: Conversation
) -> None:
    texts(talk, 3)
    with CaptureQueriesContext(connection) as seen:
        shown(boss, "?o=3&_facets=True&all=")

    asked = [query["sql"] for query in seen if "sms_message" in query["sql"]]
    assert asked
    assert not [sql for sql in asked if "COUNT(" in sql.upper()]
    assert '"sms_message"."id" DESC' in asked[-1]


@pytest.mark.parametrize(
    "typed", ["+16175550188", "(617) 555-0188", "617.555.0188", "001 617 555 0188"]
)
def test_a_number_is_found_however_it_is_typed(
    boss: Client, talk: Conversation, typed: str
) -> None:
    wanted = texts(talk, 2)
    texts(factories.ConversationFactory(tenant=talk.tenant, remote="+16175550199"), 1)

    assert ids(boss, q=typed) == [message.pk for message in reversed(wanted)]


def test_our_own_number_and_one_among_several_are_found(boss: Client, talk: Conversation) -> None:
    several = factories.ConversationFactory(
        tenant=talk.tenant, remote="+16175550101;+16175550102;+16175550103"
    )
    [one], [other] = texts(talk, 1), texts(several, 1)

    assert ids(boss, q=talk.our_number) == [one.pk]
    assert ids(boss, q="+1 617 555 0102") == [other.pk]
    assert ids(boss, q="+1 617 555 010") == [other.pk]


def test_a_busy_number_is_looked_for_in_the_log(
    boss: Client, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "BUSY", 0)
    [wanted] = texts(talk, 1)
    texts(factories.ConversationFactory(tenant=talk.tenant, remote="+16175550199"), 1)

    assert ids(boss, q=talk.our_number) == [wanted.pk]


def test_a_number_with_very_many_texts_is_searched_piece_by_piece(
    boss: Client, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST", 5)
    old = texts(talk, 2, state=State.FAILED)
    texts(talk, 8)

    page = shown(boss, f"?q={talk.our_number.replace('+', '%2B')}&state__exact=failed")
    assert [*page.result_list] == []
    page = shown(boss, page.further)

    assert [row.pk for row in page.result_list] == [old[1].pk, old[0].pk]


def test_an_id_is_found_be_it_the_providers_a_parts_or_ours(
    boss: Client, talk: Conversation
) -> None:
    sent, parted, received = texts(talk, 3)
    Message.objects.filter(pk=sent.pk).update(provider_id="SM123")
    Message.objects.filter(pk=received.pk).update(provider_id="IN-9", direction="inbound")
    SentPart.objects.create(
        tenant=talk.tenant, message=parted, trunk_id=parted.trunk_id or 0, provider_id="part-77"
    )

    assert ids(boss, q="SM123") == [sent.pk]
    assert ids(boss, q=" IN-9 ") == [received.pk]
    assert ids(boss, q="part-77") == [parted.pk]
    assert ids(boss, q=str(sent.reference)) == [sent.pk]
    assert ids(boss, q=f"#{parted.pk}") == [parted.pk]


@pytest.mark.usefixtures("short_look")
def test_words_are_looked_for_so_far_back_at_a_time_and_the_page_says_so(
    boss: Client, talk: Conversation
) -> None:
    [old] = texts(talk, 1, text="The Needle")
    texts(talk, 14)

    answer = boss.get(LOG, {"q": "needle"})
    page = answer.context["cl"]
    assert list(page.result_list) == []
    assert "Looked through 10 entries, back to" in answer.content.decode()
    page = shown(boss, page.further)

    assert [row.pk for row in page.result_list] == [old.pk]
    assert page.further == ""


@pytest.mark.usefixtures("short_look")
def test_a_filter_that_no_index_serves_is_bounded_too(boss: Client, talk: Conversation) -> None:
    [old] = texts(talk, 1, state=State.FAILED)
    texts(talk, 14)

    page = shown(boss, "?state__exact=failed")

    assert list(page.result_list) == []
    assert [row.pk for row in shown(boss, page.further).result_list] == [old.pk]


def test_an_extension_shows_what_it_wrote_and_what_came_to_it(
    boss: Client, talk: Conversation
) -> None:
    came = factories.MessageFactory(conversation=talk, inbound=True)
    wrote = factories.MessageFactory(conversation=talk)
    texts(factories.ConversationFactory(tenant=talk.tenant), 1)

    assert ids(boss, extension=talk.extension.number) == [wrote.pk, came.pk]  # type: ignore[union-attr] # it has one
    assert ids(boss, extension="9999999") == []


def test_a_period_is_taken_in_the_readers_zone_and_a_day_is_a_whole_day(
    boss: Client, talk: Conversation
) -> None:
    noon = timezone.now().replace(hour=17, minute=0) - timedelta(days=10)
    rows = [
        factories.MessageFactory(conversation=talk, created_at=noon + timedelta(days=day))
        for day in range(5)
    ]
    day = (noon + timedelta(days=2)).date().isoformat()

    assert ids(boss, created_at_from_0=day, created_at_to_0=day) == [rows[2].pk]
    assert ids(boss, created_at_from_0=day) == [row.pk for row in reversed(rows[2:])]
    assert ids(boss, created_at_to_0=day, created_at_to_1="00:00") == [rows[1].pk, rows[0].pk]
    assert len(ids(boss, created_at_from_0="2026-02-30", created_at_to_0="never")) == 5


def test_a_text_that_waited_in_quarantine_stands_where_it_came_into_the_log(
    boss: Client, talk: Conversation
) -> None:
    week_ago = timezone.now() - timedelta(days=7)
    before = factories.MessageFactory(conversation=talk, created_at=week_ago - timedelta(days=1))
    released = factories.MessageFactory(conversation=talk, inbound=True, created_at=week_ago)
    today = timezone.localdate(timezone=talk.tenant.zone).isoformat()

    assert ids(boss, created_at_from_0=today) == [released.pk]
    assert ids(boss, created_at_to_0=week_ago.date().isoformat()) == [before.pk]


def test_no_search_finds_anothers_message(boss: Client) -> None:
    other = factories.ConversationFactory()
    message = factories.MessageFactory(conversation=other, provider_id="SM-other", text="theirs")

    for typed in (other.remote, other.our_number, "SM-other", f"#{message.pk}", "theirs"):
        assert ids(boss, q=typed) == []
    assert ids(boss, extension=other.extension.number) == []


def test_the_system_administrator_searches_all_tenants_or_one(
    root: Client, talk: Conversation
) -> None:
    other = factories.ConversationFactory(tenant=factories.TenantFactory(country="GB"))
    [ours], [theirs] = texts(talk, 1), texts(other, 1)

    assert ids(root, q="617 555 0188") == [theirs.pk, ours.pk]
    assert ids(root, q="+16175550188", tenant__id__exact=str(other.tenant_id)) == [theirs.pk]
    assert ids(root, tenant__id__exact=str(talk.tenant_id)) == [ours.pk]


def test_nobody_is_offered_messages_while_typing(boss: Client, talk: Conversation) -> None:
    texts(talk, 1)
    asked = {"app_label": "sms", "model_name": "attempt", "field_name": "message", "term": ""}

    assert boss.get("/admin/autocomplete/", asked).json()["results"] == []


def table(client: Client, **query: str) -> list[list[str]]:
    """Return the exported table."""
    answer = client.get(EXPORT, query)
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined] # it streams
    return list(csv.reader(io.StringIO(text.removeprefix(export.MARK))))


def test_the_table_holds_what_the_filter_shows_and_the_audit_log_says_who_took_it(
    boss: Client, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "CHUNK", 2)
    failed = texts(talk, 5, state=State.FAILED)
    texts(talk, 3)

    head, *lines = table(boss, state__exact="failed")

    assert head[:4] == ["id", "time", "direction", "state"]
    assert [int(line[0]) for line in lines] == [message.pk for message in reversed(failed)]
    entry = AuditEntry.objects.get(action="exported")
    assert entry.tenant == talk.tenant
    assert entry.detail["filter"] == {"state__exact": "failed"}
    page = boss.get(f"/admin/portal/auditentry/{entry.pk}/change/").content.decode()
    assert "state__exact: failed" in page


@pytest.mark.usefixtures("short_look")
def test_the_table_goes_back_as_far_as_there_are_messages(boss: Client, talk: Conversation) -> None:
    [old] = texts(talk, 1, text="The Needle")
    texts(talk, 34)

    assert [line[0] for line in table(boss, q="needle")[1:]] == [str(old.pk)]


def test_no_cell_of_the_table_is_a_formula(boss: Client, talk: Conversation) -> None:
    evil = ['=HYPERLINK("http://x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", " =1", "\t=1"]
    for text in evil:
        factories.MessageFactory(conversation=talk, text=text)

    lines = table(boss)[1:]

    assert [line[6] for line in reversed(lines)] == [f"'{text}" for text in evil]
    assert {line[5] for line in lines} == {talk.remote}


def test_an_auditor_takes_the_table_and_an_outsider_nothing_of_it(talk: Conversation) -> None:
    texts(talk, 1)
    auditor = signed_in(person(talk.tenant, "aud", User.Role.AUDITOR))
    outsider = signed_in(person(factories.TenantFactory(), "other", User.Role.ADMIN))

    assert len(table(auditor)) == 2
    assert len(table(outsider)) == 1
    assert Client().get(EXPORT).status_code == 302


def test_a_longer_table_takes_no_more_queries(boss: Client, talk: Conversation) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            table(boss)
        return len(seen)

    texts(talk, 2)
    few = queries()
    texts(factories.ConversationFactory(tenant=talk.tenant), 20)

    assert queries() == few

"""The home page tells each person how texting goes, and leads to the rows behind every figure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.models import CallerID, Extension, Tenant, Trunk, User
from sms import answering, counting
from sms.models import Conversation, CountBlock, Message, ReadMark, State
from tests import factories
from tests.estate import person, signed_in, system_administrator

pytestmark = pytest.mark.django_db

HOME = "/admin/"
# Evening in New York, where it is still the day before.
NOW = datetime(2026, 3, 3, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


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
def thread(tenant: Tenant) -> Conversation:
    made: Conversation = factories.ConversationFactory(tenant=tenant)
    return made


def text(thread: Conversation, ago: timedelta = timedelta(0), **fields: Any) -> Message:
    moment = timezone.now() - ago
    told = {"state": State.SENT, "due_at": moment, **fields}
    made: Message = factories.MessageFactory(conversation=thread, created_at=moment, **told)
    return made


def answer(thread: Conversation, ago: timedelta = timedelta(0), **fields: Any) -> Message:
    return text(thread, ago, inbound=True, state=State.RECEIVED, **fields)


def home(client: Client) -> dict[str, Any]:
    """Return what the page shows, once everything is counted."""
    CountBlock.objects.update(counted_at=None)
    counting.count()
    response = client.get(HOME)
    assert response.status_code == 200
    context: dict[str, Any] = response.context_data  # type: ignore[attr-defined] # of a template
    return context | {"html": response.content.decode()}


def tile(page: dict[str, Any], name: str) -> Any:
    return next(tile for tile in page["tiles"] if tile.name == name)


def behind(client: Client, href: str) -> list[Any]:
    """Follow a figure to its rows."""
    response = client.get(href)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def test_the_chart_has_the_tenants_days_and_each_bar_leads_to_its_rows(
    boss: Client, thread: Conversation
) -> None:
    answer(thread, timedelta(days=40))
    answer(thread, timedelta(days=3))
    answer(thread)
    text(thread)

    page = home(boss)

    days = page["days"]
    assert len(days) == 14
    assert [day.number for day in days[-4:]] == [27, 28, 1, 2]
    assert [day.received.count for day in days[-4:]] == [1, 0, 0, 1]
    assert [day.sent.count for day in days[-4:]] == [0, 0, 0, 1]
    for day in days:
        for bar in day.bars:
            assert len(behind(boss, bar.href)) == bar.count
            assert f'aria-label="{bar.label}"' in page["html"]
    assert tile(page, "Received today").figure == "1"


def test_a_system_administrator_sees_all_tenants_in_utc_and_who_texts_most(root: Client) -> None:
    quiet, busy = (factories.ConversationFactory() for _ in range(2))
    text(quiet)
    text(busy, state=State.UNDELIVERED, error_code="7")
    answer(busy)

    page = home(root)

    assert page["days"][-1].number == 3
    assert page["days"][-1].sent.count == 2
    first, second = page["busiest"]
    assert (first.name, second.name) == (busy.tenant.name, quiet.tenant.name)
    assert [bar.count for bar in first.bars] == [1, 1, 1]
    for bar in (*first.bars, *second.bars):
        assert len(behind(root, bar.href)) == bar.count


def test_another_tenants_texts_change_no_figure(boss: Client, thread: Conversation) -> None:
    text(thread)
    before = home(boss)
    other = factories.ConversationFactory()
    text(other, state=State.QUEUED)
    text(other, state=State.FAILED, error_code="zebra")
    answer(other)
    factories.ProviderEventFactory(trunk=other.trunk, state="quarantined", reason="no_rule")

    after = home(boss)

    for shown in ("tiles", "days", "lines", "reasons", "busiest"):
        assert str(after[shown]) == str(before[shown])


def test_what_became_of_a_trunks_texts_leads_to_them(boss: Client, thread: Conversation) -> None:
    for state in ("delivered", "delivered", "delivered", "failed", "sent", "unconfirmed"):
        text(thread, state=state)

    page = home(boss)
    [line] = page["lines"]

    assert {bar.label: bar.count for bar in line.course.bars} == {
        "delivered": 3, "sent": 1, "may have been sent": 1, "failed": 1
    }  # fmt: skip
    assert line.course.delivered == 75
    assert "75% delivered" in page["html"]
    for bar in line.course.bars:
        assert len(behind(boss, bar.href)) == bar.count


def test_reasons_are_told_in_words_the_most_frequent_first(
    boss: Client, thread: Conversation
) -> None:
    text(thread, state="failed", error_code="3", error="Once")
    for _ in range(2):
        text(thread, state="undelivered", error_code="30034", error="Not registered")
    text(thread, state="failed", error_code="30034")
    text(thread, state="failed")

    page = home(boss)

    assert page["reasons"][0].label == "Not registered"
    assert [bar.count for bar in page["reasons"]] == [3, 1, 1]
    for bar in page["reasons"]:
        assert len(behind(boss, bar.href)) == bar.count
    failed = tile(page, "Failed")
    assert failed.figure == "5"
    assert len(behind(boss, failed.href)) == 5


def test_a_paused_trunk_comes_first_and_says_why(boss: Client, tenant: Tenant) -> None:
    factories.TrunkFactory(tenant=tenant, last_send_at=timezone.now())
    factories.TrunkFactory(
        tenant=tenant,
        paused_since=timezone.now() - timedelta(hours=3),
        paused_reason="The password is wrong",
        credentials={"secret": "s3cret-of-home"},
    )

    page = home(boss)

    assert [bool(line.trunk.paused_since) for line in page["lines"]] == [True, False]
    assert "Paused for 3\xa0hours. The password is wrong" in page["html"]
    assert "s3cret-of-home" not in page["html"]
    assert boss.get(page["lines"][0].href).status_code == 200


def test_a_shared_trunk_does_not_tell_when_others_use_it(boss: Client, tenant: Tenant) -> None:
    shared = factories.TrunkFactory(
        tenant=None, last_send_at=timezone.now(), last_webhook_at=timezone.now()
    )
    factories.DIDFactory(tenant=tenant, trunk=shared)
    Trunk.objects.update(paused_since=timezone.now(), paused_reason="Account of the operator")

    page = home(boss)

    assert shared.name in page["html"]
    assert "paused" in page["html"]
    assert "Account of the operator" not in page["html"]
    assert "Last webhook" not in page["html"]
    assert page["lines"][0].href == ""


def test_the_queue_tells_its_length_and_its_oldest(boss: Client, thread: Conversation) -> None:
    text(thread, state="queued", due_at=timezone.now() - timedelta(minutes=7))
    text(thread, state="queued", due_at=timezone.now())

    page = home(boss)
    queue = tile(page, "Waiting to go out")

    assert queue.figure == "2"
    assert queue.note == "the oldest for 7\xa0minutes"
    assert len(behind(boss, queue.href)) == 2
    assert page["lines"][0].queued == 2


def test_the_quarantine_is_counted(boss: Client, thread: Conversation) -> None:
    for state in ("quarantined", "quarantined", "done"):
        factories.ProviderEventFactory(trunk=thread.trunk, state=state, reason="no_rule")

    shown = tile(home(boss), "In quarantine")

    assert shown.figure == "2"
    assert len(behind(boss, shown.href)) == 2


def test_a_conversation_is_unread_until_somebody_reads_answers_or_closes_it(
    boss: Client, tenant: Tenant
) -> None:
    unread, read, answered, closed = (
        factories.ConversationFactory(tenant=tenant, remote=f"+1617555010{n}") for n in range(4)
    )
    for thread in (unread, read, answered, closed):
        last = answer(thread)
        if thread == read:
            ReadMark.objects.create(conversation=read, extension=read.extension, message_id=last.pk)
    text(answered)
    text(unread, extension=None)  # an automatic reply
    Conversation.objects.filter(pk=closed.pk).update(closed_at=timezone.now())

    shown = tile(home(boss), "Unread conversations")

    assert shown.figure == "1"
    assert behind(boss, shown.href) == [unread]


def test_a_conversation_that_waits_for_an_agent_is_counted(boss: Client, tenant: Tenant) -> None:
    factories.ConversationFactory(tenant=tenant)
    waits = factories.ConversationFactory(tenant=tenant, waiting_since=timezone.now())

    shown = tile(home(boss), "Waiting for an agent")

    assert shown.figure == "1"
    assert behind(boss, shown.href) == [waits]


def test_the_response_time_is_from_the_first_text_to_the_first_answer_of_a_person(
    boss: Client, tenant: Tenant
) -> None:
    for minutes in (30, 10, 2):
        thread = factories.ConversationFactory(tenant=tenant)
        answer(thread, timedelta(minutes=60))
        text(thread, timedelta(minutes=59), extension=None)  # an automatic reply
        answer(thread, timedelta(minutes=58))
        text(thread, timedelta(minutes=60 - minutes))
        text(thread)

    shown = tile(home(boss), "Median response time")

    assert shown.figure == "10\xa0minutes"
    assert shown.note == "of 3 answers"


def test_only_the_latest_messages_are_looked_at(
    tenant: Tenant, thread: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "LATEST", 2)
    answer(thread)
    text(thread)
    text(thread)

    standing = answering.look(tenant)

    assert standing.seconds == ()
    assert not standing.is_everything


def step(page: dict[str, Any], n: int) -> Any:
    return page["steps"][n]


def test_a_new_tenant_is_led_through_its_set_up_and_each_step_ticks_itself(
    boss: Client, tenant: Tenant
) -> None:
    page = home(boss)
    assert page["steps_done"] == 0
    assert "0 of 7 steps" in page["html"]
    assert "<details open" in page["html"].replace(' class="home-card home-setup"', "")
    for each in page["steps"]:
        assert each.href in page["html"]
        assert boss.get(each.href).status_code in {200, 302}

    line: CallerID = factories.line(tenant=tenant)
    page = home(boss)
    assert [each.done for each in page["steps"]] == [True, False, True, True, True, False, False]
    assert step(page, 1).href == f"/admin/portal/trunk/{line.did.trunk_id}/change/"

    Trunk.objects.update(last_webhook_at=timezone.now())
    thread = factories.ConversationFactory(did=line.did, extension=line.extension)
    answer(thread)
    text(thread, state=State.QUEUED)
    assert [each.done for each in home(boss)["steps"]] == [True] * 6 + [False]

    text(thread, state=State.ACCEPTED)
    page = home(boss)
    assert page["steps_done"] == 7
    assert "Texting is set up" in page["html"]
    assert '<details class="home-card home-setup">' in page["html"]


def test_an_extension_that_may_not_send_does_not_tick_the_step(
    boss: Client, tenant: Tenant
) -> None:
    factories.line(tenant=tenant, sms=Extension.Sms.DISABLE)
    assert not step(home(boss), 4).done


def test_an_auditor_sees_the_figures_and_is_sent_nowhere_else(
    tenant: Tenant, thread: Conversation
) -> None:
    answer(thread)
    auditor = signed_in(person(tenant, "auditor", User.Role.AUDITOR))

    page = home(auditor)

    assert page["days"][-1].received.count == 1
    hrefs = [tile.href for tile in page["tiles"]] + [line.href for line in page["lines"]]
    for href in filter(None, hrefs):
        assert auditor.get(href).status_code == 200
    assert "/add/" not in page["html"]
    assert tile(page, "Unread conversations").href == ""


def test_an_empty_installation_asks_for_its_first_tenant(root: Client, boss: Client) -> None:
    del boss
    assert home(root)["first_tenant"] == ""
    User.objects.filter(is_superuser=False).delete()
    Tenant.objects.all().delete()
    assert "/admin/portal/tenant/add/" in home(root)["html"]


def test_counts_that_nobody_brings_up_to_date_are_called_old(boss: Client) -> None:
    assert "have not been counted yet" in boss.get(HOME).content.decode()
    assert "The days were counted" not in home(boss)["html"]
    CountBlock.objects.update(counted_at=timezone.now() - timedelta(hours=2))
    assert "counted 2\xa0hours ago" in boss.get(HOME).content.decode()


def test_more_rows_take_no_more_queries(tenant: Tenant, boss: Client, root: Client) -> None:
    def queries(client: Client) -> int:
        home(client)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(HOME).status_code == 200
        return len(seen)

    def fill(owner: Tenant) -> None:
        thread = factories.ConversationFactory(tenant=owner)
        answer(thread)
        for state in ("queued", "delivered", "failed"):
            text(thread, state=state, error_code=owner.slug if state == "failed" else "")

    fill(tenant)
    few = [queries(client) for client in (boss, root)]
    for owner in (tenant, tenant, factories.TenantFactory(), factories.TenantFactory()):
        fill(owner)

    assert [queries(client) for client in (boss, root)] == few
    assert max(few) <= 25

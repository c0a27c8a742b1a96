"""How much waits on each trunk, and until when, is told to machines and administrators."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import CallerID, Trunk, User
from sms import backlog, heartbeat
from sms.models import Message, TrunkQueue
from tests import factories
from tests.estate import person, signed_in, system_administrator
from tests.sms.flows import submit

pytestmark = pytest.mark.django_db

LIST = "/admin/sms/trunkqueue/"


def fill(line: CallerID, count: int, rate: float) -> None:
    """Let so many texts wait on the line's trunk."""
    Trunk.objects.filter(pk=line.did.trunk_id).update(messages_per_second=rate)
    for number in range(count):
        submit(line.extension, to=f"+1617555{number:04d}")


def seen() -> list[backlog.Waiting]:
    return backlog.waiting(TrunkQueue.objects.all())


def test_the_end_follows_from_the_trunks_rate(line: CallerID) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        fill(line, 6, rate=0.5)
        [queue] = seen()
        assert (queue.trunk_id, queue.queued) == (line.did.trunk_id, 6)
        assert queue.seconds_left == 12


def test_what_waits_for_its_next_try_begins_only_then(line: CallerID) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        fill(line, 1, rate=1)
        Message.objects.update(due_at=timezone.now() + timedelta(minutes=5))
        assert [queue.seconds_left for queue in seen()] == [301]


@pytest.mark.parametrize("change", [{"enabled": False}, {"paused_since": timezone.now()}])
def test_a_trunk_that_sends_nothing_has_no_end(line: CallerID, change: dict[str, object]) -> None:
    fill(line, 1, rate=1)
    Trunk.objects.update(**change)
    assert [queue.seconds_left for queue in seen()] == [None]


def test_machines_are_told_of_the_longest_queue_first(client: Client, line: CallerID) -> None:
    heartbeat.beat()
    longer = factories.line()
    fill(line, 1, rate=1)
    fill(longer, 3, rate=1)
    told = client.get("/readyz").json()["backlog"]["trunks"]
    assert [(row["trunk"], row["queued"]) for row in told] == [
        (longer.did.trunk_id, 3),
        (line.did.trunk_id, 1),
    ]
    assert 2 <= told[0]["expected_seconds"] <= 3
    lines = client.get("/metrics").content.decode().splitlines()
    assert f'sms_channel_trunk_queued{{trunk="{longer.did.trunk_id}"}} 3.0' in lines
    assert any("sms_channel_trunk_expected_seconds{" in text for text in lines)


def test_an_administrator_sees_how_long_the_own_queue_is_and_when_it_ends(line: CallerID) -> None:
    fill(line, 3, rate=0.01)
    boss = signed_in(person(line.tenant, "boss", User.Role.ADMIN))
    rows = {row.name: row for row in boss.get(LIST).context["cl"].result_list}
    assert vars(rows[line.did.trunk.name])["queued"] == 3
    Trunk.objects.update(paused_since=timezone.now(), paused_reason="wrong password")
    text = boss.get(f"{LIST}{line.did.trunk_id}/change/").content.decode()
    assert "not while it sends nothing" in text
    assert "paused" in text
    assert "+00:00" not in text
    assert "wrong password" in text


def test_the_list_of_queues_asks_as_often_for_many_trunks_as_for_one(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _trunk in range(5):
        fill(factories.line(), 1, rate=1)
    overseer = signed_in(system_administrator())
    with django_assert_max_num_queries(12):
        assert len(overseer.get(LIST).context["cl"].result_list) >= 5

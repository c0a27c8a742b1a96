"""What the sweep frees, ends, takes up again and rings for."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from portal.models import CallerID, Tenant, Trunk
from providers import registry
from sms import sweep
from sms.models import MediaFile, Message, ProviderEvent, SeenBody
from tests import bells, factories
from tests.sms.flows import states, submit

pytestmark = pytest.mark.django_db


def stuck(line: CallerID, seconds: int, provider: str = "sandbox") -> Message:
    """Have a text whose worker claimed it some seconds ago and was killed."""
    message = submit(line.extension)
    Trunk.objects.filter(pk=line.did.trunk_id).update(provider=provider)
    Message.objects.filter(pk=message.pk).update(
        state="sending", claimed_at=timezone.now() - timedelta(seconds=seconds), tries=1
    )
    return message


def after_sweep(message: Message) -> Message:
    sweep.sweep()
    message.refresh_from_db()
    return message


def test_what_a_killed_worker_left_open_becomes_unconfirmed(
    line: CallerID, settings: Settings
) -> None:
    message = after_sweep(stuck(line, settings.CLAIM_TIMEOUT + 1))
    assert message.state == "unconfirmed"
    assert "not known" in message.error
    assert states(message)[-1] == "unconfirmed"


def test_what_a_killed_worker_left_open_goes_again_where_repeats_are_dropped(
    line: CallerID, settings: Settings
) -> None:
    keys = [key for key, one in registry.all().items() if one.capabilities.idempotent_send]
    message = after_sweep(stuck(line, settings.CLAIM_TIMEOUT + 1, keys[0]))
    assert message.state == "queued"
    assert message.due_at <= timezone.now()


def test_a_call_that_is_still_open_is_left_alone(line: CallerID, settings: Settings) -> None:
    assert after_sweep(stuck(line, settings.CLAIM_TIMEOUT - 5)).state == "sending"


@pytest.mark.parametrize("state", ["queued", "held"])
def test_what_waited_past_its_deadline_fails_also_on_a_paused_trunk(
    line: CallerID, state: str
) -> None:
    message = submit(line.extension)
    Trunk.objects.update(paused_since=timezone.now())
    Tenant.objects.update(active=False)
    Message.objects.update(state=state, deadline=timezone.now() - timedelta(seconds=1))
    message = after_sweep(message)
    assert (message.state, message.error_code) == ("failed", "deadline")


def test_an_open_call_does_not_fail_by_its_deadline(line: CallerID) -> None:
    message = stuck(line, 1)
    Message.objects.update(deadline=timezone.now() - timedelta(seconds=1))
    assert after_sweep(message).state == "sending"


def test_held_texts_are_queued_again_when_the_tenant_is_back(line: CallerID) -> None:
    message = submit(line.extension)
    Message.objects.update(state="held", error="off", due_at=timezone.now() + timedelta(days=1))
    Tenant.objects.update(messaging_enabled=False)
    assert after_sweep(message).state == "held"
    Tenant.objects.update(messaging_enabled=True)
    message = after_sweep(message)
    assert (message.state, message.error) == ("queued", "")
    assert message.due_at <= timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_sweep_rings_once_for_all_that_is_due_also_where_a_bell_rings_unheard(
    line: CallerID, redis_client: Redis
) -> None:
    trunk = line.did.trunk
    for to in ("+16175550101", "+16175550102"):
        submit(line.extension, to=to)
    factories.ProviderEventFactory(trunk=trunk)
    factories.MediaFileFactory(tenant=line.tenant)
    redis_client.flushdb()
    due = [("drain_events", []), ("drain_trunk", [trunk.pk]), ("fetch_media", [])]
    sweep.sweep()
    assert sorted(bells.rung(redis_client)) == due
    sweep.sweep()
    assert sorted(bells.rung(redis_client)) == sorted(due * 2)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_rung_for_what_cannot_go_now(line: CallerID, redis_client: Redis) -> None:
    submit(line.extension)
    Trunk.objects.update(paused_since=timezone.now())
    later = timezone.now() + timedelta(seconds=60)
    other = factories.line()
    submit(other.extension)
    Message.objects.filter(tenant=other.tenant).update(due_at=later)
    off = factories.line()
    submit(off.extension)
    Trunk.objects.filter(pk=off.did.trunk_id).update(enabled=False)
    ProviderEvent.objects.all().delete()
    factories.ProviderEventFactory(due_at=later)
    MediaFile.objects.all().delete()
    redis_client.flushdb()
    sweep.sweep()
    assert bells.rung(redis_client) == []


@pytest.mark.django_db(transaction=True)
def test_one_row_that_cannot_be_freed_stops_neither_the_others_nor_the_rings(
    line: CallerID, settings: Settings, redis_client: Redis
) -> None:
    bad = stuck(line, settings.CLAIM_TIMEOUT + 2, provider="vanished")
    other = factories.line()
    good = stuck(other, settings.CLAIM_TIMEOUT + 1)
    waiting = submit(factories.line().extension)
    redis_client.flushdb()
    good = after_sweep(good)
    bad.refresh_from_db()
    assert (bad.state, good.state) == ("sending", "unconfirmed")
    assert ("drain_trunk", [waiting.trunk_id]) in bells.rung(redis_client)


def test_seen_texts_are_forgotten_after_an_hour() -> None:
    event = factories.ProviderEventFactory()
    for minutes in (59, 61):
        SeenBody.objects.create(
            trunk=event.trunk,
            event=event,
            fingerprint=str(minutes),
            seen_at=timezone.now() - timedelta(minutes=minutes),
        )
    sweep.sweep()
    assert SeenBody.objects.get().fingerprint == "59"

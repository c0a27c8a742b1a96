"""Senders of a shared trunk, and numbers with a rate of their own, take turns."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import DID, CallerID, Extension, Trunk
from providers.errors import Limit, Throttled
from sms import dispatch, outcome, turns
from sms.models import Message
from sms.outcome import Outcome
from sms.turns import Rota
from tests import factories
from tests.fakes import FakeProvider
from tests.sms.flows import drain, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared() -> Trunk:
    """Give a trunk that belongs to nobody, with one message a second."""
    trunk: Trunk = factories.TrunkFactory(tenant=None, messages_per_second=1000)
    return trunk


def tenant_on(trunk: Trunk) -> Extension:
    """Make another tenant, with one extension that sends from a DID on the trunk."""
    did = factories.DIDFactory(trunk=trunk, tenant=factories.TenantFactory())
    extension: Extension = factories.CallerIDFactory(did=did).extension
    return extension


def blast(extension: Extension, count: int, lane: int = Message.Lane.API) -> None:
    """Queue texts of an extension to as many people."""
    for number in range(count):
        message = submit(extension, f"{extension.pk}", f"+1617555{number:04d}")
        Message.objects.filter(pk=message.pk).update(lane=lane)


def order(trunk: Trunk, rounds: int) -> list[str]:
    """Return the texts of the messages in whose turn it is, one message a turn."""
    rota, texts = Rota(threads=32), []
    for _round in range(rounds):
        for turn in rota.turns(trunk):
            texts += [message.text for message in dispatch.claim(trunk, 1, turn.sender)]
    return texts


def test_on_a_shared_trunk_one_tenants_blast_does_not_delay_anothers_text(shared: Trunk) -> None:
    loud, quiet = tenant_on(shared), tenant_on(shared)
    blast(loud, 20)
    blast(quiet, 2)
    first = order(shared, 2)
    assert sorted(first) == sorted([f"{loud.pk}", f"{quiet.pk}"] * 2)


def test_replies_of_one_sender_go_before_bulk_of_another(shared: Trunk) -> None:
    bulk, reply = tenant_on(shared), tenant_on(shared)
    blast(bulk, 2, Message.Lane.BULK)
    blast(reply, 1, Message.Lane.REPLY)
    rota = Rota(threads=32)
    for _round in range(2):
        numbers = [turn.sender for turn in rota.turns(shared)]
        assert numbers[0] == Message.objects.get(lane=Message.Lane.REPLY).sender


def test_each_round_begins_with_another_sender(shared: Trunk) -> None:
    for _tenant in range(3):
        blast(tenant_on(shared), 2)
    rota = Rota(threads=32)
    firsts = [next(iter(rota.turns(shared))).sender for _round in range(3)]
    assert len(set(firsts)) == 3


def test_more_senders_than_one_look_shows_all_get_a_turn(
    shared: Trunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "AT_ONCE", 2)
    for _tenant in range(5):
        blast(tenant_on(shared), 1)
    rota = Rota(threads=32)
    seen = {turn.sender for _round in range(5) for turn in rota.turns(shared)}
    assert len(seen) == 5


def test_a_sender_whose_texts_are_not_due_has_no_turn(shared: Trunk) -> None:
    blast(tenant_on(shared), 1)
    Message.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    assert list(Rota(threads=32).turns(shared)) == []


def test_a_turn_takes_no_more_threads_than_leaves_some_for_the_others(shared: Trunk) -> None:
    for _tenant in range(4):
        blast(tenant_on(shared), 1)
    assert {turn.most for turn in Rota(threads=32).turns(shared)} == {8}


def test_a_shared_trunk_is_drained_to_the_last_text(shared: Trunk, carrier: FakeProvider) -> None:
    for count in (7, 3, 1):
        blast(tenant_on(shared), count)
    assert drain(shared) is False
    assert len(carrier.calls) == 11
    assert Message.objects.filter(state="accepted").count() == 11


def test_a_trunk_of_one_tenant_has_one_line_and_asks_nobody(
    line: CallerID, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    submit(line.extension)
    rota = Rota(threads=32)
    list(rota.turns(line.did.trunk))
    with django_assert_num_queries(0):
        assert [turn.sender for turn in rota.turns(line.did.trunk)] == [""]


def test_a_number_with_a_rate_of_its_own_does_not_hold_up_the_numbers_beside_it(
    line: CallerID, carrier: FakeProvider
) -> None:
    DID.objects.filter(pk=line.did.pk).update(messages_per_second=1)
    other = factories.CallerIDFactory(
        extension=line.extension,
        did=factories.DIDFactory(trunk=line.did.trunk, tenant=line.tenant),
        is_default=False,
    )
    for number in range(3):
        submit(line.extension, "slow", f"+1617555{number:04d}")
    Message.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    fast = submit(line.extension, "fast")
    Message.objects.filter(pk=fast.pk).update(sender=other.did.number)
    rota = Rota(threads=32)
    found = {turn.sender: turn for turn in rota.turns(line.did.trunk)}
    assert [bucket.rate for bucket in found[line.did.number].buckets] == [1, 1000]
    assert [bucket.rate for bucket in found[other.did.number].buckets] == [1000]
    drain(line.did.trunk)
    # One of the slow number at once, and its others as the seconds pass.
    assert sorted(carrier.texts[:2]) == ["fast", "slow"]
    assert carrier.texts[2:] == ["slow", "slow"]


def throttle(message: Message, limit: Limit) -> None:
    """Let the provider refuse a claimed message for half a minute."""
    now, refusal = timezone.now(), Throttled("Slower, please.", retry_after=30, limit=limit)
    call = Outcome(message=message, started_at=now, ended_at=now, result=refusal)
    outcome.settle([call])


@pytest.mark.parametrize(
    ("limit", "sent"), [(Limit.SENDER, 2), (Limit.RECIPIENT, 4), (Limit.ACCOUNT, 0)]
)
def test_what_a_provider_throttles_waits_and_nothing_else(
    shared: Trunk, carrier: FakeProvider, limit: Limit, sent: int
) -> None:
    slowed, free = tenant_on(shared), tenant_on(shared)
    blast(slowed, 3)
    blast(free, 2)
    [first] = [one for one in dispatch.claim(shared, 1) if one.extension_id == slowed.pk]
    throttle(first, limit)
    drain(shared)
    assert len(carrier.calls) == sent
    first.refresh_from_db()
    assert (first.state, first.due_at > timezone.now() + timedelta(seconds=25)) == ("queued", True)

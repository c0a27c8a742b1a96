"""The five ways in which a call fails, and what each does to its message and its trunk."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from redis import Redis

from portal.models import CallerID, Trunk
from providers import registry
from providers.contract import SendResult
from providers.errors import SendError, Unavailable, Unconfirmed
from sms import outcome, pacing, unsent
from sms.models import Attempt, Message
from sms.outcome import Outcome
from tests import factories, fakes
from tests.fakes import Answer, FakeProvider
from tests.sms.flows import drain, send, states, submit

pytestmark = pytest.mark.django_db


def settle(message: Message, *results: SendResult | SendError) -> Message:
    """Settle calls for the message that ended now; return it as it is then."""
    now = timezone.now()
    outcome.settle(
        [Outcome(message=message, started_at=now, ended_at=now, result=one) for one in results]
    )
    message.refresh_from_db()
    return message


def test_a_refused_text_fails_with_the_providers_words(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.rejected("21", "The handset blocks this sender"))
    message = send(line.extension)
    assert (message.state, message.error_code) == ("failed", "21")
    assert "The handset blocks this sender" in message.error
    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.code) == ("rejected", "21")
    assert "422" in attempt.response
    drain(line.did.trunk)
    assert len(carrier.calls) == 1


def test_refused_credentials_pause_the_trunk_and_the_text_waits(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.credentials_refused())
    message = send(line.extension)
    trunk = Trunk.objects.get()
    assert message.state == "queued"
    assert trunk.paused_since is not None
    assert trunk.paused_reason
    assert trunk.credentials["secret"] not in trunk.paused_reason + message.error
    drain(trunk)
    assert len(carrier.calls) == 1
    Trunk.objects.update(paused_since=None)
    drain(trunk)
    message.refresh_from_db()
    assert message.state == "accepted"
    assert message.error == ""


def test_a_throttled_text_waits_as_long_as_the_provider_asks(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.throttled(retry_after=90))
    message = send(line.extension)
    assert message.state == "queued"
    assert timedelta(seconds=80) < message.due_at - timezone.now() <= timedelta(seconds=90)
    granted, wait = pacing.take(1, pacing.of_trunk(line.did.trunk))
    assert granted == 0
    assert 80 < wait <= 90


def test_a_throttled_text_without_a_time_waits_the_backoff(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.throttled())
    message = send(line.extension)
    assert timedelta(seconds=3) < message.due_at - timezone.now() <= timedelta(seconds=5)


def test_no_provider_silences_a_trunk_for_longer_than_an_hour(
    line: CallerID, carrier: FakeProvider, redis_client: Redis
) -> None:
    carrier.will(fakes.throttled(retry_after=999_999_999))
    message = send(line.extension)
    assert message.due_at - timezone.now() <= timedelta(hours=1)
    assert pacing.take(1, pacing.of_trunk(line.did.trunk))[1] <= 3600
    # The mark outlives the bucket's own short life.
    assert redis_client.ttl(f"pace:{line.did.trunk.pk}") > 3600


@pytest.mark.parametrize("answer", [fakes.unreachable(), fakes.connect_timeout()])
def test_a_text_that_surely_did_not_arrive_goes_again_later(
    line: CallerID, carrier: FakeProvider, answer: Answer
) -> None:
    carrier.will(answer)
    message = send(line.extension)
    assert (message.state, message.tries) == ("queued", 1)
    assert Attempt.objects.get().outcome == "unavailable"
    with time_machine.travel(timezone.now() + timedelta(seconds=6)):
        drain(line.did.trunk)
    message.refresh_from_db()
    assert (message.state, message.tries, message.error) == ("accepted", 2, "")
    assert states(message) == ["queued", "sending", "queued", "sending", "accepted"]


def test_each_try_waits_longer_than_the_one_before(line: CallerID, carrier: FakeProvider) -> None:
    carrier.will(*[fakes.unreachable()] * 7)
    message = submit(line.extension)
    waits = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _try in range(7):
            drain(line.did.trunk)
            message.refresh_from_db()
            waits.append((message.due_at - timezone.now()).total_seconds())
            clock.shift(waits[-1])
    assert waits == [5, 15, 60, 300, 900, 900, 900]


@pytest.mark.parametrize("answer", [fakes.lost(), fakes.bad_gateway(), fakes.accepted_without_id()])
def test_an_unknown_outcome_is_shown_as_unknown_and_never_tried_again(
    line: CallerID, carrier: FakeProvider, answer: Answer
) -> None:
    carrier.will(answer)
    message = send(line.extension)
    assert message.state == "unconfirmed"
    assert message.error
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        drain(line.did.trunk)
    assert len(carrier.calls) == 1
    assert Attempt.objects.get().outcome == "unconfirmed"


def test_an_unknown_outcome_goes_again_where_the_provider_drops_repeats(line: CallerID) -> None:
    keys = [key for key, one in registry.all().items() if one.capabilities.idempotent_send]
    submit(line.extension)
    Trunk.objects.update(provider=keys[0])
    Message.objects.update(state="sending", tries=1)
    message = settle(Message.objects.select_related("trunk").get(), Unconfirmed("Lost."))
    assert message.state == "queued"


def test_two_texts_under_one_id_of_the_provider_both_stand(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.accepted("same"), fakes.accepted("same"))
    first, second = send(line.extension, "one"), send(line.extension, "two")
    assert (first.state, second.state) == ("accepted", "accepted")
    assert (first.provider_id, second.provider_id) == ("same", "same")


@pytest.mark.django_db(transaction=True)
def test_a_deleted_text_costs_the_others_of_its_batch_nothing(line: CallerID) -> None:
    messages = [submit(line.extension, to=f"+161755501{n:02d}") for n in range(3)]
    Message.objects.update(state="sending", tries=1)
    now = timezone.now()
    outcomes = [
        Outcome(
            message=message,
            started_at=now,
            ended_at=now,
            result=SendResult(provider_id=f"p{message.pk}"),
        )
        for message in messages
    ]
    Message.objects.filter(pk=messages[1].pk).delete()
    outcome.settle(outcomes)
    assert set(Message.objects.values_list("state", flat=True)) == {"accepted"}
    assert Attempt.objects.count() == 2


def test_an_answer_that_comes_after_the_sweep_still_counts(line: CallerID) -> None:
    message = submit(line.extension)
    Message.objects.update(state="unconfirmed", tries=1)
    settle(message, SendResult(provider_id="p1", segments=3))
    assert (message.state, message.provider_id, message.segments) == ("accepted", "p1", 3)


def test_a_failure_that_comes_after_the_sweep_does_not_bring_the_text_back(
    line: CallerID,
) -> None:
    message = submit(line.extension)
    Message.objects.update(state="unconfirmed", tries=1)
    settle(message, Unavailable("It refused the connection."))
    assert message.state == "unconfirmed"


def test_a_long_code_of_a_provider_is_cut_and_not_lost(line: CallerID) -> None:
    message = submit(line.extension)
    Message.objects.update(state="sending", tries=1)
    settle(message, Unavailable("w" * 900, code="x" * 100))
    assert (message.state, message.error_code, len(message.error)) == ("queued", "x" * 64, 500)


def test_a_paused_trunk_keeps_its_first_reason(line: CallerID) -> None:
    unsent.pause_trunk(line.did.trunk.pk, "first")
    since = Trunk.objects.get().paused_since
    unsent.pause_trunk(line.did.trunk.pk, "second")
    trunk = Trunk.objects.get()
    assert (trunk.paused_reason, trunk.paused_since) == ("first", since)


@pytest.mark.usefixtures("carrier")
def test_a_paused_trunk_leaves_other_trunks_alone(line: CallerID) -> None:
    other = factories.line(tenant=line.tenant)
    unsent.pause_trunk(line.did.trunk.pk, "broken")
    assert send(other.extension).state == "accepted"

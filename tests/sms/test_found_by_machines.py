"""Faults that the state machines found, each as the shortest story that shows it."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from portal.models import CallerID, Extension, Tenant, Trunk
from providers.contract import SendResult, Status, StatusUpdate
from providers.errors import CredentialsRefused, SendError, Unavailable, Unconfirmed
from sms import intake, outbound, outcome, receipts, sweep, unsent
from sms.models import Conversation, Message, OptOut, ProviderEvent
from sms.outcome import Outcome
from tests import fakes
from tests.sms import flows
from tests.sms.flows import drain_events, receive, store, submit
from tests.sms.machines.arrivals import ALL, Lines
from tests.sms.machines.choices import DROPPING, PLAIN
from tests.sms.machines.sending import two_lines
from tests.sms.machines.stage import NOON

pytestmark = pytest.mark.django_db

LOST = Unconfirmed("It never answered.")
NOT_REACHED = Unavailable("It refused the connection.")


def claim(line: CallerID) -> Message:
    """Let a worker take the one text that is due."""
    [message] = flows.claim(Trunk.objects.get(pk=line.did.trunk_id))
    return message


def settle(message: Message, result: SendResult | SendError) -> Message:
    """Write what a worker's call came to; return the message as it is then."""
    now = timezone.now()
    outcome.settle([Outcome(message=message, started_at=now, ended_at=now, result=result)])
    return Message.objects.get(pk=message.pk)


@pytest.fixture
def dropping() -> CallerID:
    """Give a line whose provider drops a repeated reference."""
    return two_lines()[DROPPING]


@pytest.mark.parametrize("late", [NOT_REACHED, LOST, CredentialsRefused("The login is wrong.")])
def test_a_worker_that_lost_its_claim_does_not_bring_back_what_another_one_sends(
    dropping: CallerID, settings: Settings, late: SendError
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        submit(dropping.extension)
        slow = claim(dropping)
        clock.shift(settings.CLAIM_TIMEOUT + 1)
        sweep.sweep()
        taken_over = claim(dropping)
        assert settle(slow, late).state == "sending"
        assert settle(taken_over, SendResult(provider_id="p1")).state == "accepted"


def test_an_outcome_that_is_written_twice_does_not_bring_back_the_next_try() -> None:
    line = two_lines()[PLAIN]
    with time_machine.travel(NOON, tick=False) as clock:
        submit(line.extension)
        first = claim(line)
        assert settle(first, NOT_REACHED).state == "queued"
        clock.shift(unsent.BACKOFF_SECONDS[0])
        claim(line)
        assert settle(first, NOT_REACHED).state == "sending"


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("end", ["deadline", "permission"])
def test_what_may_have_arrived_and_cannot_be_repeated_is_not_called_failed(
    dropping: CallerID, settings: Settings, killed: bool, end: str
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        submit(dropping.extension)
        message = claim(dropping)
        if not killed:
            settle(message, LOST)
        clock.shift(settings.CLAIM_TIMEOUT + 1)
        sweep.sweep()
        if end == "deadline":
            clock.shift(outbound.DEADLINE)
            sweep.sweep()
        else:
            Extension.objects.update(sms=Extension.Sms.DISABLE)
            assert flows.claim(Trunk.objects.get(pk=dropping.did.trunk_id)) == []
    message.refresh_from_db()
    assert message.state == "unconfirmed"
    assert "may have reached" in message.error


@pytest.mark.parametrize("waits", ["queued", "held"])
@pytest.mark.parametrize(
    "status", [Status.ACCEPTED, Status.SENT, Status.DELIVERED, Status.UNDELIVERED]
)
def test_a_receipt_moves_what_waits_to_be_repeated(
    dropping: CallerID, waits: str, status: Status
) -> None:
    message = submit(dropping.extension)
    Message.objects.update(state=waits, tries=1)
    update = StatusUpdate(status=status, reference=message.reference.hex)
    receipts.apply(Trunk.objects.get(pk=dropping.did.trunk_id), update)
    message.refresh_from_db()
    assert message.state == str(status)


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.SENT, Status.DELIVERED])
def test_good_news_takes_the_doubt_away(status: Status) -> None:
    line = two_lines()[PLAIN]
    submit(line.extension)
    message = settle(claim(line), LOST)
    assert message.error
    update = StatusUpdate(status=status, reference=message.reference.hex)
    receipts.apply(Trunk.objects.get(pk=line.did.trunk_id), update)
    message.refresh_from_db()
    assert (message.state, message.error, message.error_code) == (str(status), "", "")


def test_of_repeats_in_one_batch_the_first_keeps_its_place(line: CallerID) -> None:
    number = line.did.number
    first, second = fakes.text(number, "one", id="m1"), fakes.text(number, "two", id="m2")
    receive(line.did.trunk, first, second, first)
    assert list(Message.objects.order_by("id").values_list("text", flat=True)) == ["one", "two"]
    assert Conversation.objects.get().last_text == "two"


def post(lines: Lines, *idents: str) -> None:
    """Let the pieces come one after the other."""
    for ident in idents:
        text = ALL[ident]
        intake.accept(lines.dids[text.to[0]].trunk, lines.piece(text), "192.0.2.7")
        drain_events()


def test_stop_is_heard_also_when_the_picture_beside_it_came_first() -> None:
    post(Lines(), "h2", "h1")
    assert OptOut.objects.get().words == "STOP"


def test_an_older_text_that_is_completed_late_is_not_the_last_one_of_its_thread() -> None:
    lines = Lines()
    post(lines, "1A1", "1A2")
    thread = Conversation.objects.get()
    assert thread.extension is not None
    submit(thread.extension, "We write", to=thread.remote)
    post(lines, "1A3")
    thread.refresh_from_db()
    assert thread.last_text == "We write"


def test_a_text_in_pieces_is_shown_whole_although_its_first_one_was_answered() -> None:
    lines = Lines()
    post(lines, "1A1", "1A2", "1A3")
    assert Message.objects.filter(direction="outbound").count() == 1
    assert Conversation.objects.get().last_text == "Once upon a time."


def test_what_waits_for_a_tenant_is_taken_up_again_although_something_else_was_wrong(
    line: CallerID,
) -> None:
    Tenant.objects.update(active=False)
    event = store(line.did.trunk, "nonsense", fakes.text(line.did.number))
    drain_events()
    event.refresh_from_db()
    assert event.reason == ProviderEvent.Reason.SUSPENDED
    Tenant.objects.update(active=True)
    sweep.sweep()
    drain_events()
    assert Message.objects.count() == 1


def test_what_waits_for_two_tenants_of_a_shared_trunk_is_taken_up_again() -> None:
    lines = Lines()
    Tenant.objects.update(active=False)
    with time_machine.travel(NOON, tick=False) as clock:
        first, second = ALL["s0"], ALL["s4"]
        intake.accept(lines.dids["first"].trunk, lines.batch([first, second]), "192.0.2.7")
        drain_events()
        assert ProviderEvent.objects.get().reason == ProviderEvent.Reason.SUSPENDED
        Tenant.objects.update(active=True)
        clock.shift(sweep.LOOK_AGAIN + timedelta(seconds=1))
        sweep.sweep()
        drain_events()
    assert Message.objects.filter(direction="inbound").count() == 2


def test_what_two_tenants_wait_for_is_not_looked_at_all_the_time() -> None:
    lines = Lines()
    Tenant.objects.update(active=False)
    with time_machine.travel(NOON, tick=False) as clock:
        items = [ALL["s0"], ALL["s4"]]
        intake.accept(lines.dids["first"].trunk, lines.batch(items), "192.0.2.7")
        for _each in range(3):
            drain_events()
            clock.shift(sweep.LOOK_AGAIN - timedelta(seconds=1))
            sweep.sweep()
    assert ProviderEvent.objects.get().tries == 2

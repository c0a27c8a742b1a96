"""Receipts move their message forward, in whatever order and however often they come."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import CallerID
from providers.contract import Status, StatusUpdate
from sms import intake, receipts
from sms.models import MOVES, Message, ProviderEvent, State
from sms.receipts import Match
from tests import factories, fakes
from tests.fakes import FakeProvider
from tests.sms.flows import drain, drain_events, receive, send, states, store, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(line: CallerID, carrier: FakeProvider) -> Message:
    """Have a text accepted by the carrier under the id p1."""
    carrier.will(fakes.accepted("p1"))
    return send(line.extension)


def report(message: Message, *words: str, provider_id: str = "p1", **more: str) -> ProviderEvent:
    """Let the carrier post receipts for the message, all in one request."""
    assert message.trunk is not None
    items = [fakes.receipt(word, provider_id=provider_id, **more) for word in words]
    event = receive(message.trunk, *items)
    message.refresh_from_db()
    return event


def test_receipts_move_a_message_to_its_end(sent: Message) -> None:
    for word in ("sent", "delivered"):
        assert report(sent, word).state == "done"
        assert sent.state == word
    assert states(sent) == ["queued", "sending", "accepted", "sent", "delivered"]


def test_a_failure_brings_its_code_and_its_words(sent: Message) -> None:
    report(sent, "undelivered", code="13", detail="Handset is off")
    assert (sent.state, sent.error_code, sent.error) == ("undelivered", "13", "Handset is off")


def test_what_comes_late_is_kept_in_the_history_and_moves_nothing(sent: Message) -> None:
    report(sent, "delivered", "sent", "accepted", "failed")
    assert (sent.state, sent.error) == ("delivered", "")
    assert states(sent)[-4:] == ["delivered", "sent", "accepted", "failed"]


def test_a_receipt_that_comes_twenty_times_counts_once(sent: Message) -> None:
    for _each in range(20):
        report(sent, "delivered")
    assert states(sent) == ["queued", "sending", "accepted", "delivered"]


def test_the_time_of_the_provider_stands_in_the_history(sent: Message) -> None:
    report(sent, "delivered", at="2026-10-30T14:15:16Z")
    moment = datetime(2026, 10, 30, 14, 15, 16, tzinfo=UTC)
    assert sent.history[-1]["at"] == moment.isoformat()


@pytest.mark.parametrize("word", ["teleported", "queued"])
def test_a_word_that_says_nothing_of_the_state_is_only_noted(sent: Message, word: str) -> None:
    assert report(sent, word).state == "done"
    assert sent.state == "accepted"
    assert word in str(sent.history[-1])


def test_a_receipt_before_the_answer_of_its_own_call_counts(
    line: CallerID, carrier: FakeProvider
) -> None:
    trunk = line.did.trunk
    calls: list[fakes.Call] = []
    carrier.will(fakes.then(calls.append, fakes.accepted("p9")))
    message = submit(line.extension)
    Message.objects.update(state="sending", tries=1)
    receive(trunk, fakes.receipt("delivered", provider_id="p9", reference=message.reference.hex))
    message.refresh_from_db()
    assert (message.state, message.provider_id) == ("delivered", "p9")


def test_a_receipt_by_an_id_that_we_do_not_know_yet_waits_for_the_answer(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.accepted("p1"))
    event = receive(line.did.trunk, fakes.receipt("delivered", provider_id="p1"))
    assert (event.state, event.reason) == ("due", "unmatched")
    message = send(line.extension)
    with time_machine.travel(event.due_at):
        drain_events()
    event.refresh_from_db()
    message.refresh_from_db()
    assert (event.state, message.state) == ("done", "delivered")


def test_a_receipt_for_nobody_ends_in_quarantine_after_an_hour(line: CallerID) -> None:
    event = receive(line.did.trunk, fakes.receipt("delivered", provider_id="stranger"))
    with time_machine.travel(event.received_at + intake.PATIENCE):
        drain_events()
    event.refresh_from_db()
    assert (event.state, event.reason) == ("quarantined", "unmatched")
    assert "stranger" in event.detail


def test_an_unconfirmed_message_is_confirmed_by_its_reference(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.lost())
    message = send(line.extension)
    report(message, "delivered", provider_id="p7", reference=message.reference.hex)
    assert (message.state, message.provider_id) == ("delivered", "p7")


def test_a_message_that_waits_to_be_repeated_is_not_sent_again_after_its_receipt(
    line: CallerID, carrier: FakeProvider
) -> None:
    message = submit(line.extension)
    report(message, "delivered", provider_id="p7", reference=message.reference.hex)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert message.state == "delivered"
    assert carrier.calls == []


def test_a_reference_tells_two_messages_of_one_id_apart(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.accepted("same"), fakes.accepted("same"))
    first, second = send(line.extension, "one"), send(line.extension, "two")
    report(second, "delivered", provider_id="same", reference=second.reference.hex)
    first.refresh_from_db()
    assert (first.state, second.state) == ("accepted", "delivered")


def test_one_id_of_two_messages_without_a_reference_is_not_guessed(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.accepted("same"), fakes.accepted("same"))
    first, second = send(line.extension, "one"), send(line.extension, "two")
    event = report(second, "delivered", provider_id="same")
    first.refresh_from_db()
    assert (first.state, second.state, event.reason) == ("accepted", "accepted", "unmatched")


@pytest.mark.parametrize("reference", ["", "nonsense", "0" * 32])
def test_a_reference_of_nobody_matches_nothing(line: CallerID, reference: str) -> None:
    update = StatusUpdate(status=Status.SENT, provider_id="px", reference=reference)
    assert receipts.apply(line.did.trunk, update) is Match.NOT_YET


def test_another_trunks_message_is_not_found(sent: Message) -> None:
    theirs = factories.TrunkFactory()
    for update in (
        StatusUpdate(status=Status.DELIVERED, provider_id="p1"),
        StatusUpdate(status=Status.DELIVERED, reference=sent.reference.hex),
        StatusUpdate(status=Status.DELIVERED, sender=sent.sender, recipient=sent.recipient),
    ):
        assert receipts.apply(theirs, update) is Match.NOT_YET
    sent.refresh_from_db()
    assert sent.state == "accepted"


@pytest.fixture
def pair() -> Message:
    """Have a text accepted by a provider whose receipts name only the two numbers."""
    did = factories.DIDFactory(trunk=factories.QuestBlueTrunkFactory(), number="+12025550100")
    conversation = factories.ConversationFactory(did=did, remote="+16175550188")
    message: Message = factories.MessageFactory(conversation=conversation, state=State.ACCEPTED)
    return message


def report_pair(message: Message, status: str) -> ProviderEvent:
    assert message.trunk is not None
    body = fakes.questblue_receipt("2025550100", "6175550188", status)
    intake.accept(message.trunk, fakes.unsigned(message.trunk, body), None)
    drain_events()
    message.refresh_from_db()
    return ProviderEvent.objects.latest("id")


def test_a_receipt_without_an_id_finds_the_one_open_message_of_its_numbers(pair: Message) -> None:
    factories.MessageFactory(conversation=pair.conversation, state=State.DELIVERED)
    factories.MessageFactory(conversation=pair.conversation, state=State.QUEUED)
    factories.MessageFactory(conversation=pair.conversation, inbound=True)
    assert report_pair(pair, "delivered").state == "done"
    assert pair.state == "delivered"


def test_a_receipt_without_an_id_is_not_guessed_between_two_open_messages(pair: Message) -> None:
    other = factories.MessageFactory(conversation=pair.conversation, state=State.SENT)
    event = report_pair(pair, "delivered")
    other.refresh_from_db()
    assert (pair.state, other.state) == ("accepted", "sent")
    assert event.reason == "unmatched"
    assert "several" in event.detail


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.sampled_from([state for state in State if state != State.RECEIVED]),
    words=st.lists(st.sampled_from([*Status, None]), max_size=8),
)
def test_no_row_of_receipts_moves_a_state_backward(
    sent: Message, start: State, words: list[Status | None]
) -> None:
    Message.objects.filter(pk=sent.pk).update(state=start, history=[])
    before = start
    for word in words:
        assert sent.trunk is not None
        receipts.apply(sent.trunk, StatusUpdate(status=word, provider_id="p1", detail="x"))
        after = State(Message.objects.get(pk=sent.pk).state)
        assert after == before or after in MOVES[before]
        before = after


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(targets=st.lists(st.sampled_from(list(State)), max_size=10))
def test_no_row_of_moves_leaves_an_end_or_breaks_the_table(
    sent: Message, targets: list[State]
) -> None:
    Message.objects.filter(pk=sent.pk).update(state=State.QUEUED, history=[])
    before = State.QUEUED
    for target in targets:
        moved = Message.objects.filter(pk=sent.pk).move(target)
        after = State(Message.objects.get(pk=sent.pk).state)
        assert moved == (target in MOVES[before])
        assert after == (target if moved else before)
        before = after


def test_every_state_has_its_row_of_moves_and_ends_stay_ends() -> None:
    assert set(MOVES) == set(State)
    for state in (State.DELIVERED, State.UNDELIVERED, State.FAILED, State.CANCELLED):
        assert not MOVES[state]
    assert not any(State.RECEIVED in targets for targets in MOVES.values())


def test_receipts_that_come_with_texts_in_one_request_are_both_taken(
    sent: Message, line: CallerID
) -> None:
    store(
        line.did.trunk,
        fakes.text(line.did.number, "news"),
        fakes.receipt("delivered", provider_id="p1"),
    )
    drain_events()
    sent.refresh_from_db()
    assert sent.state == "delivered"
    assert Message.objects.filter(text="news", created_at__lte=timezone.now()).exists()


def test_a_repeat_of_the_receipt_that_ended_a_message_is_no_riddle(pair: Message) -> None:
    assert report_pair(pair, "delivered").state == "done"
    assert report_pair(pair, "delivered").state == "done"
    assert [line["state"] for line in pair.history if line["state"] == "delivered"] == ["delivered"]


def test_a_receipt_without_an_id_finds_its_message_after_the_thread_moved_to_another_trunk(
    pair: Message,
) -> None:
    pair.conversation.trunk = factories.TrunkFactory(tenant=pair.tenant)
    pair.conversation.save()
    assert report_pair(pair, "delivered").state == "done"
    assert pair.state == "delivered"

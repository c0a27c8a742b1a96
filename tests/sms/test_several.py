"""Texts to several people at once: one thread, one answer to all, a receipt for each of them."""

from functools import partial

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.models import CallerID, Extension
from providers.contract import Status, StatusUpdate
from sms import drafts, intake, media, outbound, receipts
from sms.drafts import Draft
from sms.models import MOVES, Attempt, Conversation, Message, OptOut, SentPart, State
from sms.permission import Refused
from tests import crowd, factories, fakes
from tests.fakes import FakeProvider
from tests.sms.callers import API, machine, queries_of
from tests.sms.flows import drain, drain_events, receive, states

pytestmark = pytest.mark.django_db
ANN, BOB, CARL = "+13125550177", "+16175550123", "+16175550188"
IMPOSSIBLE = {
    "provider": "not possible on this trunk",
    "people": "at most 9 people, not 10",
    "short code": "73737 cannot be in a group answer",
    "word": "ACME cannot be in a group answer",
    "sender": "can only be answered from there",
    "mms": "is an MMS, which",
    "opt-out": "617-555-0123 asked not to be texted",
}


@pytest.fixture
def thread(line: CallerID) -> Conversation:
    """A thread with Ann, Bob and Carl, who wrote to the line's number."""
    made: Conversation = factories.ConversationFactory(
        did=line.did, extension=line.extension, remote=f"{ANN};{BOB};{CARL}"
    )
    return made


def answer(
    line: CallerID, thread: Conversation, words: str = "Hello all", *, sender: str = ""
) -> Message:
    """Queue an answer to everybody."""
    draft = Draft(extension=line.extension, conversation=thread, text=words, sender=sender)
    return outbound.submit(draft)


def hinder(what: str, line: CallerID, thread: Conversation) -> None:
    """Make an answer to everybody impossible."""
    trunk, did = line.did.trunk, line.did
    match what:
        case "provider":
            trunk.provider = "voxtelesys"
            trunk.credentials = {"api_key": "key"}
            trunk.save()
        case "people":
            thread.remote = ";".join(f"+1617555{n:04d}" for n in range(100, 110))
        case "short code":
            thread.remote = f"{ANN};73737"
        case "word":
            thread.remote = f"{ANN};ACME"
        case "sender":
            thread.our_number = factories.DIDFactory(trunk=trunk).number
        case "mms":
            did.mms = False
            did.save()
        case "opt-out":
            OptOut.objects.create(tenant=line.tenant, our_number=did.number, remote=BOB)
    thread.save()


def told(line: CallerID, thread: Conversation) -> dict[str, object]:
    """Return what the API says before anything is sent."""
    reach = machine(line.extension).get(f"{API}/conversations/{thread.pk}").json()["reach"]
    assert isinstance(reach, dict)
    return reach


# --- In ------------------------------------------------------------------------------------------


def test_what_several_people_write_stays_in_one_thread(line: CallerID) -> None:
    did = line.did
    receive(did.trunk, fakes.text([did.number, BOB], "one", sender=ANN))
    receive(did.trunk, fakes.text([ANN, did.number], "two", sender=BOB))
    thread = Conversation.objects.get()
    assert thread.remotes == (ANN, BOB)
    assert [row.sender for row in thread.messages.order_by("id")] == [ANN, BOB]


def test_each_of_our_numbers_in_a_group_gets_its_text_once(line: CallerID) -> None:
    other = factories.DIDFactory(trunk=line.did.trunk)
    factories.route(other, to=factories.ExtensionFactory(tenant=line.tenant))
    text = fakes.text([line.did.number, other.number, BOB], "to both", sender=ANN)
    receive(line.did.trunk, text)
    receive(line.did.trunk, text)
    assert set(Message.objects.values_list("recipient", "conversation__remote")) == {
        (line.did.number, ";".join(sorted([ANN, BOB, other.number]))),
        (other.number, ";".join(sorted([ANN, BOB, line.did.number]))),
    }
    assert Message.objects.count() == 2


def test_a_group_gets_no_automatic_reply_and_a_stop_in_it_counts(
    line: CallerID, thread: Conversation
) -> None:
    line.tenant.auto_reply = line.tenant.after_hours_reply = "We are closed."
    line.tenant.save()
    people = [line.did.number, ANN, CARL]
    receive(line.did.trunk, fakes.text(people, "Hello", sender=BOB))
    receive(line.did.trunk, fakes.text(people, "STOP", sender=BOB))
    assert not Message.objects.exclude(direction="inbound").exists()
    assert OptOut.objects.get().remote == BOB
    assert told(line, thread)["possible"] is False


# --- Out -----------------------------------------------------------------------------------------


def test_an_answer_goes_to_everybody_in_one_call(
    line: CallerID, thread: Conversation, carrier: FakeProvider
) -> None:
    message = answer(line, thread)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert [call.recipient for call in carrier.calls] == [f"{ANN};{BOB};{CARL}"]
    assert (message.state, message.conversation_id) == ("accepted", thread.pk)
    assert (message.encoding, message.segments) == ("MMS", 1)


def test_a_picture_goes_to_everybody_too(
    line: CallerID, thread: Conversation, carrier: FakeProvider
) -> None:
    file = media.store_upload(
        tenant=line.tenant, extension=line.extension, name="a.png",
        content_type="image/png", body=b"x",
    )  # fmt: skip
    outbound.submit(Draft(extension=line.extension, conversation=thread, media=(file,)))
    drain(line.did.trunk)
    assert [(call.recipient, len(call.media)) for call in carrier.calls] == [(thread.remote, 1)]


def test_a_member_of_a_queue_answers_a_group_text_from_the_number_of_the_queue(
    line: CallerID, carrier: FakeProvider
) -> None:
    queue = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=queue, extension=line.extension)
    did = factories.DIDFactory(trunk=line.did.trunk)
    thread = factories.ConversationFactory(did=did, group=queue, remote=f"{ANN};{BOB}")
    assert told(line, thread)["possible"] is True
    answer(line, thread)
    drain(line.did.trunk)
    assert [(call.sender, call.recipient) for call in carrier.calls] == [
        (did.number, f"{ANN};{BOB}")
    ]


def test_a_long_answer_is_still_one_message(line: CallerID, thread: Conversation) -> None:
    body = {"conversation": thread.pk, "text": "“" * 500}
    verdict = machine(line.extension).post(f"{API}/messages/preflight", body, format="json").json()
    assert verdict["to"] == f"{ANN};{BOB};{CARL}"
    wanted = {"encoding": "MMS", "segments": 1, "units": 500, "left": 1100, "culprit": ""}
    assert verdict.items() >= wanted.items()


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_cannot_be_sent_is_said_before_and_refused(
    line: CallerID, thread: Conversation, what: str
) -> None:
    hinder(what, line, thread)
    with pytest.raises(Refused, match=IMPOSSIBLE[what]) as refused:
        answer(line, thread)
    assert not Message.objects.exists()
    assert told(line, thread)["why"] == refused.value.detail


@pytest.mark.parametrize("what", ["provider", "mms", "opt-out"])
def test_what_became_impossible_is_not_sent(
    line: CallerID, thread: Conversation, carrier: FakeProvider, what: str
) -> None:
    message = answer(line, thread)
    hinder(what, line, thread)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert (carrier.calls, message.state) == ([], "failed")
    assert message.error_code in {"group_impossible", "opted_out"}


def test_another_caller_id_does_not_start_a_second_group(
    line: CallerID, thread: Conversation
) -> None:
    other = factories.CallerIDFactory(
        extension=line.extension, did__trunk=line.did.trunk, is_default=False
    )
    with pytest.raises(Refused, match="can only be answered from there"):
        answer(line, thread, sender=other.did.number)


def test_a_new_text_has_one_recipient(line: CallerID) -> None:
    with pytest.raises(Refused):
        drafts.preflight(Draft(extension=line.extension, to=f"{ANN};{BOB}", text="Hello"))


def test_a_group_text_waits_and_is_tried_again_as_a_whole(
    line: CallerID, thread: Conversation, carrier: FakeProvider
) -> None:
    carrier.will(fakes.unreachable())
    message, after = answer(line, thread, "first"), answer(line, thread, "second")
    drain(line.did.trunk)
    message.refresh_from_db()
    with time_machine.travel(message.due_at):
        drain(line.did.trunk)
    assert {call.recipient for call in carrier.calls} == {message.recipient}
    assert Attempt.objects.filter(message=message).count() == 2
    for one in (message, after):
        one.refresh_from_db()
        assert one.state == "accepted"


def test_the_api_says_whom_an_answer_reaches(line: CallerID, thread: Conversation) -> None:
    contact = factories.ContactFactory(tenant=line.tenant, name="Ann")
    factories.ContactNumberFactory(contact=contact, number=ANN)
    people = ["Ann", "+1 617-555-0123", "+1 617-555-0188"]
    assert told(line, thread) == {
        "possible": True,
        "why": "",
        "people": people,
        "alone": [ANN, BOB, CARL],
    }


def test_only_who_can_be_written_to_alone_is_offered(line: CallerID, thread: Conversation) -> None:
    hinder("opt-out", line, thread)
    assert told(line, thread)["alone"] == [ANN, CARL]
    hinder("word", line, thread)
    assert told(line, thread)["alone"] == [ANN]
    line.extension.sms = Extension.Sms.DISABLE
    line.extension.save()
    assert told(line, thread) == {
        "possible": False,
        "why": "This extension may not send texts; a tenant administrator can allow it.",
        "people": ["+1 312-555-0177", "ACME"],
        "alone": [],
    }


def test_other_threads_have_no_reach(line: CallerID, thread: Conversation) -> None:
    alone = factories.ConversationFactory(did=line.did, extension=line.extension)
    colleague = factories.ExtensionFactory(tenant=line.tenant)
    outbound.submit(Draft(extension=line.extension, to=colleague.number, text="Hi"))
    rows = machine(line.extension).get(f"{API}/conversations").json()["results"]
    assert [row["id"] for row in rows if row["reach"]] == [thread.pk]
    assert len(rows) == 3
    onlooker = machine(line.tenant).get(f"{API}/conversations/{thread.pk}").json()
    assert onlooker["reach"] is None
    assert alone.pk != thread.pk


def test_an_opt_out_of_another_tenant_or_number_hinders_nobody(
    line: CallerID, thread: Conversation
) -> None:
    OptOut.objects.create(tenant=factories.TenantFactory(), remote=BOB)
    OptOut.objects.create(tenant=line.tenant, our_number="+12025550999", remote=BOB)
    OptOut.objects.create(tenant=line.tenant, remote=BOB, lifted_at=timezone.now())
    assert told(line, thread)["possible"] is True


def test_many_threads_with_several_people_cost_as_much_as_one(
    line: CallerID, thread: Conversation
) -> None:
    client, url = machine(line.extension), f"{API}/conversations"
    queries_of(client, url)
    few = queries_of(client, url)
    for n in range(10):
        factories.ConversationFactory(
            did=line.did, extension=line.extension, remote=f"{ANN};+1617555{n:04d}"
        )
    assert queries_of(client, url) == few
    assert thread.pk


# --- Receipts ------------------------------------------------------------------------------------


@pytest.fixture
def sent(line: CallerID, thread: Conversation, carrier: FakeProvider) -> Message:
    """A group text that the carrier took under the id g1."""
    carrier.will(fakes.accepted("g1"))
    message = answer(line, thread)
    drain(line.did.trunk)
    message.refresh_from_db()
    return message


def report(message: Message, word: str, to: str = "", **more: str) -> None:
    """Let the carrier post one receipt."""
    assert message.trunk is not None
    event = receive(message.trunk, fakes.receipt(word, provider_id="g1", to=to, **more))
    assert event.state == "done"
    message.refresh_from_db()


def test_a_group_text_is_delivered_when_everybody_has_it(sent: Message) -> None:
    for to in (ANN, CARL):
        report(sent, "delivered", to)
        assert sent.state == "accepted"
    report(sent, "sent", BOB)
    assert sent.state == "sent"
    report(sent, "delivered", BOB)
    assert sent.state == "delivered"
    notes = [line.get("note") for line in sent.history[3:]]
    assert notes == [
        f"{ANN}: delivered",
        f"{CARL}: delivered",
        f"{BOB}: sent",
        f"{BOB}: delivered",
    ]


def test_a_receipt_that_names_nobody_does_not_say_that_everybody_has_it(sent: Message) -> None:
    report(sent, "delivered")
    assert sent.state == "sent"
    report(sent, "delivered", "+19995550100")
    assert sent.state == "sent"


def test_whom_a_group_text_did_not_reach_is_named(sent: Message) -> None:
    report(sent, "failed", BOB, code="14", detail="No such number.")
    report(sent, "delivered", ANN)
    assert (sent.state, sent.error_code) == ("undelivered", "14")
    assert sent.error == "It did not reach +1 617-555-0123. No such number."
    report(sent, "undelivered", CARL, code="13", detail="Handset is off.")
    assert sent.error == "It did not reach +1 617-555-0123, +1 617-555-0188. Handset is off."
    assert len(sent.history) == 6


def test_a_receipt_for_one_that_comes_again_counts_once(sent: Message) -> None:
    for _each in range(3):
        report(sent, "delivered", ANN)
    report(sent, "sent", ANN)
    assert [line.get("note") for line in sent.history[3:]] == [f"{ANN}: delivered", f"{ANN}: sent"]


def test_a_word_that_says_nothing_of_one_persons_state_is_noted(sent: Message) -> None:
    report(sent, "queued", ANN)
    assert (sent.state, sent.history[-1]["note"]) == ("accepted", f"{ANN}: queued")


def test_one_receipt_shows_that_a_group_text_with_a_lost_answer_was_taken(
    line: CallerID, thread: Conversation, carrier: FakeProvider
) -> None:
    carrier.will(fakes.lost())
    message = answer(line, thread)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert message.state == "unconfirmed"
    report(message, "delivered", ANN, reference=message.reference.hex)
    assert (message.state, message.provider_id) == ("accepted", "g1")


@pytest.mark.django_db(transaction=True)
def test_receipts_of_everybody_at_the_same_instant_all_count(sent: Message) -> None:
    assert sent.trunk is not None
    trunk = sent.trunk

    def apply(to: str) -> receipts.Match:
        with transaction.atomic(durable=True):
            update = StatusUpdate(status=Status.DELIVERED, provider_id="g1", recipient=to)
            return receipts.apply(trunk, update)

    done = crowd.at_once(*(partial(apply, to) for to in [ANN, BOB, CARL] * 2))
    assert set(done) == {receipts.Match.APPLIED}
    sent.refresh_from_db()
    assert sent.state == "delivered"
    assert SentPart.objects.filter(message=sent).count() == 3


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(
        st.tuples(st.sampled_from([*Status, None]), st.sampled_from(["", ANN, BOB, CARL])),
        max_size=8,
    )
)
def test_no_row_of_receipts_claims_that_everybody_has_it_while_one_has_not(
    sent: Message, words: list[tuple[Status | None, str]]
) -> None:
    assert sent.trunk is not None
    SentPart.objects.all().delete()
    Message.objects.filter(pk=sent.pk).update(state=State.SENDING, history=[])
    before = State.SENDING
    for word, to in words:
        update = StatusUpdate(status=word, provider_id="g1", recipient=to, detail="x")
        receipts.apply(sent.trunk, update)
        after = State(Message.objects.get(pk=sent.pk).state)
        assert after == before or after in MOVES[before]
        before = after
    got = {to for word, to in words if to and word == Status.DELIVERED}
    assert before != State.DELIVERED or got == {ANN, BOB, CARL}


# --- Receipts that name two numbers and no message ----------------------------------------------


@pytest.fixture
def pairwise() -> Message:
    """A group text at a provider whose receipts name only our number and one person's."""
    did = factories.DIDFactory(trunk=factories.QuestBlueTrunkFactory(), number="+12025550100")
    thread = factories.ConversationFactory(did=did, remote=f"{ANN};{BOB}")
    message: Message = factories.MessageFactory(conversation=thread, state=State.ACCEPTED)
    return message


def report_pair(message: Message, to: str, status: str = "delivered") -> str:
    """Let the provider post a receipt for one person; return the state of the message."""
    assert message.trunk is not None
    body = fakes.questblue_receipt("2025550100", to.removeprefix("+1"), status)
    intake.accept(message.trunk, fakes.unsigned(message.trunk, body), None)
    drain_events()
    message.refresh_from_db()
    return message.state


def test_a_receipt_without_an_id_finds_the_group_text_of_its_person(pairwise: Message) -> None:
    factories.MessageFactory(
        conversation=factories.ConversationFactory(
            tenant=pairwise.tenant,
            did=None,
            trunk=pairwise.trunk,
            our_number="+12025550100",
            remote=f"{ANN}9;{CARL}",
        ),
        state=State.ACCEPTED,
    )
    assert report_pair(pairwise, ANN) == "accepted"
    assert report_pair(pairwise, BOB) == "delivered"
    assert states(pairwise).count("delivered") == 1


def test_who_has_a_group_text_can_be_told_of_a_later_text(pairwise: Message) -> None:
    report_pair(pairwise, ANN)
    alone = factories.MessageFactory(
        conversation=factories.ConversationFactory(
            tenant=pairwise.tenant,
            did=None,
            trunk=pairwise.trunk,
            our_number="+12025550100",
            remote=ANN,
        ),
        state=State.ACCEPTED,
    )
    assert report_pair(alone, ANN) == "delivered"

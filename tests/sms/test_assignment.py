"""One agent per group conversation: chosen, handed on, passed on with the reason, never two."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Extension, Group, Tenant
from sms import assignment, attendance, inbox, outbound, sweep
from sms.drafts import Draft
from sms.models import Conversation, Mention, Message
from sms.models.conversation import NEVER
from tests import factories, fakes
from tests.crowd import at_once
from tests.sms.flows import receive

pytestmark = pytest.mark.django_db

SOON = timedelta(minutes=14), timedelta(minutes=15)


@pytest.fixture
def group() -> Group:
    made: Group = factories.GroupFactory()
    factories.route(factories.DIDFactory(tenant=made.tenant), to=made)
    return made


def member(group: Group, **more: object) -> Extension:
    extension: Extension = factories.ExtensionFactory(tenant=group.tenant, **more)
    factories.GroupMemberFactory(group=group, extension=extension)
    return extension


def thread(group: Group, **more: object) -> Conversation:
    more.setdefault("did", group.tenant.dids.get())
    made: Conversation = factories.ConversationFactory(group=group, **more)
    return made


def owed(group: Group, agent: Extension | None, **more: object) -> Conversation:
    """Return a thread whose agent owes an answer for some time to come."""
    limit = timezone.now() + timedelta(minutes=5)
    return thread(group, **{"assignee": agent, "answer_by": limit, **more})


def late(group: Group, agent: Extension) -> Conversation:
    return owed(group, agent, answer_by=timezone.now() - timedelta(seconds=1))


def text_in(group: Group, words: str = "Are you open?") -> Conversation:
    """Receive a text for the group, and return its thread."""
    did = group.tenant.dids.get()
    receive(did.trunk, fakes.text(did.number, words))
    return Conversation.objects.get(group=group)


def now_is(conversation: Conversation) -> tuple[Extension | None, bool, bool]:
    """Return whose it is, whether it waits, and whether an answer is owed."""
    conversation.refresh_from_db()
    waits = conversation.waiting_since is not None
    return conversation.assignee, waits, conversation.answer_by is not None


def notes(conversation: Conversation) -> list[str]:
    rows = Message.objects.filter(conversation=conversation, direction="note").order_by("pk")
    return list(rows.values_list("text", flat=True))


def answer(agent: Extension, conversation: Conversation) -> Message:
    conversation.refresh_from_db()
    return outbound.submit(Draft(extension=agent, text="Until six.", conversation=conversation))


# A text comes


def test_a_text_is_given_to_one_agent_whom_a_note_mentions(group: Group) -> None:
    agent, _other = member(group), member(group)
    conversation = text_in(group)
    assert now_is(conversation) == (agent, False, True)
    assert notes(conversation) == [f"@{agent.number} is asked to answer."]
    mention = Mention.objects.get()
    assert (mention.extension, mention.assigned, mention.tenant) == (agent, True, group.tenant)


def test_the_agent_has_the_groups_time_from_the_first_text_that_is_not_answered(
    group: Group,
) -> None:
    member(group)
    limit = text_in(group).answer_by
    assert limit is not None
    assert SOON[0] < limit - timezone.now() <= SOON[1]
    conversation = text_in(group)
    assert conversation.answer_by == limit
    assert len(notes(conversation)) == 1


def test_a_group_without_a_limit_asks_for_an_answer_that_is_never_late(group: Group) -> None:
    Group.objects.update(answer_within=0)
    member(group)
    conversation = text_in(group)
    assert (conversation.answer_by, conversation.limit) == (NEVER, None)


def test_who_cannot_be_answered_is_nobodys_debt(group: Group) -> None:
    agent = member(group)
    conversation = thread(group, remote="ALDERCO")
    assignment.designate(conversation, group)
    assert now_is(conversation) == (agent, False, False)


def test_a_text_that_nobody_can_answer_waits_visibly_from_the_first_on(group: Group) -> None:
    conversation = text_in(group)
    since = conversation.waiting_since
    assert now_is(conversation) == (None, True, False)
    assert text_in(group).waiting_since == since
    assert notes(conversation) == ["Waiting for the first member who comes: nobody is there."]
    assert not Mention.objects.exists()


def test_a_text_that_nobody_there_may_answer_says_so(group: Group) -> None:
    member(group, sms=Extension.Sms.DISABLE)
    [note] = notes(text_in(group))
    assert "of those who are there nobody may send texts" in note


def test_later_texts_follow_the_agent_also_after_an_answer(group: Group) -> None:
    first, second = member(group), member(group)
    conversation = text_in(group)
    assert assignment.transfer(conversation, by=first, to=second)
    answer(second, conversation)
    assert now_is(conversation) == (second, False, False)
    assert now_is(text_in(group)) == (second, False, True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"presence": "away"}, "is not there"),
        ({"enabled": False}, "was switched off"),
        ({"sms": Extension.Sms.DISABLE}, "may not send texts"),
    ],
)
def test_a_text_for_an_agent_who_cannot_answer_goes_to_the_next(
    group: Group, change: dict[str, object], why: str
) -> None:
    agent, following = member(group), member(group)
    conversation = thread(group, assignee=agent)
    Extension.objects.filter(pk=agent.pk).update(**change)
    assert text_in(group) == conversation
    assert now_is(conversation) == (following, False, True)
    [note] = notes(conversation)
    assert note == f"@{following.number} is asked to answer: {agent.number} {why}."


def test_stop_asks_nobody_for_an_answer(group: Group) -> None:
    agent = member(group)
    conversation = text_in(group)
    text_in(group, "HELP")
    assert now_is(conversation) == (agent, False, True)
    text_in(group, "STOP")
    assert now_is(conversation) == (agent, False, False)


# It is answered, closed, taken or handed on


def test_a_members_answer_ends_the_debt_whoever_it_was(group: Group) -> None:
    agent, other = member(group), member(group)
    for author in (agent, other):
        conversation = text_in(group)
        answer(author, conversation)
        assert now_is(conversation) == (agent, False, False)


def test_who_answers_what_waits_has_it(group: Group) -> None:
    agent = member(group, is_there=False)
    conversation = text_in(group)
    answer(agent, conversation)
    assert now_is(conversation) == (agent, False, False)
    assert notes(conversation)[-1] == f"@{agent.number} answered and has it now."


def test_an_automatic_reply_is_no_answer(group: Group) -> None:
    Tenant.objects.update(auto_reply="We are busy.")
    agent = member(group)
    conversation = text_in(group)
    assert conversation.messages.filter(direction="outbound").exists()
    assert now_is(conversation) == (agent, False, True)


def test_an_answer_costs_the_same_for_an_extension_and_for_an_agent(group: Group) -> None:
    agent = member(group)
    own = factories.ConversationFactory(did=group.tenant.dids.get(), extension=agent)
    factories.CallerIDFactory(extension=agent, did=group.tenant.dids.get())
    seen = []
    for conversation in (own, text_in(group)):
        answer(agent, conversation)
        with CaptureQueriesContext(connection) as queries:
            answer(agent, conversation)
        seen.append(len(queries))
    assert seen[0] == seen[1]


def test_closing_asks_nobody_any_more(group: Group) -> None:
    agent = member(group)
    conversation = text_in(group)
    inbox.close(conversation)
    assert now_is(conversation) == (agent, False, False)
    waiting = thread(group, waiting_since=timezone.now(), remote="+16175550102")
    inbox.close(waiting)
    assert now_is(waiting) == (None, False, False)


def test_a_member_takes_what_waits_and_only_that(group: Group) -> None:
    one, two = member(group, is_there=False), member(group, is_there=False)
    conversation = text_in(group)
    stranger = factories.ExtensionFactory(tenant=group.tenant)
    assert not assignment.take(conversation, stranger)
    assert assignment.take(conversation, one)
    assert not assignment.take(conversation, two)
    assert now_is(conversation) == (one, False, True)
    assert notes(conversation)[-1] == f"@{one.number} took it."


def test_only_its_agent_hands_a_conversation_over(group: Group) -> None:
    agent, other = member(group), member(group)
    conversation = owed(group, agent)
    assert not assignment.transfer(conversation, by=other, to=other)
    assert assignment.transfer(conversation, by=agent, to=other)
    assert not assignment.transfer(conversation, by=agent, to=agent)
    assert now_is(conversation) == (other, False, True)
    assert notes(conversation) == [
        f"@{other.number} is asked to answer: {agent.number} handed it over."
    ]


def test_an_answered_conversation_is_handed_over_without_a_debt(group: Group) -> None:
    agent, other = member(group), member(group)
    conversation = thread(group, assignee=agent)
    assert assignment.transfer(conversation, by=agent, to=other)
    assert now_is(conversation) == (other, False, False)


def test_an_administrator_may_always_hand_over_by_name(group: Group) -> None:
    agent = member(group)
    conversation = thread(group, waiting_since=timezone.now())
    assert assignment.transfer(conversation, by=None, to=agent, who="alder-admin")
    assert now_is(conversation) == (agent, False, True)
    assert "alder-admin handed it over" in notes(conversation)[0]


# The sweep


def test_a_late_agent_loses_it_to_the_next_and_the_thread_says_why(group: Group) -> None:
    agent, following = member(group), member(group)
    conversation, other = late(group, agent), owed(group, agent, remote="+16175550102")
    sweep.sweep()
    assert now_is(conversation) == (following, False, True)
    assert notes(conversation) == [
        f"@{following.number} is asked to answer: {agent.number} did not answer within 15 minutes."
    ]
    assert now_is(other) == (agent, False, True)


def test_a_late_agent_who_is_alone_keeps_it_and_is_told_once(group: Group) -> None:
    agent = member(group)
    conversation = late(group, agent)
    for _each in range(2):
        Conversation.objects.update(answer_by=timezone.now() - timedelta(seconds=1))
        sweep.sweep()
        assert now_is(conversation) == (agent, False, True)
        assert conversation.answer_by is not None
        assert conversation.answer_by > timezone.now()
    [note] = notes(conversation)
    assert "is still asked to answer" in note
    factories.MessageFactory(conversation=conversation, extension=agent)
    Conversation.objects.update(answer_by=timezone.now() - timedelta(seconds=1))
    sweep.sweep()
    assert len(notes(conversation)) == 2


def leave(agent: Extension) -> None:
    attendance.come(agent.pk, -1)


def go_away(agent: Extension) -> None:
    Extension.objects.filter(pk=agent.pk).update(presence="away")


def be_removed(agent: Extension) -> None:
    agent.memberships.all().delete()


def be_switched_off(agent: Extension) -> None:
    Extension.objects.filter(pk=agent.pk).update(enabled=False)


def be_forbidden(agent: Extension) -> None:
    Extension.objects.filter(pk=agent.pk).update(sms=Extension.Sms.DISABLE)


def be_deleted(agent: Extension) -> None:
    Extension.objects.filter(pk=agent.pk).delete()


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (leave, "{} is not there"),
        (go_away, "{} is not there"),
        (be_removed, "{} is no longer in the group"),
        (be_switched_off, "{} was switched off"),
        (be_forbidden, "{} may not send texts"),
        (be_deleted, "the extension that was asked is gone"),
    ],
)
def test_an_agent_who_cannot_answer_any_more_loses_what_is_owed(
    group: Group, happens: Callable[[Extension], None], why: str
) -> None:
    agent = member(group)
    conversation = owed(group, agent)
    text = factories.MessageFactory(conversation=conversation, inbound=True)
    answered = thread(group, assignee=agent, remote="+16175550102")
    happens(agent)
    why = why.format(agent.number)

    sweep.sweep()
    assert now_is(conversation) == (None, True, False)
    assert notes(conversation)[-1].startswith(f"Waiting for the first member who comes: {why}, and")

    following = member(group)
    sweep.sweep()
    assert now_is(conversation) == (following, False, True)
    assert "it waited for somebody to come" in notes(conversation)[-1]
    # What is answered stays, and so does the history.
    assert now_is(answered)[1:] == (False, False)
    assert notes(answered) == []
    assert Message.objects.filter(pk=text.pk).exists()


def test_an_agent_who_never_came_is_not_said_to_have_left(group: Group) -> None:
    agent = member(group, is_there=False)
    member(group)
    conversation = owed(group, agent)
    sweep.sweep()
    assert now_is(conversation) == (agent, False, True)


def test_threads_that_wait_are_given_to_who_comes_the_oldest_first(group: Group) -> None:
    Group.objects.update(kind=Group.Kind.QUEUE)
    now = timezone.now()
    newer = thread(group, waiting_since=now, remote="+16175550101")
    older = thread(group, waiting_since=now - timedelta(hours=1), remote="+16175550102")
    sweep.offer_waiting()
    assert now_is(older) == (None, True, False)
    one, two = member(group), member(group)
    sweep.offer_waiting()
    assert (now_is(older)[0], now_is(newer)[0]) == (one, two)


@pytest.mark.parametrize("suspended", [{"active": False}, {"messaging_enabled": False}])
def test_nothing_is_passed_on_while_the_tenant_is_suspended(
    group: Group, suspended: dict[str, bool]
) -> None:
    agent = member(group)
    member(group)
    conversation = late(group, agent)
    Tenant.objects.update(**suspended)
    sweep.sweep()
    assert now_is(conversation) == (agent, False, True)


def test_looking_for_what_is_to_be_passed_on_costs_the_same_for_many(
    group: Group, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        other = factories.GroupFactory(tenant=group.tenant)
        remote = f"+1617555011{number}"
        owed(other, member(other), remote=remote)
        thread(other, waiting_since=timezone.now(), remote=f"+1617555012{number}")
    with django_assert_max_num_queries(4):
        assert assignment.lost(10) == []
        assert len(assignment.waiting(10)) == 5


# Two at the same instant


@pytest.mark.django_db(transaction=True)
def test_of_two_transfers_at_the_same_instant_one_wins(group: Group) -> None:
    agent, one, two = member(group), member(group), member(group)
    conversation = owed(group, agent)
    results = at_once(
        lambda: assignment.transfer(conversation, by=agent, to=one),
        lambda: assignment.transfer(conversation, by=agent, to=two),
    )
    assert sorted(results, key=bool) == [False, True]
    assert now_is(conversation)[0] == (one if results[0] else two)
    assert len(notes(conversation)) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_at_the_same_instant_one_has_it(group: Group) -> None:
    people = [member(group) for _each in range(4)]
    conversation = thread(group, waiting_since=timezone.now())
    results = at_once(*(lambda by=by: assignment.take(conversation, by) for by in people))
    assert sorted(results, key=bool) == [False, False, False, True]
    assert now_is(conversation)[0] == people[list(results).index(True)]
    assert len(notes(conversation)) == 1


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_the_same_instant_pass_a_thread_on_once(group: Group) -> None:
    agent, following, _third = member(group), member(group), member(group)
    conversation = late(group, agent)
    results = at_once(*[lambda: assignment.pass_on(conversation.pk)] * 4)
    assert list(results) == [None] * 4
    assert now_is(conversation) == (following, False, True)
    assert len(notes(conversation)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_sweep_does_not_wait_for_a_thread_that_is_changing_hands(group: Group) -> None:
    agent, following = member(group), member(group)
    held, free = late(group, agent), owed(group, agent, remote="+16175550102")
    Conversation.objects.filter(pk=free.pk).update(answer_by=timezone.now())
    with transaction.atomic():
        Conversation.objects.select_for_update().get(pk=held.pk)
        assert at_once(sweep.pass_on_lost) == [False]
        assert now_is(free) == (following, False, True)
    assert now_is(held) == (agent, False, True)


@pytest.mark.django_db(transaction=True)
def test_a_transfer_and_the_sweep_at_the_same_instant_leave_one_owner(group: Group) -> None:
    agent, following, third = member(group), member(group), member(group)
    conversation = late(group, agent)
    handed, _swept = at_once(
        lambda: assignment.transfer(conversation, by=agent, to=third),
        lambda: bool(sweep.pass_on_lost()),
    )
    assert now_is(conversation)[0] == (third if handed is True else following)
    assert len(notes(conversation)) == 1

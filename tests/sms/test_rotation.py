"""Whose turn it is: in order in a ring group, in fair rotation in a queue, and nobody twice."""

from collections import Counter

import pytest
from django.db import transaction

from portal.models import Extension, Group, GroupMember
from sms import assignment, rotation
from sms.models import Conversation
from tests import factories
from tests.crowd import at_once

pytestmark = pytest.mark.django_db

NOT_THERE = [
    {"presence": "away"},
    {"presence": "off"},
    {"enabled": False},
    {"is_there": False},
    {"sms": Extension.Sms.DISABLE},
]


def staffed(kind: Group.Kind, count: int = 3) -> tuple[Group, list[Extension]]:
    group: Group = factories.GroupFactory(kind=kind)
    return group, [factories.GroupMemberFactory(group=group).extension for _each in range(count)]


def turn(group: Group, after: Extension | None = None) -> Extension | None:
    with transaction.atomic():
        return rotation.take_turn(group, after=after)


@pytest.mark.parametrize("kind", Group.Kind.values)
@pytest.mark.parametrize("more", NOT_THERE)
def test_who_cannot_answer_is_not_asked(kind: Group.Kind, more: dict[str, object]) -> None:
    group, _members = staffed(kind, 0)
    extension = factories.ExtensionFactory(tenant=group.tenant, **more)
    factories.GroupMemberFactory(group=group, extension=extension)
    assert turn(group) is None
    there = factories.GroupMemberFactory(group=group).extension
    assert turn(group) == there


def test_a_ring_group_asks_its_first_member_each_time() -> None:
    group, [first, _second, _third] = staffed(Group.Kind.RING)
    assert [turn(group) for _each in range(3)] == [first] * 3


def test_after_a_member_of_a_ring_group_its_next_one_is_asked_round_to_the_first() -> None:
    group, [first, second, third] = staffed(Group.Kind.RING)
    assert [turn(group, after=one) for one in (first, second, third)] == [second, third, first]
    Extension.objects.filter(pk=third.pk).update(presence="away")
    assert turn(group, after=second) == first


def test_after_somebody_who_is_no_member_any_more_the_first_is_asked() -> None:
    group, [first, second, _third] = staffed(Group.Kind.RING)
    second.memberships.all().delete()
    assert turn(group, after=second) == first


def test_a_queue_asks_everybody_in_turn() -> None:
    group, members = staffed(Group.Kind.QUEUE)
    assert [turn(group) for _each in range(6)] == members * 2


def test_who_came_last_to_a_queue_is_asked_first() -> None:
    group, _members = staffed(Group.Kind.QUEUE)
    turn(group)
    new = factories.GroupMemberFactory(group=group, order=0).extension
    assert turn(group) == new


def test_a_look_at_whose_turn_it_is_takes_no_turn() -> None:
    group, [first, *_others] = staffed(Group.Kind.QUEUE)
    assert [rotation.choose(group) for _each in range(3)] == [first] * 3


def test_a_single_member_of_a_queue_gets_everything_but_what_it_was_late_with() -> None:
    group, [only] = staffed(Group.Kind.QUEUE, 1)
    assert [turn(group), turn(group), turn(group, after=only)] == [only, only, None]


@pytest.mark.django_db(transaction=True)
def test_threads_at_the_same_instant_go_to_different_members_of_a_queue() -> None:
    group, members = staffed(Group.Kind.QUEUE, 4)
    GroupMember.objects.update(last_offered_at="2026-01-01T10:00:00Z")
    threads = [
        factories.ConversationFactory(group=group, remote=f"+1617555010{n}") for n in range(4)
    ]

    def ask(thread: Conversation) -> None:
        assignment.designate(thread, group)

    results = at_once(*(lambda thread=thread: ask(thread) for thread in threads))

    assert list(results) == [None] * 4
    agents = Counter(Conversation.objects.values_list("assignee", flat=True))
    assert agents == Counter(member.pk for member in members)


@pytest.mark.django_db(transaction=True)
def test_a_thread_does_not_wait_for_a_turn_that_somebody_else_is_taking() -> None:
    group, [first, second] = staffed(Group.Kind.QUEUE, 2)
    with transaction.atomic():
        assert rotation.take_turn(group) == first
        assert at_once(lambda: turn(group)) == [second]


def test_why_nobody_is_asked_is_told_apart() -> None:
    group, [one] = staffed(Group.Kind.RING, 1)
    Extension.objects.filter(pk=one.pk).update(sms=Extension.Sms.DISABLE)
    assert "nobody may send" in rotation.why_nobody(group)
    Extension.objects.filter(pk=one.pk).update(presence="off")
    assert rotation.why_nobody(group) == "nobody is there"

"""One agent per group conversation, chosen, handed over, and never two."""

import pytest

from portal.models import Extension, Group
from sms import assignment
from sms.models import Conversation
from tests import factories
from tests.crowd import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> Group:
    made: Group = factories.GroupFactory()
    return made


def member(group: Group, **more: object) -> Extension:
    extension: Extension = factories.ExtensionFactory(tenant=group.tenant, **more)
    factories.GroupMemberFactory(group=group, extension=extension)
    return extension


def thread(group: Group, **more: object) -> Conversation:
    made: Conversation = factories.ConversationFactory(group=group, **more)
    return made


def test_members_are_asked_in_their_order(group: Group) -> None:
    first, second = member(group), member(group)
    assert assignment.choose(group) == first
    first.memberships.update(order=9_999_999)
    assert assignment.choose(group) == second


@pytest.mark.parametrize("more", [{"presence": "away"}, {"presence": "off"}, {"enabled": False}])
def test_who_is_not_there_is_not_asked(group: Group, more: dict[str, object]) -> None:
    member(group, **more)
    assert assignment.choose(group) is None


def test_without_an_agent_a_conversation_waits_from_its_first_text_on(group: Group) -> None:
    conversation = thread(group)
    assignment.designate(conversation, group)
    conversation.refresh_from_db()
    since = conversation.waiting_since
    assert since is not None
    assignment.designate(conversation, group)
    conversation.refresh_from_db()
    assert conversation.waiting_since == since


def test_an_agent_who_comes_takes_over_what_waited(group: Group) -> None:
    conversation = thread(group)
    assignment.designate(conversation, group)
    agent = member(group)
    assignment.designate(conversation, group)
    conversation.refresh_from_db()
    assert (conversation.assignee, conversation.waiting_since) == (agent, None)


def test_only_its_agent_hands_a_conversation_over(group: Group) -> None:
    agent, other = member(group), member(group)
    conversation = thread(group, assignee=agent)
    assert not assignment.transfer(conversation, by=other, to=other)
    assert assignment.transfer(conversation, by=agent, to=other)
    assert not assignment.transfer(conversation, by=agent, to=agent)
    conversation.refresh_from_db()
    assert conversation.assignee == other


def test_an_administrator_may_always_hand_over(group: Group) -> None:
    agent = member(group)
    conversation = thread(group)
    assert assignment.transfer(conversation, by=None, to=agent)


@pytest.mark.django_db(transaction=True)
def test_of_two_transfers_at_the_same_instant_one_wins(group: Group) -> None:
    agent, one, two = member(group), member(group), member(group)
    conversation = thread(group, assignee=agent)
    results = at_once(
        lambda: assignment.transfer(conversation, by=agent, to=one),
        lambda: assignment.transfer(conversation, by=agent, to=two),
    )
    assert sorted(results, key=bool) == [False, True]
    conversation.refresh_from_db()
    assert conversation.assignee in {one, two}


def test_members_see_a_groups_conversation_and_the_owner_its_own(group: Group) -> None:
    one, two = member(group), member(group)
    own = factories.ConversationFactory(extension=one)
    internal = factories.ConversationFactory(extension=one, peer=two, kind="internal")
    assert set(assignment.audience(thread(group))) == {one.pk, two.pk}
    assert assignment.audience(own) == [one.pk]
    assert assignment.audience(internal) == [one.pk, two.pk]

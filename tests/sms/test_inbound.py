"""A delivered text: its conversation, its group, its attachments, and who is told."""

import pytest
from redis import Redis

from portal.models import CallerID, Extension
from sms.models import Conversation, MediaFile, Message
from tests import bells, factories, fakes
from tests.sms.flows import drain_events, receive, store

pytestmark = pytest.mark.django_db


def test_a_second_text_joins_the_conversation_of_the_first(line: CallerID) -> None:
    for words in ("one", "two"):
        receive(line.did.trunk, fakes.text(line.did.number, words))
    conversation = Conversation.objects.get()
    assert conversation.messages.count() == 2
    assert (conversation.our_number, conversation.remote) == (line.did.number, fakes.REMOTE)


def test_a_text_reopens_a_closed_conversation_and_brings_it_to_the_top(line: CallerID) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "old"))
    old = Conversation.objects.get()
    receive(line.did.trunk, fakes.text(line.did.number, "other", sender="+16175550199"))
    Conversation.objects.filter(pk=old.pk).update(closed_at=old.last_message_at)
    receive(line.did.trunk, fakes.text(line.did.number, "new"))
    top = Conversation.objects.first()
    assert top == old
    assert top is not None
    assert (top.closed_at, top.last_text) == (None, "new")


def test_each_remote_party_has_a_conversation_of_its_own(line: CallerID) -> None:
    for sender in ("+16175550101", "75075", "ALDERCO"):
        receive(line.did.trunk, fakes.text(line.did.number, sender=sender))
    assert sorted(Conversation.objects.values_list("remote", flat=True)) == [
        "+16175550101",
        "75075",
        "ALDERCO",
    ]


def test_a_text_for_a_group_goes_to_its_first_member_who_is_there() -> None:
    group = factories.GroupFactory()
    away, there, later = (
        factories.GroupMemberFactory(group=group, order=order).extension for order in range(3)
    )
    Extension.objects.filter(pk=away.pk).update(presence=Extension.Presence.AWAY)
    did = factories.DIDFactory(tenant=group.tenant)
    factories.route(did, to=group)
    receive(did.trunk, fakes.text(did.number))
    conversation = Conversation.objects.get()
    assert conversation.group == group
    assert conversation.assignee == there
    for member in (away, there, later):
        assert Conversation.objects.visible_to(member).exists()
    outsider = factories.ExtensionFactory(tenant=group.tenant)
    assert not Conversation.objects.visible_to(outsider).exists()


def test_a_conversation_keeps_its_agent_when_more_texts_come() -> None:
    group = factories.GroupFactory()
    first, second = (factories.GroupMemberFactory(group=group).extension for _each in range(2))
    did = factories.DIDFactory(tenant=group.tenant)
    factories.route(did, to=group)
    receive(did.trunk, fakes.text(did.number))
    Conversation.objects.update(assignee=second)
    receive(did.trunk, fakes.text(did.number))
    assert Conversation.objects.get().assignee == second != first


def test_a_text_for_a_group_without_anybody_there_waits_visibly() -> None:
    did = factories.DIDFactory()
    factories.route(did, to=factories.GroupFactory(tenant=did.tenant))
    receive(did.trunk, fakes.text(did.number))
    conversation = Conversation.objects.get()
    assert conversation.assignee is None
    assert conversation.waiting_since is not None


@pytest.mark.django_db(transaction=True)
def test_attachments_are_fetched_by_a_worker_and_the_open_browsers_are_told(
    line: CallerID, redis_client: Redis
) -> None:
    url = "https://media.example.com/1.jpg"
    with bells.browser(redis_client, line.extension.pk) as heard:
        receive(line.did.trunk, fakes.text(line.did.number, "", media=[url, url]))
        message = Message.objects.get()
        news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
        assert heard() == news
    media = MediaFile.objects.get()
    assert (media.message, media.source_url, media.state) == (message, url, "waiting")
    assert ("fetch_media", []) in bells.rung(redis_client)


def test_a_repeated_text_touches_nothing(line: CallerID) -> None:
    item = fakes.text(line.did.number, "first", id="m1")
    receive(line.did.trunk, item)
    receive(line.did.trunk, fakes.text(line.did.number, "second"))
    receive(line.did.trunk, item)
    assert Conversation.objects.get().last_text == "second"


def test_a_text_to_ourselves_is_still_kept(line: CallerID) -> None:
    event = receive(line.did.trunk, fakes.text(line.did.number, sender=line.did.number))
    assert event.state == "done"
    assert Message.objects.count() == 1


def test_a_text_is_dated_by_its_arrival(line: CallerID) -> None:
    event = store(line.did.trunk, fakes.text(line.did.number, at="2001-01-01T00:00:00Z"))
    drain_events()
    assert Message.objects.get().created_at == event.received_at


def test_what_concerns_two_tenants_of_a_shared_trunk_is_shown_to_neither() -> None:
    shared = factories.TrunkFactory(tenant=None)
    ours, theirs = factories.DIDFactory(trunk=shared), factories.DIDFactory(trunk=shared)
    assert ours.tenant != theirs.tenant
    event = receive(shared, fakes.text([ours.number, theirs.number]))
    assert event.reason == "no_rule"
    assert event.tenant is None

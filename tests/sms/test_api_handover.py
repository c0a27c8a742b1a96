"""The API by which a group's conversation changes hands, and what the record says of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from portal.models import AuditEntry, CallerID, Extension, Group, User
from sms.models import Conversation, Message
from sms.models.conversation import NEVER
from tests import factories
from tests.crowd import at_once
from tests.sms.callers import API, machine, person

pytestmark = pytest.mark.django_db
URL = f"{API}/conversations"


@pytest.fixture
def group(line: CallerID) -> Group:
    """A group of the line's extension and one more."""
    made: Group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=made, extension=line.extension)
    factories.GroupMemberFactory(group=made, tenant=line.tenant)
    return made


@pytest.fixture
def other(group: Group) -> Extension:
    return group.members.latest("pk").extension


@pytest.fixture
def shared(line: CallerID, group: Group) -> Conversation:
    """A thread of the group whose agent is the line's extension."""
    made: Conversation = factories.ConversationFactory(
        did=line.did, group=group, assignee=line.extension
    )
    return made


def hand(client: APIClient, conversation: Conversation, to: str) -> Any:
    return client.post(f"{URL}/{conversation.pk}/transfer", {"to": to}, format="json")


def take(client: APIClient, conversation: Conversation) -> Any:
    return client.post(f"{URL}/{conversation.pk}/take")


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def wait(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(
        assignee=None, waiting_since=timezone.now()
    )


def test_the_designated_agent_hands_a_conversation_on_once(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    client = machine(line.extension)
    assert hand(client, shared, other.number).json()["assignee"]["number"] == other.number
    again = hand(client, shared, line.extension.number)
    assert refusal(again) == (403, "not_designated")
    assert not AuditEntry.objects.exists()
    note = Message.objects.get(direction="note")
    assert note.text == (
        f"@{other.number} is asked to answer: {line.extension.number} handed it over."
    )


def test_a_conversation_goes_to_members_who_may_answer_only(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    stranger = factories.ExtensionFactory(tenant=line.tenant)
    own = factories.ConversationFactory(did=line.did, extension=line.extension)
    client = machine(line.extension)
    for row, number in ((shared, stranger.number), (shared, "77777"), (own, other.number)):
        assert refusal(hand(client, row, number)) == (400, "not_a_member")
    Extension.objects.filter(pk=other.pk).update(sms=Extension.Sms.DISABLE)
    assert refusal(hand(client, shared, other.number)) == (400, "not_a_member")


def test_an_administrator_hands_it_on_for_the_tenant_and_on_the_record(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    user = factories.UserFactory(tenant=line.tenant, role=User.Role.ADMIN, username="alder-admin")
    answer = hand(person(user), shared, other.number)
    assert answer.json()["assignee"]["number"] == other.number
    entry = AuditEntry.objects.get(action="transferred")
    assert (entry.tenant, entry.user, entry.username) == (line.tenant, user, "alder-admin")
    assert entry.detail["id"] == shared.pk
    assert (entry.detail["from"], entry.detail["to"]) == (str(line.extension), str(other))
    assert "alder-admin handed it over" in Message.objects.get(direction="note").text


def test_a_tenants_machine_hands_it_on_on_the_record(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    assert hand(machine(line.tenant), shared, other.number).status_code == 200
    assert AuditEntry.objects.get().detail["by"] == "the tenant's API token"


def test_an_administrator_who_is_the_agent_hands_it_on_as_the_agent(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    user = factories.UserFactory(tenant=line.tenant, role=User.Role.ADMIN)
    Extension.objects.filter(pk=line.extension.pk).update(user=user)
    assert hand(person(user), shared, other.number).status_code == 200
    assert not AuditEntry.objects.exists()


def test_an_auditor_hands_nothing_on(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    auditor = person(factories.UserFactory(tenant=line.tenant, role=User.Role.AUDITOR))
    assert refusal(hand(auditor, shared, other.number)) == (403, "not_allowed")
    assert refusal(take(auditor, shared)) == (403, "not_allowed")


def test_a_member_takes_what_waits_and_nobody_after(
    line: CallerID, shared: Conversation, other: Extension
) -> None:
    wait(shared)
    row = take(machine(line.extension), shared).json()
    assert (row["assignee"]["number"], row["waiting_since"]) == (line.extension.number, None)
    assert row["answer_by"] is not None
    assert refusal(take(machine(other), shared)) == (409, "not_waiting")


def test_only_a_member_who_may_send_takes_a_conversation(
    line: CallerID, shared: Conversation
) -> None:
    wait(shared)
    admin = factories.UserFactory(tenant=line.tenant, role=User.Role.ADMIN)
    factories.ExtensionFactory(tenant=line.tenant, user=admin)
    assert refusal(take(person(admin), shared)) == (400, "not_a_member")
    own = factories.ConversationFactory(did=line.did, extension=line.extension)
    client = machine(line.extension)
    assert refusal(take(client, own)) == (400, "not_a_member")
    Extension.objects.filter(pk=line.extension.pk).update(sms=Extension.Sms.DISABLE)
    assert refusal(take(client, shared)) == (403, "not_allowed")


def test_until_when_an_answer_is_owed_is_told(line: CallerID, shared: Conversation) -> None:
    client = machine(line.extension)

    def told() -> str | None:
        found: str | None = client.get(f"{URL}/{shared.pk}").json()["answer_by"]
        return found

    assert told() is None
    Conversation.objects.update(answer_by=timezone.now() + timedelta(minutes=5))
    assert told() is not None
    Conversation.objects.update(answer_by=NEVER)
    assert told() is None


@pytest.mark.django_db(transaction=True)
def test_of_two_who_hand_on_at_the_same_instant_one_is_refused(
    line: CallerID, group: Group, shared: Conversation, other: Extension
) -> None:
    third = factories.GroupMemberFactory(group=group).extension
    clients = machine(line.extension), machine(line.extension)
    results = at_once(
        lambda: hand(clients[0], shared, other.number).status_code,
        lambda: hand(clients[1], shared, third.number).status_code,
    )
    assert sorted(results, key=str) == [200, 403]
    shared.refresh_from_db()
    assert shared.assignee == (other if results[0] == 200 else third)

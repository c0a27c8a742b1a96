"""An administrator hands a group's conversation over: in the thread, and on the record."""

import pytest
from django.test import Client

from portal.models import AuditEntry, Extension, Group, Tenant, User
from sms.models import Conversation, Message
from tests import factories
from tests.estate import person, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant() -> Tenant:
    tenant: Tenant = factories.TenantFactory()
    return tenant


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "boss", User.Role.ADMIN))


@pytest.fixture
def members(tenant: Tenant) -> list[Extension]:
    group = factories.GroupFactory(tenant=tenant)
    return [factories.GroupMemberFactory(group=group).extension for _each in range(2)]


@pytest.fixture
def conversation(members: list[Extension]) -> Conversation:
    made: Conversation = factories.ConversationFactory(
        group=Group.objects.get(), assignee=members[0]
    )
    return made


def address(conversation: Conversation) -> str:
    return f"/admin/sms/conversation/{conversation.pk}/do/transfer/"


def agent(conversation: Conversation) -> Extension | None:
    conversation.refresh_from_db()
    return conversation.assignee


def test_it_is_handed_over_by_name_and_on_the_record(
    boss: Client, conversation: Conversation, members: list[Extension]
) -> None:
    page = boss.get(address(conversation)).content.decode()
    assert f"{members[1]} (available)" in page
    assert str(members[0]) not in page.split("<form method")[1]

    boss.post(address(conversation), {"to": members[1].pk})

    assert agent(conversation) == members[1]
    assert "boss handed it over" in Message.objects.get(direction="note").text
    entry = AuditEntry.objects.get(action="transferred")
    assert (entry.tenant, entry.username) == (conversation.tenant, "boss")
    assert (entry.detail["from"], entry.detail["to"]) == (str(members[0]), str(members[1]))


@pytest.mark.parametrize("data", ["nobody", "stranger", "mute"])
def test_it_goes_to_a_member_who_may_send_only(
    boss: Client, conversation: Conversation, members: list[Extension], data: str
) -> None:
    stranger = factories.ExtensionFactory(tenant=conversation.tenant)
    Extension.objects.filter(pk=members[1].pk).update(sms=Extension.Sms.DISABLE)
    chosen = {"nobody": "", "stranger": stranger.pk, "mute": members[1].pk}[data]

    answer = boss.post(address(conversation), {"to": chosen})

    assert answer.context["form"].errors["to"]
    assert agent(conversation) == members[0]


def test_an_extensions_own_conversation_is_not_handed_over(boss: Client, tenant: Tenant) -> None:
    own = factories.ConversationFactory(extension=factories.ExtensionFactory(tenant=tenant))
    page = boss.get(f"/admin/sms/conversation/{own.pk}/change/").content.decode()
    assert "Transfer handler" not in page
    assert boss.get(address(own)).status_code == 403


def test_nobody_else_hands_it_over(conversation: Conversation) -> None:
    outsider = signed_in(person(factories.TenantFactory(), "outsider", User.Role.ADMIN))
    auditor = signed_in(person(conversation.tenant, "auditor", User.Role.AUDITOR))
    assert outsider.post(address(conversation)).status_code == 404
    assert auditor.post(address(conversation)).status_code in {403, 404}
    assert not AuditEntry.objects.filter(action="transferred").exists()

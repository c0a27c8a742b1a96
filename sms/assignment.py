"""Who answers a group's conversation: one designated agent, or the waiting list."""

from django.utils import timezone

from portal.models import Extension, Group
from sms import switchboard
from sms.models import Conversation


def choose(group: Group) -> Extension | None:
    """Return the member to ask first: present, enabled, in the group's order."""
    return group.first_present()


def designate(conversation: Conversation, group: Group) -> None:
    """Give a conversation without an agent to one, or let it wait visibly; one wins a race."""
    if conversation.assignee_id:
        return
    agent = choose(group)
    unassigned = Conversation.objects.filter(pk=conversation.pk, assignee__isnull=True)
    if agent:
        unassigned.update(assignee=agent, waiting_since=None)
    else:
        unassigned.filter(waiting_since__isnull=True).update(waiting_since=timezone.now())


def transfer(conversation: Conversation, *, by: Extension | None, to: Extension) -> bool:
    """Hand a conversation from its agent to another; False when ``by`` is no longer the agent.

    ``by`` None is the tenant administrator, who may always transfer.
    """
    held = Conversation.objects.filter(pk=conversation.pk)
    if by is not None:
        held = held.filter(assignee=by)
    return held.update(assignee=to, waiting_since=None) == 1


def audience(conversation: Conversation) -> list[int]:
    """Return the ids of the extensions that see the conversation."""
    if conversation.group_id:
        return switchboard.members(conversation.group_id)
    return [pk for pk in (conversation.extension_id, conversation.peer_id) if pk]

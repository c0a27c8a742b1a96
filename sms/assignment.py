"""Who answers a group's conversation: one designated agent, or the waiting list.

Whatever changes hands does so on the locked row, and a note in the thread says to whom it went and
why. ``answer_by`` stands as long as an agent owes the remote side an answer.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import e164
from portal.models import Extension, Group, GroupMember
from sms import notes, presence, rotation, switchboard
from sms.models import Conversation, Message
from sms.models.conversation import NEVER


def designate(conversation: Conversation, group: Group) -> None:
    """See to it that somebody is asked to answer the text that came, or let it wait visibly."""
    with transaction.atomic():
        row = _lock(conversation.pk)
        if row is None:
            return
        why = _unfit(row) if row.assignee else ""
        if row.assignee is None or why:
            _ask_next(row, group, why)
        elif row.answer_by is None:
            Conversation.objects.filter(pk=row.pk).update(answer_by=_limit(row, group))


def transfer(
    conversation: Conversation, *, by: Extension | None, to: Extension, who: str = ""
) -> bool:
    """Hand a conversation from its agent to another; False when ``by`` is no longer the agent.

    ``by`` None is the tenant administrator, called ``who``, who may always transfer.
    """
    with transaction.atomic():
        row = _lock(conversation.pk, *([Q(assignee=by)] if by else []))
        if row is None or row.group is None:
            return False
        if row.assignee_id != to.pk:
            giver = by.number if by else who
            why = _("%(giver)s handed it over") % {"giver": giver}
            owed = bool(row.answer_by or row.waiting_since)
            _give(row, row.group, to, _asked(to, why), is_owed=owed)
    return True


def take(conversation: Conversation, by: Extension, *, answered: bool = False) -> bool:
    """Give a conversation that waits to the member who came for it; False if it waits no more."""
    if by.pk not in switchboard.members(conversation.group_id or 0):
        return False
    with transaction.atomic():
        row = _lock(conversation.pk, Q(waiting_since__isnull=False))
        if row is None or row.group is None:
            return False
        words = _("@%(agent)s answered and has it now.") if answered else _("@%(agent)s took it.")
        _give(row, row.group, by, words % {"agent": by.number}, is_owed=not answered)
    return True


def settle(conversation: Conversation) -> None:
    """Ask nobody any more: the thread was closed, or must not be answered."""
    Conversation.objects.filter(pk=conversation.pk).update(answer_by=None, waiting_since=None)


def lost(most: int) -> list[int]:
    """Return the ids of threads whose agent is late or cannot answer, the most overdue first."""
    owed = _in_service().filter(answer_by__isnull=False)
    agents = Extension.objects.filter(pk__in=owed.order_by().values("assignee"))
    member = GroupMember.objects.filter(group=OuterRef("group"), extension=OuterRef("assignee"))
    unfit = (
        Q(answer_by__lte=timezone.now())
        | Q(assignee=None)
        | Q(assignee__in=presence.gone(list(agents)))
        | Q(assignee__enabled=False)
        | Q(assignee__sms=Extension.Sms.DISABLE)
        | ~Exists(member)
    )
    return list(owed.filter(unfit).order_by("answer_by").values_list("pk", flat=True)[:most])


def pass_on(pk: int) -> None:
    """Give a thread to the next member if its agent is late or gone; the thread tells why."""
    with transaction.atomic():
        row = _lock(pk, Q(answer_by__isnull=False), skip=True)
        if row is None or row.group is None:
            return
        why = _unfit(row)
        is_late = row.answer_by is not None and row.answer_by <= timezone.now()
        if why:
            _ask_next(row, row.group, why)
        elif is_late and row.assignee:
            _remind(row, row.group, row.assignee)


def waiting(most: int) -> list[int]:
    """Return the ids of threads that wait though somebody is there to answer, the oldest first."""
    rows = _in_service().filter(waiting_since__isnull=False)
    staffed = rotation.staffed(rows.order_by().values("group"))
    oldest = rows.filter(group__in=staffed).order_by("waiting_since", "pk")
    return list(oldest.values_list("pk", flat=True)[:most])


def offer(pk: int) -> None:
    """Give a thread that waits to whoever has come."""
    with transaction.atomic():
        row = _lock(pk, Q(waiting_since__isnull=False), skip=True)
        if row is not None and row.group is not None:
            _ask_next(row, row.group, _("it waited for somebody to come"))


def _in_service() -> QuerySet[Conversation]:
    return Conversation.objects.filter(tenant__active=True, tenant__messaging_enabled=True)


def _lock(pk: int, *conditions: Q, skip: bool = False) -> Conversation | None:
    """Return the thread, for this transaction alone, if it still meets the conditions."""
    rows = Conversation.objects.select_for_update(of=("self",), skip_locked=skip)
    return rows.select_related("assignee", "group").filter(*conditions, pk=pk).first()


def _unfit(row: Conversation) -> str:
    """Say, in words, why its agent cannot answer a thread; empty if nothing is known."""
    agent = row.assignee
    if agent is None:
        return _("the extension that was asked is gone")
    name = {"agent": agent.number}
    if agent.pk not in switchboard.members(row.group_id or 0):
        return _("%(agent)s is no longer in the group") % name
    if not agent.enabled:
        return _("%(agent)s was switched off") % name
    if not agent.may_send:
        return _("%(agent)s may not send texts") % name
    if agent.pk in presence.gone([agent]):
        return _("%(agent)s is not there") % name
    return ""


def _late(group: Group, agent: Extension) -> str:
    words = ngettext(
        "%(agent)s did not answer within %(minutes)d minute",
        "%(agent)s did not answer within %(minutes)d minutes",
        group.answer_within,
    )
    return words % {"agent": agent.number, "minutes": group.answer_within}


def _asked(agent: Extension, why: str) -> str:
    if not why:
        return _("@%(agent)s is asked to answer.") % {"agent": agent.number}
    return _("@%(agent)s is asked to answer: %(why)s.") % {"agent": agent.number, "why": why}


def _ask_next(row: Conversation, group: Group, why: str) -> None:
    agent = rotation.take_turn(group, after=row.assignee)
    if agent:
        _give(row, group, agent, _asked(agent, why))
    elif row.waiting_since is None:
        nobody = rotation.why_nobody(group)
        why = _("%(why)s, and %(nobody)s") % {"why": why, "nobody": nobody} if why else nobody
        Conversation.objects.filter(pk=row.pk).update(
            assignee=None, answer_by=None, waiting_since=timezone.now()
        )
        text = _("Waiting for the first member who comes: %(why)s.") % {"why": why}
        notes.keep(row, text, author=None)


def _remind(row: Conversation, group: Group, agent: Extension) -> None:
    """Pass a thread on for being late; where nobody else is there, its agent has it anew."""
    late = _late(group, agent)
    following = rotation.take_turn(group, after=agent)
    if following:
        _give(row, group, following, _asked(following, late))
        return
    Conversation.objects.filter(pk=row.pk).update(answer_by=_limit(row, group))
    text = _("@%(agent)s is still asked to answer: %(why)s, and nobody else is there.") % {
        "agent": agent.number,
        "why": late,
    }
    # Once is enough until somebody has answered.
    told = Message.objects.filter(
        Q(direction=Message.Direction.NOTE, extension=None)
        | Q(direction=Message.Direction.OUTBOUND, extension__isnull=False),
        conversation=row,
    )
    if told.order_by("-pk").values_list("text", flat=True).first() != text:
        notes.keep(row, text, author=None, assigned=agent)


def _give(
    row: Conversation, group: Group, agent: Extension, text: str, *, is_owed: bool = True
) -> None:
    limit = _limit(row, group) if is_owed else None
    Conversation.objects.filter(pk=row.pk).update(
        assignee=agent, waiting_since=None, answer_by=limit
    )
    notes.keep(row, text, author=None, assigned=agent)


def _limit(row: Conversation, group: Group) -> datetime | None:
    """Return until when its agent has a thread; none where no answer can go back."""
    if not all(map(e164.can_be_answered, row.remotes)):
        return None
    if not group.answer_within:
        return NEVER
    return timezone.now() + timedelta(minutes=group.answer_within)

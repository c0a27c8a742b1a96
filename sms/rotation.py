"""Knows whose turn it is in a group: in order in a ring group, in fair rotation in a queue."""

from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import Extension, Group, GroupMember
from sms import presence

# Who may answer, as far as the set-up says.
ABLE = {"extension__enabled": True, "extension__presence": Extension.Presence.AVAILABLE}

MUTE = {"extension__sms": Extension.Sms.DISABLE}


def choose(group: Group, *, after: Extension | None = None) -> Extension | None:
    """Return the member to ask first, or to ask next after one who is asked already."""
    turns = _turns(group, after)
    return turns[0].extension if turns else None


def take_turn(group: Group, *, after: Extension | None = None) -> Extension | None:
    """Return the member whose turn it is, and let a queue go on to the next.

    Of two threads at the same instant the second goes to the next one: it does not wait for the
    first, whose transaction may hold a thread that we are after. Only where nobody else is left
    does one member get both.
    """
    turns = _turns(group, after)
    if group.kind == Group.Kind.QUEUE:
        for member in turns:
            free = GroupMember.objects.select_for_update(skip_locked=True).filter(
                pk=member.pk, last_offered_at=member.last_offered_at
            )
            if free.first() and free.update(last_offered_at=timezone.now()):
                return member.extension
    return turns[0].extension if turns else None


def answering(group: Group, number: str) -> Extension | None:
    """Return the member of this number, present or not, if it may answer for the group."""
    members = group.members.filter(extension__enabled=True, extension__number=number)
    member = members.exclude(**MUTE).select_related("extension").first()
    return member.extension if member else None


def staffed(groups: QuerySet[Any, Any]) -> set[int]:
    """Return those of the groups, by their ids, in which somebody can be asked."""
    able = GroupMember.objects.filter(**ABLE, group__in=groups)
    return {row.group_id for row in _there(able.exclude(**MUTE))}


def why_nobody(group: Group) -> str:
    """Say, in words, why nobody can be asked."""
    if _there(group.members.filter(**ABLE)):
        return _("of those who are there nobody may send texts")
    return _("nobody is there")


def _turns(group: Group, after: Extension | None) -> list[GroupMember]:
    able = group.members.filter(**ABLE).exclude(**MUTE)
    if group.kind == Group.Kind.QUEUE:
        able = able.order_by(F("last_offered_at").asc(nulls_first=True), "order", "id")
    found = _there(able)
    if after is None:
        return found
    asked = group.members.filter(extension=after).first()
    if asked and group.kind == Group.Kind.RING:
        found.sort(key=lambda one: (one.order, one.pk) <= (asked.order, asked.pk))
    return [one for one in found if one.extension_id != after.pk]


def _there(members: QuerySet[GroupMember]) -> list[GroupMember]:
    """Return those of the members whose client is open."""
    rows = list(members.select_related("extension"))
    words = presence.words([row.extension for row in rows])
    return [row for row in rows if words[row.extension_id] == Extension.Presence.AVAILABLE]

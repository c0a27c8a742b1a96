"""What an extension finds in its inbox: what is unread, who the other side is, what is closed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.models import Contact, ContactNumber, Extension, Tenant
from sms import assignment, bell, switchboard
from sms.models import Conversation, Mention, Message, ReadMark

MANY = 1000
"""Conversations that are counted at the most."""


def with_unread(
    conversations: QuerySet[Conversation], reader: Extension | None
) -> QuerySet[Conversation]:
    """Count in each conversation, as ``unread``, what others wrote after the reader's mark.

    A note counts for those whom it calls. ``called`` says that the conversation waits for the
    reader by name: an unread note calls them, or they are the agent who has still to answer.
    """
    if reader is None:
        return conversations.annotate(unread=Value(0), called=Value(value=False))
    mark = ReadMark.objects.filter(conversation=OuterRef("pk"), extension=reader)
    from_outside = Q(direction=Message.Direction.INBOUND)
    from_colleague = Q(direction=Message.Direction.INTERNAL) & ~Q(extension=reader)
    calls = Exists(Mention.objects.filter(message=OuterRef("pk"), extension=reader))
    from_caller = Q(direction=Message.Direction.NOTE) & ~Q(extension=reader) & Q(calls)
    unseen = Message.objects.filter(conversation=OuterRef("pk"), pk__gt=OuterRef("read_to"))
    news = (
        unseen.filter(from_outside | from_colleague | from_caller)
        .order_by()
        .values("conversation")
        .annotate(count=Count("pk"))
        .values("count")
    )
    return conversations.annotate(
        read_to=Coalesce(Subquery(mark.values("message_id")), 0)
    ).annotate(
        unread=Coalesce(Subquery(news), 0),
        called=Case(
            When(assignee=reader, answer_by__isnull=False, then=True),
            When(Exists(unseen.filter(from_caller)), then=True),
            default=False,
            output_field=BooleanField(),
        ),
    )


def narrowed(
    conversations: QuerySet[Conversation], which: str, reader: Extension | None
) -> QuerySet[Conversation]:
    """Return those of one kind: ``mine``, ``groups``, ``unread``, ``waiting`` or ``closed``."""
    theirs = Q(extension=reader) | Q(peer=reader) | Q(assignee=reader)
    kinds = {
        "mine": theirs if reader else Q(pk__in=()),
        "groups": Q(group__isnull=False),
        "unread": Q(pk__in=_unread(conversations, reader).values("pk")),
        "waiting": Q(waiting_since__isnull=False, assignee=None, closed_at=None),
        "closed": Q(closed_at__isnull=False),
    }
    return conversations.filter(kinds[which])


def _unread(conversations: QuerySet[Conversation], reader: Extension | None) -> QuerySet[Any]:
    counted: QuerySet[Any] = with_unread(conversations, reader)  # its field is none of the model
    return counted.filter(unread__gt=0).order_by()


@dataclass(frozen=True)
class Waiting:
    """What waits for a reader, in ``MANY`` conversations at the most."""

    unread: int  # messages
    unread_conversations: int
    waiting: int  # conversations of groups that nobody answers
    groups: int  # that the reader belongs to


def waiting(conversations: QuerySet[Conversation], reader: Extension) -> Waiting:
    """Count what waits for a reader in all their conversations, loaded or not."""
    counts = list(_unread(conversations, reader).values_list("unread", flat=True)[:MANY])
    nobody = narrowed(conversations, "waiting", reader).order_by()
    return Waiting(
        unread=sum(counts),
        unread_conversations=len(counts),
        waiting=nobody[:MANY].count(),
        groups=reader.memberships.count(),
    )


def contacts(tenant: Tenant, reader: Extension | None) -> QuerySet[Contact]:
    """Return the contacts a reader sees: the tenant's, and the extension's own."""
    shared = Q(extension=None)
    return Contact.objects.filter(shared | Q(extension=reader) if reader else shared, tenant=tenant)


def names(tenant: Tenant, reader: Extension | None, numbers: Iterable[str]) -> dict[str, str]:
    """Return who the numbers are; the reader's own contact wins over the shared one."""
    rows = (
        ContactNumber.objects.filter(
            number__in=set(numbers), contact__in=contacts(tenant, reader), tenant=tenant
        )
        .order_by(F("contact__extension").asc(nulls_first=True), "-pk")
        .values_list("number", "contact__name")
    )
    return dict(rows)


def mark_read(conversation: Conversation, reader: Extension, up_to: int | None = None) -> int:
    """Note how far the reader has read; the mark only moves forward. Return where it would be."""
    thread = Message.objects.filter(conversation=conversation)
    if up_to is not None:
        thread = thread.filter(pk__lte=up_to)
    last = thread.order_by("-pk").values_list("pk", flat=True).first() or 0
    now = timezone.now()
    mark = ReadMark(conversation=conversation, extension=reader, message_id=last, at=now)
    ReadMark.objects.bulk_create([mark], ignore_conflicts=True)
    ReadMark.objects.filter(
        conversation=conversation, extension=reader, message_id__lt=last
    ).update(message_id=last, at=now)
    # The reader's other windows drop their marks too.
    bell.tell([reader.pk], {"type": "conversation", "conversation": conversation.pk})
    return last


def close(conversation: Conversation) -> None:
    """Put a conversation away until the next message."""
    assignment.settle(conversation)
    _set_closed(conversation, timezone.now())


def reopen(conversation: Conversation) -> None:
    """Take a closed conversation up again."""
    _set_closed(conversation, None)


def _set_closed(conversation: Conversation, moment: datetime | None) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(closed_at=moment)
    announce(conversation)


def announce(conversation: Conversation) -> None:
    """Tell everybody who sees the conversation that it changed."""
    news = {"type": "conversation", "conversation": conversation.pk}
    bell.tell(switchboard.audience(conversation), news)

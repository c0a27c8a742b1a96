"""A delivery receipt moves the state of its message, forward only.

Of a group text everybody gets receipts of their own, and the message is what all of them say
together: it is delivered when everybody has it.
"""

import logging
import uuid
from enum import Enum, auto
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import e164
from portal.models import DID, Trunk
from providers.contract import Status, StatusUpdate
from sms import outcome
from sms.models import OPEN_STATES, Conversation, Message, SentPart, State, sources
from sms.models.message import MessageQuerySet

log = logging.getLogger(__name__)

_STATES = {
    Status.ACCEPTED: State.ACCEPTED,
    Status.SENT: State.SENT,
    Status.DELIVERED: State.DELIVERED,
    Status.UNDELIVERED: State.UNDELIVERED,
    Status.FAILED: State.FAILED,
}
_MISSED = (State.UNDELIVERED, State.FAILED)
_ENDS = (State.DELIVERED, *_MISSED)


class Match(Enum):
    """Whether a receipt found its message."""

    APPLIED = auto()
    NOT_YET = auto()
    """No message fits; it may have overtaken the answer to its own send."""
    AMBIGUOUS = auto()
    """Several open messages fit and the receipt does not say which: we do not guess."""


def apply(trunk: Trunk, update: StatusUpdate) -> Match:
    """Find the message of a receipt and move it; what comes late is kept in its history."""
    part = _part(trunk, update)
    found = [part.message] if part else _find(trunk, update)
    if len(found) != 1:
        return Match.AMBIGUOUS if found else Match.NOT_YET
    message = found[0]
    if part is None and _may_be_of_a_part(message, update):
        return Match.NOT_YET
    target = _STATES.get(update.status) if update.status else None
    note = update.detail
    if part is not None:
        note = f"{note} (part {part.provider_id})".strip()
        target = _move_part(part, target)
    elif update.provider_id:
        unnamed = Message.objects.filter(pk=message.pk, provider_id="")
        unnamed.update(provider_id=update.provider_id[:128])
    if ";" in message.recipient:
        _move_group(trunk, message, target, update)
    else:
        _move(message, target, update, note)
    return Match.APPLIED


def _move(message: Message, target: State | None, update: StatusUpdate, note: str) -> None:
    rows = Message.objects.filter(pk=message.pk)
    if target is None:
        # The provider still has it, or uses a word that we do not know: worth a line, no move.
        rows.remark(message.state, at=update.at, note=note or str(update.status))
        return
    failed = target in _MISSED
    # Also where it is good news: what was not known before is known now.
    error = {"error": "", "error_code": ""}
    if failed:
        error = {"error": update.detail[:500], "error_code": update.error_code[:64]}
    if rows.move(target, at=update.at, note=note, **error):
        outcome.tell(message)
    elif message.state != target:
        rows.remark(target, at=update.at, note=note)


def _move_group(trunk: Trunk, message: Message, target: State | None, update: StatusUpdate) -> None:
    """Move one person's share of a group text, and the message by what all shares come to."""
    share = _share(trunk, message, update.recipient)
    message.refresh_from_db(fields=["state"])
    who = update.recipient or _("somebody in the group")
    note = f"{who}: {update.status or ''} {update.detail}".strip()
    if share is None or target is None:
        # What does not say of whom it speaks does not say that everybody has it.
        _move(message, State.SENT if target == State.DELIVERED else target, update, note)
        return
    rows = Message.objects.filter(pk=message.pk)
    if not _advance(share, target):
        if share.state != target:
            rows.remark(message.state, at=update.at, note=note)
        return
    state, error = _together(message, update)
    if not rows.move(state, at=update.at, note=note, **error):
        rows.remark(message.state, at=update.at, note=note)
        if target in _MISSED:
            rows.filter(state=State.UNDELIVERED).update(**error)
    outcome.tell(message)


def _share(trunk: Trunk, message: Message, number: str) -> SentPart | None:
    """Return one person's share of a group text, with everybody's held until the commit."""
    shares = [
        SentPart(
            tenant_id=message.tenant_id,
            message=message,
            trunk=trunk,
            provider_id=f"{message.reference.hex};{one}",
        )
        for one in message.recipient.split(";")
    ]
    SentPart.objects.bulk_create(shares, ignore_conflicts=True)
    held = SentPart.objects.filter(message=message).select_for_update().order_by("id")
    return next((share for share in held if share.provider_id.endswith(f";{number}")), None)


def _together(message: Message, update: StatusUpdate) -> tuple[State, dict[str, str]]:
    """Return what all shares say of a group text, and what went wrong."""
    shares = SentPart.objects.filter(message=message).order_by("id")
    found = dict(shares.values_list("provider_id", "state"))
    missed = [e164.pretty(key.rpartition(";")[2]) for key in found if found[key] in _MISSED]
    if missed:
        words = {"people": ", ".join(missed), "why": update.detail}
        error = (_("It did not reach %(people)s. %(why)s") % words).strip()
        return State.UNDELIVERED, {"error": error[:500], "error_code": update.error_code[:64]}
    states, none = set(found.values()), {"error": "", "error_code": ""}
    if states == {State.DELIVERED}:
        return State.DELIVERED, none
    return State.SENT if states <= {State.SENT, State.DELIVERED} else State.ACCEPTED, none


def _part(trunk: Trunk, update: StatusUpdate) -> SentPart | None:
    """Return the part that a receipt names, with its siblings held until the commit."""
    if not update.provider_id:
        return None
    part = SentPart.objects.filter(trunk=trunk, provider_id=update.provider_id).first()
    if part is None:
        return None
    siblings = SentPart.objects.filter(message_id=part.message_id).select_for_update()
    return next((one for one in siblings.order_by("id") if one.pk == part.pk), None)


def _may_be_of_a_part(message: Message, update: StatusUpdate) -> bool:
    """Say whether a receipt overtook the answer that will name its part."""
    unnamed = update.provider_id not in {"", message.provider_id}
    return unnamed and message.segments > 1 and message.state == State.SENDING


def _move_part(part: SentPart, target: State | None) -> State | None:
    """Move one part forward; return what all parts together say of the message."""
    if target is not None:
        _advance(part, target)
    states = set(
        SentPart.objects.filter(message_id=part.message_id).values_list("state", flat=True)
    )
    for bad in (State.FAILED, State.UNDELIVERED):
        if bad in states:
            return bad
    if states == {State.DELIVERED}:
        return State.DELIVERED
    return State.SENT if states <= {State.SENT, State.DELIVERED} else None


def _advance(part: SentPart, target: State) -> bool:
    """Move one part or share forward; say whether it moved."""
    rows = SentPart.objects.filter(pk=part.pk, state__in=sources(target))
    return rows.update(state=target, moved_at=timezone.now()) == 1


def _find(trunk: Trunk, update: StatusUpdate) -> list[Message]:
    sent = Message.objects.filter(trunk=trunk, direction=Message.Direction.OUTBOUND).select_related(
        "conversation"
    )
    if update.provider_id:
        found = list(sent.filter(provider_id=update.provider_id)[:2])
        # A provider that gave two messages one id: our own reference still tells them apart.
        if len(found) == 1 or (found and not update.reference):
            return found
    reference = _uuid(update.reference)
    if reference:
        return list(sent.filter(reference=reference)[:1])
    if not (update.sender and update.recipient):
        return []
    # By tenant and numbers, as the index has it; the conversation's own trunk may have changed.
    pair = sent.filter(conversation__in=_threads(trunk, update.sender, update.recipient))
    unended = pair.filter(state__in=OPEN_STATES)
    # A group text that this person surely got stays open until everybody has it.
    told = SentPart.objects.filter(
        message=OuterRef("pk"), provider_id__endswith=f";{update.recipient}", state__in=_ENDS
    )
    # With none open, the last one: it may be a repeat of what ended it.
    return list(unended.exclude(Exists(told))[:2]) or list(unended[:2]) or _ended(pair, update)


def _threads(trunk: Trunk, our_number: str, number: str) -> QuerySet[Conversation, Any]:
    """Return the threads of our number with one person, alone or among several."""
    tenants = DID.objects.filter(trunk=trunk, number=our_number).values("tenant")
    ours = Conversation.objects.order_by().filter(tenant__in=tenants, our_number=our_number)
    within = Q(remote__startswith=f"{number};") | Q(remote__contains=f";{number};")
    among = ours.filter(within | Q(remote__endswith=f";{number}"), remote__contains=";")
    # Each by its own index.
    return ours.filter(remote=number).values("pk").union(among.values("pk"), all=True)


def _ended(pair: MessageQuerySet, update: StatusUpdate) -> list[Message]:
    last = pair.first()
    repeats = last and update.status and last.state == _STATES.get(update.status)
    return [last] if last and repeats else []


def _uuid(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None

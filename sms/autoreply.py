"""Answers that nobody typed: keyword confirmations and the tenant's automatic replies.

At most one automatic reply per conversation within a window, and none to senders that are no
full numbers, so that two machines cannot talk for ever.
"""

from datetime import timedelta

from django.utils import timezone

from portal import e164
from portal.models import DID, Destination, Tenant
from sms import bell, consent, segments
from sms.consent import Keyword
from sms.models import Message, State, transition

WINDOW = timedelta(hours=4)
DEADLINE = timedelta(hours=1)


def answer(message: Message, *, did: DID, when: Destination.When, meaning: Keyword | None) -> None:
    """Queue the reply that an inbound message calls for, if any."""
    if not e164.is_e164(message.sender) or len(message.conversation.remotes) > 1:
        return
    if meaning:
        # Some providers answer these words themselves; twice would be once too often.
        if not did.trunk.capable.capabilities.answers_keywords:
            _queue(message, did, consent.reply_to(meaning, did.tenant))
        return
    text = _text(did.tenant, when)
    if not text or consent.find(message.tenant_id, did.number, [message.sender]):
        return
    recent = Message.objects.filter(
        conversation=message.conversation,
        direction=Message.Direction.OUTBOUND,
        extension__isnull=True,
        created_at__gt=timezone.now() - WINDOW,
    )
    if not recent.exists():
        _queue(message, did, text)


def _text(tenant: Tenant, when: Destination.When) -> str:
    match when:
        case Destination.When.OFFICE:
            return tenant.auto_reply
        case Destination.When.OUTSIDE:
            return tenant.after_hours_reply
        case Destination.When.HOLIDAY:
            return tenant.holiday_reply


def _queue(message: Message, did: DID, text: str) -> None:
    measure = segments.measure(text)
    now = timezone.now()
    Message.objects.create(
        tenant_id=message.tenant_id,
        trunk_id=did.trunk_id,
        conversation=message.conversation,
        direction=Message.Direction.OUTBOUND,
        sender=did.number,
        recipient=message.sender,
        text=text,
        encoding=measure.encoding,
        segments=measure.segments,
        state=State.QUEUED,
        deadline=now + DEADLINE,
        history=[transition(State.QUEUED, at=now, note="automatic reply")],
    )
    bell.ring("drain_trunk", did.trunk_id)

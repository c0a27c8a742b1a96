"""Asks providers that post no receipts what became of the messages they took."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.models import Trunk
from providers.abilities import PollsReceipts, Sent
from providers.errors import ProviderError, Throttled
from sms import bell, receipts
from sms.models import Message, State

log = logging.getLogger(__name__)

BATCH = 50
SHIFT_SECONDS = 50
OPEN = (State.ACCEPTED, State.SENT)
# How long after it was taken a message is asked about next; after the last, never again: then the
# state stays what is known.
STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360, 1440))
# After an answer that cannot be used nobody is asked for this long.
PATIENCE = timedelta(minutes=15)


def poll(trunk_id: int, _box: bell.Box) -> bool:
    """Ask for the receipts that are due on a trunk; return whether more are due now."""
    until = time.monotonic() + SHIFT_SECONDS
    while time.monotonic() < until:
        bell.quieten("poll_receipts", trunk_id)
        trunk = Trunk.objects.filter(pk=trunk_id, enabled=True, paused_since__isnull=True).first()
        due = _claim(trunk) if trunk else []
        if not trunk or not due:
            return False
        _ask(trunk, due)
    return True


def _claim(trunk: Trunk) -> list[Message]:
    """Take messages that are due, each moved to its next time: a killed worker loses a round."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        due = list(
            Message.objects.select_for_update(skip_locked=True)
            .filter(trunk=trunk, poll_at__lte=now)
            .order_by("poll_at")[:BATCH]
        )
        for message in due:
            taken = _taken_at(message)
            later = [step for step in STEPS if step > now - taken]
            message.poll_at = taken + later[0] if later and message.state in OPEN else None
        Message.objects.bulk_update(due, ["poll_at"])
    return [message for message in due if message.state in OPEN and message.provider_id]


def _taken_at(message: Message) -> datetime:
    """Return when the provider took a message; it may have waited long before."""
    return message.claimed_at or message.created_at


def _ask(trunk: Trunk, due: Sequence[Message]) -> None:
    sent = [
        Sent(
            provider_id=message.provider_id,
            sender=message.sender,
            recipient=message.recipient,
            at=_taken_at(message),
        )
        for message in due
    ]
    try:
        adapter = trunk.adapter()
        if isinstance(adapter, PollsReceipts):
            for update in adapter.poll_receipts(sent):
                with transaction.atomic(durable=True):
                    receipts.apply(trunk, update)
    except (ProviderError, ValueError) as error:
        log.warning("polling.failed trunk=%s why=%s", trunk.pk, error)
        asked = error.retry_after if isinstance(error, Throttled) else None
        wait = timedelta(seconds=asked) if asked else PATIENCE
        rows = Message.objects.filter(trunk=trunk, poll_at__lte=timezone.now() + wait)
        rows.update(poll_at=timezone.now() + wait)

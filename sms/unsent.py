"""What becomes of a message that the provider did not take: again later, or given up."""

import logging
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import Trunk
from providers.errors import Limit, SendError
from sms import pacing
from sms.models import Message, State
from sms.models.message import MessageQuerySet

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (5, 15, 60, 300, 900)


def give_up(rows: MessageQuerySet, why: str, code: str) -> int:
    """End what will not be sent any more, with the reason for its author; return how many.

    What an earlier call may have sent is not called failed.
    """
    doubt = _("%(why)s An earlier try may have reached the provider.") % {"why": why}
    unsure = rows.filter(in_doubt=True).move(
        State.UNCONFIRMED, note=doubt, error=doubt[:500], error_code=code[:64]
    )
    return unsure + rows.filter(in_doubt=False).move(
        State.FAILED, note=why, error=why[:500], error_code=code[:64]
    )


def again(
    own: MessageQuerySet,
    tries: int,
    error: SendError,
    *,
    at_least: float = 0.0,
    in_doubt: bool = False,
) -> None:
    """Let a claimed message wait for its next try, longer with each one that failed."""
    backoff = BACKOFF_SECONDS[min(tries, len(BACKOFF_SECONDS)) - 1]
    doubt: dict[str, Any] = {"in_doubt": True} if in_doubt else {}
    own.move(
        State.QUEUED,
        note=str(error),
        due_at=timezone.now() + timedelta(seconds=max(backoff, at_least)),
        error=str(error)[:500],
        error_code=error.code[:64],
        **doubt,
    )


def hold_others(message: Message, limit: Limit, seconds: float) -> None:
    """Let wait what the provider would throttle too."""
    match limit:
        case Limit.ACCOUNT:
            if message.trunk:
                pacing.slow_down(pacing.of_trunk(message.trunk), seconds)
        case Limit.SENDER:
            until = timezone.now() + timedelta(seconds=max(seconds, BACKOFF_SECONDS[0]))
            Message.objects.filter(
                trunk=message.trunk,
                sender=message.sender,
                state=State.QUEUED,
                due_at__lt=until,
            ).update(due_at=until)
        case Limit.RECIPIENT:
            # Nobody else waits for the same person.
            return


def pause_trunk(trunk_id: int | None, why: str) -> None:
    """Stop sending through a trunk until an administrator repairs it."""
    paused = Trunk.objects.filter(pk=trunk_id or 0, paused_since__isnull=True).update(
        paused_since=timezone.now(), paused_reason=why[:300]
    )
    if paused:
        log.error("trunk.paused trunk=%s why=%s", trunk_id, why)

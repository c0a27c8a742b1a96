"""Every few seconds: ring every row that is due, free what is stuck, hold nothing for ever.

Two sweeps at once do no harm: everything here is a conditional update or a ring.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Trunk
from sms import assignment, bell, counting, outcome, presence, unsent
from sms.models import MediaFile, Message, ProviderEvent, SeenBody, State

T = TypeVar("T")

log = logging.getLogger(__name__)

FORGET_BODIES = timedelta(hours=1)
# How often to try what waits for several tenants at once: whose return it needs is not written.
LOOK_AGAIN = timedelta(minutes=5)
AT_ONCE = 500
THREADS_AT_ONCE = 100
_WAITING = (State.QUEUED, State.HELD)


def sweep() -> None:
    """Do one round; a step that fails does not keep the others from being done."""
    steps: tuple[Callable[[], object], ...] = (
        _free_stuck,
        _fail_overdue,
        _release_reactivated,
        _ring_due,
        _forget_bodies,
        _trim,
        presence.tell_changes,
        pass_on_lost,
        offer_waiting,
        counting.count,
    )
    for step in steps:
        try:
            step()
        except Exception:
            log.exception("sweep.step_failed step=%s", step.__name__)


def _each(rows: QuerySet[Message], act: Callable[[Message], None]) -> None:
    found = rows.order_by().select_related("trunk", "conversation").defer("trunk__credentials")
    _one_by_one(found[:AT_ONCE], act)


def _one_by_one(rows: Iterable[T], act: Callable[[T], None]) -> None:
    """Act on each in a transaction of its own; one that fails does not keep the others back."""
    for row in rows:
        try:
            with transaction.atomic():
                act(row)
        except Exception:
            log.exception("sweep.row_failed step=%s row=%s", act.__name__, getattr(row, "pk", row))


def _free_stuck() -> None:
    """Settle what a killed worker left open: its outcome is not known."""
    oldest = timezone.now() - timedelta(seconds=settings.CLAIM_TIMEOUT)
    _each(Message.objects.filter(state=State.SENDING, claimed_at__lt=oldest), _free)


def _free(message: Message) -> None:
    row = Message.objects.filter(pk=message.pk, state=State.SENDING, claimed_at=message.claimed_at)
    why = _("The worker that was sending it stopped; the provider's answer is not known.")
    if message.trunk and message.trunk.capable.capabilities.idempotent_send:
        row.move(State.QUEUED, note=why, due_at=timezone.now(), in_doubt=True)
    else:
        row.move(State.UNCONFIRMED, note=why, error=why)
    outcome.tell(message)
    log.warning("sweep.freed message=%s", message.pk)


def _fail_overdue() -> None:
    """End what could not be sent in time, so that nothing waits for ever on a paused trunk."""
    _each(Message.objects.filter(state__in=_WAITING, deadline__lt=timezone.now()), _expire)


def _expire(message: Message) -> None:
    # Only while it waits: what a worker claims this moment may still arrive.
    row = Message.objects.filter(pk=message.pk, state__in=_WAITING)
    why = _("It could not be sent before its deadline.")
    if unsent.give_up(row, why, "deadline"):
        outcome.tell(message)


def _release_reactivated() -> None:
    """Take up again what waited for a suspended tenant or trunk."""
    now = timezone.now()
    held = Message.objects.filter(
        state=State.HELD, tenant__active=True, tenant__messaging_enabled=True
    )
    held.move(State.QUEUED, due_at=now, error="")
    ProviderEvent.objects.filter(
        Q(tenant__active=True, tenant__messaging_enabled=True)
        | Q(tenant=None, due_at__lt=now - LOOK_AGAIN),
        state=ProviderEvent.State.QUARANTINED,
        reason=ProviderEvent.Reason.SUSPENDED,
        trunk__enabled=True,
    ).update(state=ProviderEvent.State.DUE, due_at=now)


def pass_on_lost() -> bool:
    """Give threads whose agent is late, or gone, to others; say whether there may be more."""
    memory.refresh()
    found = assignment.lost(THREADS_AT_ONCE)
    _one_by_one(found, assignment.pass_on)
    return len(found) == THREADS_AT_ONCE


def offer_waiting() -> bool:
    """Give threads that wait to members who have come; say whether there may be more."""
    memory.refresh()
    found = assignment.waiting(THREADS_AT_ONCE)
    _one_by_one(found, assignment.offer)
    return len(found) == THREADS_AT_ONCE


def _ring_due() -> None:
    with transaction.atomic():
        _ring()


def _forget_bodies() -> None:
    SeenBody.objects.filter(seen_at__lt=timezone.now() - FORGET_BODIES).delete()


def _trim() -> None:
    memory.trim()


def _ring() -> None:
    """Ring, also where a bell rings already: whoever heard it may have been killed since."""
    now = timezone.now()
    # Trunk by trunk one step in the index, however much waits on each.
    queued = Message.objects.filter(trunk=OuterRef("pk"), state=State.QUEUED, due_at__lte=now)
    sending = Trunk.objects.filter(Exists(queued), enabled=True, paused_since__isnull=True)
    for trunk_id in sending.order_by().values_list("pk", flat=True):
        bell.ring("drain_trunk", trunk_id, insist=True)
    polled = Message.objects.filter(poll_at__lte=now)
    for trunk_id in polled.order_by().values_list("trunk_id", flat=True).distinct():
        bell.ring("poll_receipts", trunk_id, insist=True)
    if ProviderEvent.objects.filter(state=ProviderEvent.State.DUE, due_at__lte=now).exists():
        bell.ring("drain_events", insist=True)
    if MediaFile.objects.filter(state=MediaFile.State.WAITING, due_at__lte=now).exists():
        bell.ring("fetch_media", insist=True)

"""Hand queued messages to the provider: claim a batch, send on threads, have outcomes settled.

A batch is never larger than the threads that are free, so a killed worker leaves at most its open
calls in SENDING. No transaction is open during a call.
"""

import logging
import threading
import time
from functools import partial
from queue import Empty

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Trunk
from providers.contract import OutboundMessage, SendResult
from providers.errors import CredentialsRefused, Rejected, SendError, Unconfirmed
from sms import bell, claiming, media, outcome, pacing, permission, switchboard, unsent
from sms.hands import Holders, hands, seats
from sms.models import Message, State
from sms.models.message import MessageQuerySet
from sms.outcome import Outcome
from sms.turns import Rota, Turn

log = logging.getLogger(__name__)

SHIFT_SECONDS = 50
# How long one trunk is served at a time while others wait for it to end.
TURN_SECONDS = 2
# Longer pauses than this are left to the sweep, and a drain looks around at least this often.
LONGEST_WAIT = 1.0
# Outcomes that arrive within this time are written together.
BATCH_SECONDS = 0.01
# How soon to look again when every thread is busy with other trunks.
BUSY_SECONDS = 0.05

# Set when the worker was told to stop: open calls end, nothing new is claimed.
closing = threading.Event()


def drain(trunk_id: int, box: bell.Box) -> bool:
    """Send what is due on a trunk; return whether more is due now.

    ``box`` brings the outcomes of the calls, and None for every ring that came meanwhile.
    """
    if not seats().take(trunk_id):
        return False
    try:
        return _serve(trunk_id, box)
    finally:
        following = seats().leave()
        if following:
            bell.ring("drain_trunk", following, insist=True)


def _serve(trunk_id: int, box: bell.Box) -> bool:
    began = time.monotonic()
    rota = Rota(hands().threads)
    # Our bell was quietened before we began, and is until we hear it.
    calls, quiet = 0, True
    while True:
        trunk = _sending(trunk_id)
        over = closing.is_set() or _is_over(began)
        started, pause = 0, 0.0
        if trunk and not over:
            started, pause, quiet = _start(trunk, rota, box, quiet=quiet)
        calls += started
        if not calls and (trunk is None or over or not 0 < pause <= LONGEST_WAIT):
            return trunk is not None and over and not closing.is_set()
        outcomes, rung = _collect(box, min(pause or LONGEST_WAIT, LONGEST_WAIT), calls)
        quiet = quiet and not rung
        calls -= len(outcomes)
        if outcomes:
            outcome.settle(outcomes)


def _is_over(began: float) -> bool:
    return time.monotonic() - began > (TURN_SECONDS if seats().crowded else SHIFT_SECONDS)


def _sending(trunk_id: int) -> Trunk | None:
    """Return the trunk as it is now, None if nothing goes through it."""
    memory.refresh(now=True)
    trunk = switchboard.trunk(trunk_id)
    return trunk if trunk and trunk.enabled and not trunk.paused_since else None


def _collect(box: bell.Box, patience: float, calls: int) -> tuple[list[Outcome], bool]:
    """Wait for the first outcome or ring, then a moment for more outcomes to write together.

    Returns also whether it was a ring that ended the wait.
    """
    outcomes: list[Outcome] = []
    until = time.monotonic() + patience
    while len(outcomes) < calls or not calls:
        try:
            item = _next(box, until - time.monotonic())
        except Empty:
            break
        if item is None:
            return outcomes, True
        if not outcomes:
            until = time.monotonic() + BATCH_SECONDS
        outcomes.append(item)
    return outcomes, False


def _next(box: bell.Box, patience: float) -> Outcome | None:
    """Return what comes next; a longer wait holds no connection to the database."""
    try:
        found: Outcome | None = box.get(timeout=max(0.0, min(patience, BATCH_SECONDS)))
    except Empty:
        if patience <= BATCH_SECONDS:
            raise
        if not connection.in_atomic_block:
            connection.close()
        found = box.get(timeout=patience - BATCH_SECONDS)
    return found


def _start(trunk: Trunk, rota: Rota, box: bell.Box, *, quiet: bool) -> tuple[int, float, bool]:
    """Claim and start as much as threads and pacing allow.

    Returns how many were started, the seconds after which to look again (0: when rung, or when a
    call ends), and whether the bell is quiet.
    """
    started, pause, left = _round(trunk, rota, box)
    if left or quiet:
        return started, pause, quiet
    # Nothing more is due: from now on a ring is needed, and one that came meanwhile counts.
    bell.quieten("drain_trunk", trunk.pk)
    more, pause, _left = _round(trunk, rota, box)
    return started + more, pause, True


def _round(trunk: Trunk, rota: Rota, box: bell.Box) -> tuple[int, float, bool]:
    """Give everybody who waits a turn; return also whether anything is left that is due."""
    started, pauses, left = 0, [], False
    for turn in rota.turns(trunk):
        more, pause, stays = _take_turn(trunk, turn, box)
        started += more
        left = left or stays
        if stays and pause:
            pauses.append(pause)
    return started, min(pauses, default=0.0), left


def _take_turn(trunk: Trunk, turn: Turn, box: bell.Box) -> tuple[int, float, bool]:
    holders = (("trunk", trunk.pk), ("tenant", turn.tenant_id))
    reserved = hands().reserve(turn.most, holders)
    if not reserved:
        # A call of our own that ends wakes us; those of others do not.
        wakes = hands().holds(holders[0])
        return 0, 0.0 if wakes else BUSY_SECONDS, _is_due(trunk, turn)
    granted, pause = pacing.take(reserved, *turn.buckets)
    messages = claim(trunk, granted, turn.sender) if granted else []
    hands().release(reserved - len(messages), holders)
    pacing.give_back(granted - len(messages), *turn.buckets)
    for message in messages:
        hands().run(partial(_call_on_thread, message, holders, box))
    if granted > len(messages):
        return len(messages), 0.0, False
    return len(messages), pause, not pause or _is_due(trunk, turn)


def _call_on_thread(message: Message, holders: Holders, box: bell.Box) -> None:
    result = send(message)
    hands().release(1, holders)
    box.put(result)


def _is_due(trunk: Trunk, turn: Turn) -> bool:
    due = Message.objects.filter(trunk=trunk, state=State.QUEUED, due_at__lte=timezone.now())
    return (due.filter(sender=turn.sender) if turn.sender else due).exists()


def claim(trunk: Trunk, limit: int, sender: str = "") -> list[Message]:
    """Move at most ``limit`` due messages of the trunk to SENDING and return those to send.

    Permission, opt-out, tenant state and caller ID are checked again here; what may not go out
    any more is settled at once, and the next in line are taken instead. Callers begin with
    ``memory.refresh``.
    """
    while True:
        claimed = claiming.rows(trunk, limit, sender)
        sendable = [message for message in claimed if _may_go(message)]
        if sendable or not claimed:
            return sendable


def _may_go(message: Message) -> bool:
    if message.deadline and message.deadline < timezone.now():
        _give_up(message, _("It could not be sent before its deadline."), "deadline")
        return False
    try:
        _check_again(message)
    except permission.TenantSuspended as refusal:
        _own(message).move(State.HELD, note=refusal.detail, error=refusal.detail[:500])
        outcome.tell(message)
        return False
    except permission.Refused as refusal:
        _give_up(message, refusal.detail, refusal.code)
        return False
    return True


def _own(message: Message) -> MessageQuerySet:
    """Return the row, as long as our claim of it holds."""
    return Message.objects.filter(pk=message.pk, claimed_at=message.claimed_at)


def _give_up(message: Message, why: str, code: str) -> None:
    unsent.give_up(_own(message), why, code)
    outcome.tell(message)


def _check_again(message: Message) -> None:
    if message.extension is None:
        permission.check_automatic(message)
        return
    permission.check_again(
        extension=message.extension,
        sender=message.sender,
        trunk_id=message.trunk_id,
        conversation=message.conversation,
    )
    opt_out = claiming.opt_out(message)
    if opt_out is not None:
        raise permission.opted_out(opt_out)


def send(message: Message) -> Outcome:
    """Make the one call; whatever happens comes back as an outcome."""
    started = timezone.now()
    result: SendResult | SendError
    try:
        result = _call(message)
    except SendError as error:
        result = error
    except Exception as error:
        log.exception("dispatch.adapter_fault message=%s", message.pk)
        result = Unconfirmed(_("The adapter failed: %(kind)s.") % {"kind": type(error).__name__})
    return Outcome(message=message, started_at=started, ended_at=timezone.now(), result=result)


def _call(message: Message) -> SendResult:
    if message.trunk is None:
        raise Rejected(_("The trunk is gone."))
    try:
        adapter = message.trunk.adapter()
    except ValueError as error:
        raise CredentialsRefused(str(error)) from error
    return adapter.send(
        OutboundMessage(
            reference=message.reference.hex,
            sender=message.sender,
            recipient=message.recipient,
            text=message.text,
            media_urls=tuple(media.link(item) for item in claiming.files(message)),
            status_url=f"{message.trunk.webhook_url}?ref={message.reference.hex}",
        )
    )

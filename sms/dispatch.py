"""Hand queued messages to the provider: claim a batch, send on threads, have outcomes settled.

A batch is never larger than the threads that are free, so a killed worker leaves at most its open
calls in SENDING. No transaction is open during a call.
"""

import logging
import threading
import time
from functools import partial
from queue import Empty

from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Trunk
from providers.contract import OutboundMessage, SendResult
from providers.errors import CredentialsRefused, Rejected, SendError, Unconfirmed
from sms import bell, claiming, consent, media, outcome, pacing, permission, switchboard, unsent
from sms.hands import Holders, hands
from sms.models import Message, OptOut, State
from sms.models.message import MessageQuerySet
from sms.outcome import Outcome
from sms.turns import Rota, Turn

log = logging.getLogger(__name__)

SHIFT_SECONDS = 50
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
    until = time.monotonic() + SHIFT_SECONDS
    rota = Rota(hands().threads)
    calls = 0
    while True:
        trunk = _sending(trunk_id)
        over = closing.is_set() or time.monotonic() > until
        started, pause = 0, 0.0
        if trunk and not over:
            started, pause = _start(trunk, rota, box)
        calls += started
        if not calls and (trunk is None or over or not 0 < pause <= LONGEST_WAIT):
            return trunk is not None and over and not closing.is_set()
        outcomes = _collect(box, min(pause or LONGEST_WAIT, LONGEST_WAIT), calls)
        calls -= len(outcomes)
        if outcomes:
            outcome.settle(outcomes)


def _sending(trunk_id: int) -> Trunk | None:
    """Return the trunk as it is now, None if nothing goes through it."""
    memory.refresh(now=True)
    trunk = switchboard.trunk(trunk_id)
    return trunk if trunk and trunk.enabled and not trunk.paused_since else None


def _collect(box: bell.Box, patience: float, calls: int) -> list[Outcome]:
    """Wait for the first outcome or ring, then a moment for more outcomes to write together."""
    outcomes: list[Outcome] = []
    until = time.monotonic() + patience
    while len(outcomes) < calls or not calls:
        try:
            item = box.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        if item is None:
            break
        if not outcomes:
            until = time.monotonic() + BATCH_SECONDS
        outcomes.append(item)
    return outcomes


def _start(trunk: Trunk, rota: Rota, box: bell.Box) -> tuple[int, float]:
    """Claim and start as much as threads and pacing allow.

    Returns how many were started, and the seconds after which to look again (0: when rung, or when
    a call ends).
    """
    started, pause, left = _round(trunk, rota, box)
    if not left:
        # Nothing more is due: from now on a ring is needed, and one that came meanwhile counts.
        bell.quieten("drain_trunk", trunk.pk)
        more, pause, left = _round(trunk, rota, box)
        started += more
    return started, pause


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
    any more is settled at once, and the next in line are taken instead.
    """
    memory.refresh(now=True)
    while True:
        claimed = claiming.rows(trunk, limit, sender)
        opt_outs = consent.among(line for message in claimed for line in _lines(message))
        sendable = [message for message in claimed if _may_go(message, opt_outs)]
        if sendable or not claimed:
            return sendable


def _lines(message: Message) -> list[consent.Line]:
    parties = message.recipient.split(";")
    return [(message.tenant_id, message.sender, party) for party in parties]


def _may_go(message: Message, opt_outs: dict[consent.Line, OptOut]) -> bool:
    if message.deadline and message.deadline < timezone.now():
        _give_up(message, _("It could not be sent before its deadline."), "deadline")
        return False
    try:
        _check_again(message, opt_outs)
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


def _check_again(message: Message, opt_outs: dict[consent.Line, OptOut]) -> None:
    if message.extension is None:
        permission.check_automatic(message)
        return
    permission.check_again(
        extension=message.extension,
        sender=message.sender,
        trunk_id=message.trunk_id,
        conversation=message.conversation,
    )
    for line in _lines(message):
        if line in opt_outs:
            raise permission.opted_out(opt_outs[line])


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

"""Hand queued messages to the provider: claim a batch, send on threads, have outcomes settled.

A batch is never larger than the threads that are free, so a killed worker leaves at most its open
calls in SENDING. No transaction is open during a call.
"""

import logging
import time
from functools import partial
from queue import Empty

from django.db import OperationalError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Trunk
from providers.contract import OutboundMessage, SendResult
from providers.errors import CredentialsRefused, Rejected, SendError, Unconfirmed
from sms import bell, claiming, media, outcome, pacing, permission, several, switchboard, unsent
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


class _Closing:
    """Whether the worker was told to stop: open calls end, nothing new is claimed."""

    # No event: a second signal would wait for the lock that the handler of the first one holds.
    told = False


closing = _Closing()


def drain(trunk_id: int, box: bell.Box) -> bool:
    """Send what is due on a trunk; return whether more is due now.

    ``box`` brings the outcomes of the calls, and None for every ring that came meanwhile.
    """
    if not seats().take(trunk_id):
        return False
    try:
        return _Shift(trunk_id, box).work()
    finally:
        following = seats().leave()
        if following:
            bell.ring("drain_trunk", following, insist=True)


class _Shift:
    """One worker's time at one trunk: its open calls, and what they came to until it is written."""

    def __init__(self, trunk_id: int, box: bell.Box) -> None:
        self.trunk_id = trunk_id
        self.box = box
        self.rota = Rota(hands().threads)
        self.began = time.monotonic()
        self.calls = 0
        self.outcomes: list[Outcome] = []
        # Whether more is due than could be started, and after how many seconds to look again.
        self.left, self.pause = False, 0.0
        # Our bell was quietened before we began, and is until we hear it.
        self.quiet = True

    def work(self) -> bool:
        """Send until nothing is due; return whether more is due and somebody has to go on."""
        while True:
            over = closing.told or self._is_over()
            try:
                sending = self._look(over=over)
            except OperationalError:
                # What a provider answered must not be forgotten because the database restarts.
                log.warning("dispatch.without_database trunk=%s", self.trunk_id, exc_info=True)
                connection.close()
                sending, self.left, self.pause = False, True, LONGEST_WAIT
            soon = 0 < self.pause <= LONGEST_WAIT
            if not (self.calls or self.outcomes) and (over or not (sending and soon)):
                return sending and over and not closing.told
            self._collect(min(self.pause or LONGEST_WAIT, LONGEST_WAIT))

    def _is_over(self) -> bool:
        most = TURN_SECONDS if seats().crowded else SHIFT_SECONDS
        return time.monotonic() - self.began > most

    def _look(self, *, over: bool) -> bool:
        """Write what calls came to and start what is due; return whether the trunk sends."""
        if not self.left:
            # What ended may let the next text of its conversation go.
            self._settle()
        self.left, self.pause = False, 0.0
        trunk = _sending(self.trunk_id)
        if trunk and not over:
            self._start(trunk)
        # With more to send, free threads get it first: they need not wait for the writing.
        self._settle()
        return trunk is not None

    def _settle(self) -> None:
        outcome.settle(self.outcomes)
        self.outcomes = []

    def _start(self, trunk: Trunk) -> None:
        """Claim and start as much as threads and pacing allow."""
        self._round(trunk)
        if not self.left and not self.quiet:
            # From now on a ring is needed, and one that came meanwhile counts.
            bell.quieten("drain_trunk", trunk.pk)
            self.quiet = True
            self._round(trunk)

    def _round(self, trunk: Trunk) -> None:
        """Give everybody who waits a turn."""
        pauses = []
        self.left = False
        for turn in self.rota.turns(trunk):
            pause, stays = self._take_turn(trunk, turn)
            self.left = self.left or stays
            if stays and pause:
                pauses.append(pause)
        self.pause = min(pauses, default=0.0)

    def _take_turn(self, trunk: Trunk, turn: Turn) -> tuple[float, bool]:
        """Start what a turn allows.

        Returns the seconds after which to look again (0: when rung, or when a call ends), and
        whether more is due.
        """
        holders = (("trunk", trunk.pk), ("tenant", turn.tenant_id))
        reserved = hands().reserve(turn.most, holders)
        if not reserved:
            # A call of our own that ends wakes us, and then we see; those of others do not.
            return (0.0, True) if self.calls else (BUSY_SECONDS, _is_due(trunk, turn))
        messages: list[Message] = []
        granted, pause = pacing.take(reserved, *turn.buckets)
        try:
            messages = claim(trunk, granted, turn.sender) if granted else []
        finally:
            hands().release(reserved - len(messages), holders)
            pacing.give_back(granted - len(messages), *turn.buckets)
        for message in messages:
            self.calls += 1
            hands().run(partial(_call_on_thread, message, holders, self.box))
        if granted > len(messages):
            return 0.0, False
        return pause, not pause or _is_due(trunk, turn)

    def _collect(self, patience: float) -> None:
        """Wait for the first outcome or ring, then a moment for more outcomes to write together."""
        until = time.monotonic() + patience
        first = True
        while self.calls or first:
            try:
                item = _next(self.box, until - time.monotonic())
            except Empty:
                return
            if item is None:
                self.quiet = False
                return
            self.calls -= 1
            self.outcomes.append(item)
            if first:
                first, until = False, time.monotonic() + BATCH_SECONDS


def _sending(trunk_id: int) -> Trunk | None:
    """Return the trunk as it is now, None if nothing goes through it."""
    memory.refresh(now=True)
    trunk = switchboard.trunk(trunk_id)
    return trunk if trunk and trunk.enabled and not trunk.paused_since else None


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
    thread = message.conversation
    sender = permission.check_again(
        extension=message.extension,
        sender=message.sender,
        trunk_id=message.trunk_id,
        conversation=thread,
    )
    several.check(sender, thread.our_number, message.recipient.split(";"))
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

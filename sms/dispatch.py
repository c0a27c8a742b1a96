"""Hand queued messages to the provider: claim a batch, send on threads, have outcomes settled.

A batch is never larger than the threads that are free, so a killed worker leaves at most its open
calls in SENDING. No transaction is open during a call.
"""

import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import Empty
from typing import Any

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Trunk
from providers.contract import OutboundMessage, SendResult
from providers.errors import CredentialsRefused, Rejected, SendError, Unconfirmed
from sms import bell, consent, media, outcome, pacing, permission, switchboard
from sms.models import Conversation, Message, OptOut, State, transition
from sms.outcome import Outcome

log = logging.getLogger(__name__)

SHIFT_SECONDS = 50
# One slow provider may hold at most this share of a worker's threads.
SHARE = 0.5
# Longer pauses than this are left to the sweep, and a drain looks around at least this often.
LONGEST_WAIT = 1.0
# Outcomes that arrive within this time are written together.
BATCH_SECONDS = 0.01
# How soon to look again when every thread is busy with other trunks.
BUSY_SECONDS = 0.05

# Set when the worker was told to stop: open calls end, nothing new is claimed.
closing = threading.Event()

_CLAIM = """
UPDATE sms_message m SET state = 'sending', claimed_at = %(now)s, tries = tries + 1,
       history = history || %(line)s::jsonb
  FROM sms_conversation c
 WHERE c.id = m.conversation_id
-- An array and not IN: a join might run the SELECT more than once and claim beyond its limit.
   AND m.id = ANY(ARRAY(
    SELECT m.id FROM sms_message m
    WHERE m.trunk_id = %(trunk)s AND m.state = 'queued' AND m.due_at <= %(now)s
      -- Order within a conversation: nothing overtakes an older message that is on its way or
      -- could be; one that has to wait lets the others pass.
      AND NOT EXISTS (
        SELECT 1 FROM sms_message e
        WHERE e.conversation_id = m.conversation_id AND e.id < m.id AND e.trunk_id = m.trunk_id
          AND e.state IN ('queued', 'sending')
          AND (e.state = 'sending' OR e.due_at <= %(now)s))
    ORDER BY m.lane, m.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
RETURNING m.*, c.our_number AS thread_our_number, c.remote AS thread_remote,
    c.trunk_id AS thread_trunk, c.extension_id AS thread_extension, c.group_id AS thread_group,
    EXISTS (SELECT 1 FROM sms_mediafile f WHERE f.message_id = m.id) AS has_media
"""


class Hands:
    """The threads of this process that call providers, and how many of them are free."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._free = threading.BoundedSemaphore(threads)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="send")

    def reserve(self, wanted: int) -> int:
        """Reserve up to ``wanted`` free threads without waiting; return how many."""
        got = 0
        while got < wanted and self._free.acquire(blocking=False):
            got += 1
        return got

    def release(self, unused: int) -> None:
        """Give reserved threads back."""
        for _each in range(unused):
            self._free.release()

    def call(self, message: Message, box: "bell.Box") -> None:
        """Send on a reserved thread, which is free again afterwards; the outcome goes to box."""
        self._pool.submit(self._call, message, box)

    def _call(self, message: Message, box: "bell.Box") -> None:
        result = send(message)
        self._free.release()
        box.put(result)


@cache
def hands() -> Hands:
    """Return the process's sender threads; made at first use, after a worker has forked."""
    return Hands(settings.SENDER_THREADS)


def drain(trunk_id: int, box: bell.Box) -> bool:
    """Send what is due on a trunk; return whether more is due now.

    ``box`` brings the outcomes of the calls, and None for every ring that came meanwhile.
    """
    until = time.monotonic() + SHIFT_SECONDS
    limit = max(1, int(hands().threads * SHARE))
    calls = 0
    while True:
        trunk = _sending(trunk_id)
        over = closing.is_set() or time.monotonic() > until
        claimed, pause = 0, 0.0
        if trunk and not over:
            claimed, pause = _start(trunk, box, limit - calls)
        calls += claimed
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


def _start(trunk: Trunk, box: bell.Box, room: int) -> tuple[int, float]:
    """Claim and start as much as threads and pacing allow.

    Returns how many were started, and the seconds after which to look again (0: when rung).
    """
    bell.quieten("drain_trunk", trunk.pk)
    if room <= 0:
        return 0, 0.0
    reserved = hands().reserve(room)
    if not reserved:
        return 0, BUSY_SECONDS if _is_due(trunk) else 0.0
    granted, pause = pacing.take(trunk, reserved)
    messages = claim(trunk, granted) if granted else []
    hands().release(reserved - len(messages))
    pacing.give_back(trunk, granted - len(messages))
    for message in messages:
        hands().call(message, box)
    if granted > len(messages) or (pause and not _is_due(trunk)):
        pause = 0.0
    return len(messages), pause


def _is_due(trunk: Trunk) -> bool:
    return Message.objects.filter(
        trunk=trunk, state=State.QUEUED, due_at__lte=timezone.now()
    ).exists()


def claim(trunk: Trunk, limit: int) -> list[Message]:
    """Move at most ``limit`` due messages of the trunk to SENDING and return those to send.

    Permission, opt-out, tenant state and caller ID are checked again here; what may not go out
    any more is settled at once, and the next in line are taken instead.
    """
    memory.refresh(now=True)
    while True:
        claimed = _claim_rows(trunk, limit)
        opt_outs = consent.among(_line(message) for message in claimed)
        sendable = [message for message in claimed if _may_go(message, opt_outs)]
        if sendable or not claimed:
            return sendable


def _line(message: Message) -> consent.Line:
    return message.tenant_id, message.sender, message.recipient


def _claim_rows(trunk: Trunk, limit: int) -> list[Message]:
    now = timezone.now()
    line = json.dumps([transition(State.SENDING, at=now)])
    values = {"trunk": trunk.pk, "limit": limit, "now": now, "line": line}
    claimed = sorted(Message.objects.raw(_CLAIM, values), key=lambda row: (row.lane, row.pk))
    for message in claimed:
        message.trunk = trunk
        message.conversation = _thread(message)
        if message.extension_id:
            message.extension = switchboard.extension(message.extension_id)
    with_media = [message for message in claimed if _told(message, "has_media")]
    if with_media:
        prefetch_related_objects(with_media, "media")
    return claimed


def _told(message: Message, name: str) -> Any:
    """Return what the claim told of a message beside its own columns."""
    return vars(message)[name]


def _thread(message: Message) -> Conversation:
    """Return the conversation, as far as sending needs it."""
    return Conversation(
        pk=message.conversation_id,
        tenant_id=message.tenant_id,
        our_number=_told(message, "thread_our_number"),
        remote=_told(message, "thread_remote"),
        trunk_id=_told(message, "thread_trunk"),
        extension_id=_told(message, "thread_extension"),
        group_id=_told(message, "thread_group"),
    )


def _may_go(message: Message, opt_outs: dict[consent.Line, OptOut]) -> bool:
    if message.deadline and message.deadline < timezone.now():
        outcome.end(message, _("It could not be sent before its deadline."), "deadline")
        return False
    try:
        _check_again(message, opt_outs)
    except permission.TenantSuspended as refusal:
        held = Message.objects.filter(pk=message.pk)
        held.move(State.HELD, note=refusal.detail, error=refusal.detail[:500])
        outcome.tell(message)
        return False
    except permission.Refused as refusal:
        outcome.end(message, refusal.detail, refusal.code)
        return False
    return True


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
    if _line(message) in opt_outs:
        raise permission.opted_out(opt_outs[_line(message)])


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
            media_urls=_links(message),
            status_url=f"{message.trunk.webhook_url}?ref={message.reference.hex}",
        )
    )


def _links(message: Message) -> tuple[str, ...]:
    if not _told(message, "has_media"):
        return ()
    return tuple(media.link(item) for item in message.media.all())

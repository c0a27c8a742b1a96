"""Texts with a time: checked when they are accepted, and submitted like any other when it has come.

The row is the queue. Whoever hands a text over claims it first, so that nobody changes or cancels
what is already on its way; its key makes one message of it, also when a worker dies in between.
"""

import dataclasses
import logging
import uuid
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.memory import memory
from portal.models import Tenant
from sms import bell, drafts, outbound, permission
from sms.drafts import Draft
from sms.models import Conversation, LaterText, MediaFile, Message

log = logging.getLogger(__name__)

MOST_AHEAD = timedelta(days=366)
# What could not be handed over within a day of its time is not worth sending any more.
LATEST = timedelta(hours=24)
# Whoever claimed a text this long ago and did not come back was killed.
CLAIM = timedelta(seconds=60)
AT_ONCE = 500
_KEYS = uuid.UUID("5c1c8f7e-3a0d-4f53-9b1e-0d6f5b1f2a77")
_GONE = gettext_lazy("It was sent or cancelled already.")
_OPEN = (LaterText.State.WAITING, LaterText.State.REFUSED)


class TimeInvalid(permission.Refused):
    """The time is past, or too far away."""

    code = "time_invalid"


class TooLate(permission.Refused):
    """It was handed over or cancelled already."""

    code = "too_late"
    status = 409


def keep(draft: Draft, at: datetime) -> LaterText:
    """Keep a text until its time; raise ``Refused``. A repeated key returns the first row."""
    memory.refresh()
    key = uuid.uuid5(_KEYS, f"{draft.extension.pk} {draft.key}")
    first = LaterText.objects.filter(key=key).first()
    if first is not None:
        return first
    _check_time(at)
    plan = _plan(draft)
    try:
        with transaction.atomic(durable=True):
            thread = _thread(draft, plan)
            row = LaterText.objects.create(
                tenant_id=draft.extension.tenant_id,
                extension=draft.extension,
                conversation=thread,
                to=thread.remote,
                sender=plan.sender.value if plan else "",
                text=draft.text,
                due_at=at,
                key=key,
            )
            _hold(draft, row)
            _tell(row)
    except IntegrityError:
        # Two requests with one key at the same instant: the constraint let one through.
        return LaterText.objects.get(key=key)
    return row


def change(row: LaterText, *, text: str | None = None, at: datetime | None = None) -> None:
    """Give a text that has not gone other words or another time; raise ``Refused``."""
    memory.refresh()
    if not _still_here(row).exists():
        raise TooLate(str(_GONE))
    words, moment = row.text if text is None else text, at or row.due_at
    _check_time(moment)
    _plan(dataclasses.replace(_draft(row), text=words))
    moved = _still_here(row).update(
        text=words, due_at=moment, state=LaterText.State.WAITING, error=""
    )
    _settle(row, moved)


def cancel(row: LaterText) -> None:
    """Let a text never go; raise ``TooLate``."""
    _settle(row, _still_here(row).update(state=LaterText.State.CANCELLED))


def send_now(row: LaterText) -> None:
    """Hand a text over before its time; raise ``TooLate``."""
    now = timezone.now()
    moved = _still_here(row).update(
        state=LaterText.State.WAITING, error="", due_at=now, claimed_at=now
    )
    _settle(row, moved)
    _hand_over(row)


def submit_due() -> bool:
    """Hand over what is due, oldest first; return whether more is left than one task may do."""
    for _turn in range(AT_ONCE):
        row = _claimed()
        if row is None:
            return False
        _hand_over(row)
    return True


def _claimed() -> LaterText | None:
    """Take one text that is due; what waits for a suspended tenant is left, but for a day only."""
    now = timezone.now()
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM)
    in_service = Q(tenant__active=True, tenant__messaging_enabled=True)
    due = LaterText.objects.filter(
        free,
        in_service | Q(due_at__lt=now - LATEST),
        state=LaterText.State.WAITING,
        due_at__lte=now,
    )
    with transaction.atomic():
        row = (
            due.select_related("extension__tenant", "conversation")
            .select_for_update(skip_locked=True, of=("self",))
            .order_by("due_at", "id")
            .first()
        )
        if row is not None:
            LaterText.objects.filter(pk=row.pk).update(claimed_at=now)
    return row


def _hand_over(row: LaterText) -> None:
    try:
        if timezone.now() - row.due_at > LATEST:
            raise TimeInvalid(_("It could not be sent within a day of its time."))
        message = outbound.submit(_draft(row))
    except permission.Refused as refusal:
        # Whoever claimed it before may have been killed after the message was made.
        made = _made(row)
        if made is None:
            _end(row, LaterText.State.REFUSED, error=refusal.detail[:500])
            return
        message = made
    _end(row, LaterText.State.SUBMITTED, message=message)


def _made(row: LaterText) -> Message | None:
    rows = Message.objects.exclude(client_key="")
    return rows.filter(extension=row.extension, client_key=str(row.key)).first()


def _end(row: LaterText, state: str, *, error: str = "", message: Message | None = None) -> None:
    # A message that was made is the truth, whatever another worker found.
    unmade = LaterText.objects.filter(pk=row.pk).exclude(state=LaterText.State.SUBMITTED)
    if unmade.update(state=state, error=error, message=message, claimed_at=None):
        row.refresh_from_db(fields=["state", "error", "message", "claimed_at"])
        _tell(row)
        log.info("later.ended later=%s state=%s", row.pk, state)


def _check_time(at: datetime) -> None:
    now = timezone.now()
    if at <= now:
        raise TimeInvalid(_("This time is past; choose a later one."))
    if at > now + MOST_AHEAD:
        raise TimeInvalid(_("A text can wait for a year at most; choose an earlier time."))


def _plan(draft: Draft) -> drafts.Plan | None:
    """Check a draft as if it were sent now; None for internal chat."""
    colleague = drafts.colleague_of(draft)
    if colleague is None:
        return drafts.preflight(draft)
    drafts.check_internal(draft, colleague)
    return None


def _thread(draft: Draft, plan: drafts.Plan | None) -> Conversation:
    """Return where the text will stand, so that its reader sees it there before it has gone."""
    if plan is None:
        colleague = drafts.colleague_of(draft)
        return outbound.internal_thread(draft.extension, colleague or draft.extension)
    answered, remote = draft.conversation, ";".join(plan.recipients)
    if answered and (answered.our_number, answered.remote) == (plan.sender.value, remote):
        return answered
    thread, _created = Conversation.objects.get_or_create(
        tenant_id=draft.extension.tenant_id,
        our_number=plan.sender.value,
        remote=remote,
        owner_key=Conversation.key_of(extension=draft.extension),
        defaults={"trunk": plan.sender.trunk, "extension": draft.extension},
    )
    return thread


def _hold(draft: Draft, row: LaterText) -> None:
    """Keep the uploads for this text alone."""
    wanted = [media.pk for media in draft.media]
    free = MediaFile.objects.filter(
        pk__in=wanted, tenant_id=row.tenant_id, extension=row.extension, message=None, later=None
    )
    if wanted and free.update(later=row) != len(wanted):
        raise drafts.MediaRefused(_("A file is gone or was sent already; add it again."))


def _draft(row: LaterText) -> Draft:
    return Draft(
        extension=row.extension,
        text=row.text,
        sender=row.sender,
        media=tuple(row.media.all()),
        key=str(row.key),
        conversation=row.conversation,
        later=row.pk,
    )


def texts(tenant: Tenant) -> QuerySet[LaterText]:
    """Return a tenant's texts for later, with what is needed to show and to submit them."""
    rows = LaterText.objects.filter(tenant=tenant)
    return rows.select_related("extension__tenant", "conversation").prefetch_related("media")


def _still_here(row: LaterText) -> QuerySet[LaterText]:
    return LaterText.objects.filter(pk=row.pk, state__in=_OPEN, claimed_at=None)


def _settle(row: LaterText, moved: int) -> None:
    if not moved:
        raise TooLate(str(_GONE))
    row.refresh_from_db(fields=["text", "due_at", "state", "error", "claimed_at"])
    _tell(row)


def _tell(row: LaterText) -> None:
    """Let the writer's open browsers look at it again."""
    news = {"type": "later", "later": row.pk, "conversation": row.conversation_id}
    bell.tell([row.extension_id], news)

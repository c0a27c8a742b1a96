"""Accept a text to be sent: every check, one row, one ring; nothing is sent here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Extension
from sms import assignment, bell, drafts, permission, placing, switchboard
from sms.drafts import Draft, Plan
from sms.models import Conversation, MediaFile, Message, OptOut, State, transition
from sms.together import Together

# A text that could not be handed over within a day is not worth sending any more.
DEADLINE = timedelta(hours=24)


@dataclass(frozen=True)
class _Wanted:
    """A draft that passed the checks of the set-up; opt-outs and repeats are still to be seen."""

    draft: Draft
    plan: Plan


def submit(draft: Draft) -> Message:
    """Keep a text to be sent and ring for it; raise ``Refused``.

    One intention is one message: a repeated key returns the first row, a key that was used for
    another text raises ``KeyReused``.
    """
    memory.refresh()
    colleague = drafts.colleague_of(draft)
    if colleague:
        return _submit_internal(draft, colleague)
    try:
        wanted = _Wanted(draft, drafts.plan(draft))
    except permission.Refused:
        # A repeat is answered like the first time, whatever has changed since.
        first = _repeated(draft)
        if first is None:
            raise
        return first
    message = _keep_with_files(wanted) if draft.media else _kept.put(wanted)
    if draft.conversation and draft.conversation.waiting_since:
        assignment.take(draft.conversation, draft.extension, answered=True)
    return message


def _keep_with_files(wanted: _Wanted) -> Message:
    with transaction.atomic(durable=True):
        message = _single(_write([wanted])[0])
        if not message.replayed:
            _attach(wanted.draft, message)
    return message


def _single(result: Message | Exception) -> Message:
    if isinstance(result, Exception):
        raise result
    return result


def _write(batch: Sequence[_Wanted]) -> Sequence[Message | Exception]:
    """Keep several texts in one statement; each becomes a message or its own refusal."""
    entries = [_entry(wanted) for wanted in batch]
    verdicts = placing.place(entries)
    kept = [entry.message for entry, verdict in zip(entries, verdicts, strict=True) if verdict.kept]
    bell.tell_all(
        [_news(message) for message in kept],
        ring_for=[("drain_trunk", (pk,)) for pk in {message.trunk_id or 0 for message in kept}],
    )
    return [
        entry.message if verdict.kept else _refusal(wanted.draft, verdict)
        for wanted, entry, verdict in zip(batch, entries, verdicts, strict=True)
    ]


_kept = Together(_write)


def _refusal(draft: Draft, verdict: placing.Verdict) -> Message | Exception:
    """Return what a text came to that was not kept: an earlier message, or why not."""
    first = _first(draft)
    if first is not None:
        return _again(draft, first)
    opt_out = OptOut.objects.filter(pk=verdict.stopped_by or 0).first()
    if opt_out is not None:
        return permission.opted_out(opt_out)
    return IntegrityError("the text could not be kept")


def _first(draft: Draft) -> Message | None:
    if not draft.key:
        return None
    # The index has only rows with a key, and must be told that this is one.
    rows = Message.objects.exclude(client_key="").filter(
        extension=draft.extension, client_key=draft.key
    )
    return rows.select_related("extension").first()


def _again(draft: Draft, first: Message) -> Message | Exception:
    if first.client_digest != draft.digest():
        return drafts.KeyReused(
            _("This Idempotency-Key was used for another text; make a new one.")
        )
    first.replayed = True
    return first


def _repeated(draft: Draft) -> Message | None:
    """Return the message that this key already made; raise ``KeyReused`` if it is another."""
    first = _first(draft)
    return _single(_again(draft, first)) if first else None


def _entry(wanted: _Wanted) -> placing.Entry:
    """Return the message that a draft becomes, and the thread it belongs to."""
    draft, plan, now = wanted.draft, wanted.plan, timezone.now()
    remote = ";".join(plan.recipients)
    message = Message(
        tenant_id=draft.extension.tenant_id,
        trunk=plan.sender.trunk,
        extension=draft.extension,
        direction=Message.Direction.OUTBOUND,
        sender=plan.sender.value,
        recipient=remote,
        text=draft.text,
        encoding=plan.measure.encoding,
        segments=plan.measure.segments,
        state=State.QUEUED,
        client_key=draft.key,
        client_digest=draft.digest() if draft.key else "",
        lane=draft.lane,
        due_at=now,
        deadline=now + DEADLINE,
        created_at=now,
        history=[transition(State.QUEUED, at=now)],
    )
    answered = draft.conversation
    if answered and (answered.our_number, answered.remote) == (plan.sender.value, remote):
        answered.last_message_at = now
        return placing.Entry(message, answered)
    thread = Conversation(
        tenant_id=draft.extension.tenant_id,
        trunk=plan.sender.trunk,
        our_number=plan.sender.value,
        remote=remote,
        extension=draft.extension,
        owner_key=Conversation.key_of(extension=draft.extension),
        last_message_at=now,
    )
    return placing.Entry(message, thread)


def _attach(draft: Draft, message: Message) -> None:
    """Give the uploads to the message; one upload goes into one message only."""
    wanted = [media.pk for media in draft.media]
    if not wanted:
        return
    free = MediaFile.objects.filter(
        pk__in=wanted,
        tenant_id=message.tenant_id,
        extension=draft.extension,
        message=None,
        later=draft.later,
    )
    # The provider's link lives by the file's age, and some wait for days before they are sent.
    if free.update(message=message, created_at=message.created_at) != len(wanted):
        raise drafts.MediaRefused(_("A file is gone or was sent already; add it again."))


def _news(message: Message) -> bell.News:
    news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
    return switchboard.audience(message.conversation), news


def _submit_internal(draft: Draft, colleague: Extension) -> Message:
    """Deliver chat between two extensions: no provider, no permission, there at once."""
    first = _repeated(draft)
    if first is not None:
        return first
    drafts.check_internal(draft, colleague)
    try:
        return _keep_internal(draft, colleague)
    except IntegrityError:
        # Two requests with one key at the same instant: the constraint let one through.
        return _single(_refusal(draft, placing.Verdict(False, None, None)))


def internal_thread(one: Extension, other: Extension) -> Conversation:
    """Return the thread between two extensions, made where there is none yet."""
    first, second = sorted((one, other), key=lambda side: side.pk)
    conversation, _created = Conversation.objects.get_or_create(
        tenant_id=one.tenant_id,
        our_number="",
        remote=f"{first.number};{second.number}",
        owner_key=f"internal {first.pk} {second.pk}",
        defaults={"kind": Conversation.Kind.INTERNAL, "extension": first, "peer": second},
    )
    return conversation


def _keep_internal(draft: Draft, colleague: Extension) -> Message:
    now = timezone.now()
    with transaction.atomic(durable=True):
        conversation = internal_thread(draft.extension, colleague)
        message = Message.objects.create(
            tenant_id=draft.extension.tenant_id,
            conversation=conversation,
            extension=draft.extension,
            direction=Message.Direction.INTERNAL,
            sender=draft.extension.number,
            recipient=colleague.number,
            text=draft.text,
            state=State.DELIVERED,
            client_key=draft.key,
            client_digest=draft.digest() if draft.key else "",
            created_at=now,
            history=[transition(State.DELIVERED, at=now)],
        )
        _attach(draft, message)
        Conversation.objects.filter(pk=conversation.pk).update(
            last_message_at=now, last_text=draft.text[:120], closed_at=None
        )
        bell.tell_all([_news(message)])
    return message

"""Accept a text to be sent: every check, one row, one ring; nothing is sent here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.memory import memory
from portal.models import Extension
from sms import assignment, bell, consent, drafts, permission
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

    @property
    def remote(self) -> str:
        """The other side, as conversations write it."""
        return ";".join(self.plan.recipients)

    @property
    def lines(self) -> list[consent.Line]:
        """The ways that an opt-out may forbid."""
        tenant_id, our = self.draft.extension.tenant_id, self.plan.sender.value
        return [(tenant_id, our, remote) for remote in self.plan.recipients]

    @property
    def answered(self) -> Conversation | None:
        """The conversation that the draft answers, unless it goes elsewhere."""
        found = self.draft.conversation
        if found and (found.our_number, found.remote) == (self.plan.sender.value, self.remote):
            return found
        return None

    @property
    def thread(self) -> "Thread":
        """What makes the extension's own conversation."""
        extension = self.draft.extension
        owner = Conversation.key_of(extension=extension)
        return extension.tenant_id, self.plan.sender.value, self.remote, owner


Thread = tuple[int, str, str, str]
Key = tuple[int, str]


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
    if draft.media:
        # What makes a file fail is seen after the row is there, and undoes the transaction.
        return _single(_write([wanted])[0])
    return _kept.put(wanted)


def _single(result: Message | Exception) -> Message:
    if isinstance(result, Exception):
        raise result
    return result


def _write(batch: Sequence[_Wanted]) -> Sequence[Message | Exception]:
    """Keep several texts in one transaction; each becomes a message or its own refusal."""
    with transaction.atomic(durable=True):
        firsts = _firsts(wanted.draft for wanted in batch)
        opt_outs = consent.among(line for wanted in batch for line in wanted.lines)
        results: list[Message | Exception | None] = [
            _verdict(wanted, firsts, opt_outs) for wanted in batch
        ]
        new = [wanted for wanted, told in zip(batch, results, strict=True) if told is None]
        kept = iter(_insert(new))
        results = [next(kept) if told is None else told for told in results]
    return [result for result in results if result is not None]


def _firsts(wanted: Iterable[Draft]) -> dict[Key, Message]:
    """Return the messages that these keys already made."""
    keys = [(draft.extension.pk, draft.key) for draft in wanted if draft.key]
    if not keys:
        return {}
    found = Message.objects.filter(
        extension_id__in={pk for pk, _key in keys}, client_key__in=[key for _pk, key in keys]
    ).select_related("extension")
    return {(row.extension_id or 0, row.client_key): row for row in found}


def _verdict(
    wanted: _Wanted, firsts: dict[Key, Message], opt_outs: dict[consent.Line, OptOut]
) -> Message | Exception | None:
    """Return what a text came to before it is kept; None if it is to be kept."""
    first = firsts.get((wanted.draft.extension.pk, wanted.draft.key))
    if first is not None:
        return _again(wanted.draft, first)
    for line in wanted.lines:
        if line in opt_outs:
            return permission.opted_out(opt_outs[line])
    return None


def _again(draft: Draft, first: Message) -> Message | Exception:
    if first.client_digest != draft.digest():
        return drafts.KeyReused(
            _("This Idempotency-Key was used for another text; make a new one.")
        )
    first.replayed = True
    return first


def _repeated(draft: Draft) -> Message | None:
    """Return the message that this key already made; raise ``KeyReused`` if it is another."""
    first = _firsts([draft]).get((draft.extension.pk, draft.key))
    return _single(_again(draft, first)) if first else None


def _insert(new: Sequence[_Wanted]) -> list[Message | Exception]:
    if not new:
        return []
    now = timezone.now()
    conversations = _conversations(new, now)
    messages = [
        _message(wanted, conversation, now)
        for wanted, conversation in zip(new, conversations, strict=True)
    ]
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    stored = Message.objects.ids_of(messages)
    results: list[Message | Exception] = []
    for wanted, message in zip(new, messages, strict=True):
        if message.reference not in stored:
            # Two requests with one key at the same instant: the constraint let one through.
            results.append(_other(wanted.draft))
            continue
        message.pk = stored[message.reference]
        _attach(wanted.draft, message)
        results.append(message)
    kept = [message for message in results if isinstance(message, Message) and not message.replayed]
    for trunk_id in sorted({message.trunk_id or 0 for message in kept}):
        bell.ring("drain_trunk", trunk_id)
    bell.tell_all([_news(message) for message in kept])
    return results


def _other(draft: Draft) -> Message | Exception:
    first = _firsts([draft]).get((draft.extension.pk, draft.key))
    return _again(draft, first) if first else IntegrityError("the text could not be kept")


def _conversations(new: Sequence[_Wanted], now: datetime) -> list[Conversation]:
    """Return each text's conversation, new or reopened, brought to the top of the lists."""
    rows: dict[Thread, Conversation] = {}
    for wanted in new:
        answered = wanted.answered
        if answered is not None:
            _touch(answered, now, wanted.draft.text)
        else:
            tenant_id, our_number, remote, owner_key = wanted.thread
            rows[wanted.thread] = Conversation(
                tenant_id=tenant_id,
                our_number=our_number,
                remote=remote,
                owner_key=owner_key,
                extension=wanted.draft.extension,
                trunk=wanted.plan.sender.trunk,
                last_message_at=now,
                last_text=wanted.draft.text[:120],
                closed_at=None,
            )
    Conversation.objects.bulk_create(
        # In one order everywhere, so that two writers do not wait for each other.
        [rows[thread] for thread in sorted(rows)],
        update_conflicts=True,
        unique_fields=["tenant", "our_number", "remote", "owner_key"],
        update_fields=["last_message_at", "last_text", "closed_at"],
    )
    return [wanted.answered or rows[wanted.thread] for wanted in new]


def _message(wanted: _Wanted, conversation: Conversation, now: datetime) -> Message:
    draft, plan = wanted.draft, wanted.plan
    return Message(
        tenant_id=draft.extension.tenant_id,
        trunk=plan.sender.trunk,
        conversation=conversation,
        extension=draft.extension,
        direction=Message.Direction.OUTBOUND,
        sender=plan.sender.value,
        recipient=wanted.remote,
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


_kept = Together(_write)


def _attach(draft: Draft, message: Message) -> None:
    """Give the uploads to the message; one upload goes into one message only."""
    wanted = [media.pk for media in draft.media]
    if not wanted:
        return
    free = MediaFile.objects.filter(
        pk__in=wanted, tenant_id=message.tenant_id, extension=draft.extension, message=None
    )
    if free.update(message=message) != len(wanted):
        raise drafts.MediaRefused(_("A file is gone or was sent already; add it again."))


def _touch(conversation: Conversation, now: datetime, text: str) -> None:
    """Bring the conversation to the top of the lists."""
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=now, last_text=text[:120], closed_at=None
    )


def _news(message: Message) -> bell.News:
    news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
    return assignment.audience(message.conversation), news


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
        return _single(_other(draft))


def _keep_internal(draft: Draft, colleague: Extension) -> Message:
    first, second = sorted((draft.extension, colleague), key=lambda side: side.pk)
    now = timezone.now()
    with transaction.atomic(durable=True):
        conversation, _created = Conversation.objects.get_or_create(
            tenant_id=draft.extension.tenant_id,
            our_number="",
            remote=f"{first.number};{second.number}",
            owner_key=f"internal {first.pk} {second.pk}",
            defaults={"kind": Conversation.Kind.INTERNAL, "extension": first, "peer": second},
        )
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
        _touch(conversation, now, draft.text)
        bell.tell_all([_news(message)])
    return message

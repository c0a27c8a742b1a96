"""Accept a text to be sent: every check, one row, one ring; nothing is sent here."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import Extension, Trunk
from sms import assignment, bell, drafts
from sms.drafts import Draft
from sms.models import Conversation, MediaFile, Message, State, transition

# A text that could not be handed over within a day is not worth sending any more.
DEADLINE = timedelta(hours=24)


def submit(draft: Draft) -> Message:
    """Keep a text to be sent and ring for it; raise ``Refused``.

    One intention is one message: a repeated key returns the first row, a key that was used for
    another text raises ``KeyReused``.
    """
    first = repeated(draft)
    if first:
        return first
    colleague = drafts.colleague_of(draft)
    try:
        if colleague:
            return _submit_internal(draft, colleague)
        return _submit_external(draft, drafts.preflight(draft))
    except IntegrityError:
        # Two requests with one key at the same instant: the constraint let one through.
        first = repeated(draft)
        if first is None:
            raise
        return first


def _submit_external(draft: Draft, plan: drafts.Plan) -> Message:
    remote = ";".join(plan.recipients)
    with transaction.atomic(durable=True):
        conversation = draft.conversation
        thread = (plan.sender.value, remote)
        if not conversation or (conversation.our_number, conversation.remote) != thread:
            conversation = open_conversation(
                extension=draft.extension,
                trunk=plan.sender.trunk,
                our_number=plan.sender.value,
                remote=remote,
            )
        return _insert(draft, plan, conversation)


def repeated(draft: Draft) -> Message | None:
    """Return the message that this key already made; raise ``KeyReused`` if it is another."""
    if not draft.key:
        return None
    first = Message.objects.filter(extension=draft.extension, client_key=draft.key).first()
    if first and first.client_digest != draft.digest():
        raise drafts.KeyReused(_("This Idempotency-Key was used for another text; make a new one."))
    if first:
        first.replayed = True
    return first


def open_conversation(
    *, extension: Extension, trunk: Trunk, our_number: str, remote: str
) -> Conversation:
    """Return the extension's conversation with the remote party, reopened or new."""
    conversation, _created = Conversation.objects.get_or_create(
        tenant_id=extension.tenant_id,
        our_number=our_number,
        remote=remote,
        owner_key=Conversation.key_of(extension=extension),
        defaults={"extension": extension, "trunk": trunk},
    )
    return conversation


def _insert(draft: Draft, plan: drafts.Plan, conversation: Conversation) -> Message:
    now = timezone.now()
    message = Message.objects.create(
        tenant_id=draft.extension.tenant_id,
        trunk=plan.sender.trunk,
        conversation=conversation,
        extension=draft.extension,
        direction=Message.Direction.OUTBOUND,
        sender=plan.sender.value,
        recipient=";".join(plan.recipients),
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
    attach(draft, message)
    touch(conversation, message)
    bell.ring("drain_trunk", plan.sender.trunk.pk)
    return message


def attach(draft: Draft, message: Message) -> None:
    """Give the uploads to the message; one upload goes into one message only."""
    wanted = [media.pk for media in draft.media]
    if not wanted:
        return
    free = MediaFile.objects.filter(
        pk__in=wanted, tenant_id=message.tenant_id, extension=draft.extension, message=None
    )
    if free.update(message=message) != len(wanted):
        raise drafts.MediaRefused(_("A file is gone or was sent already; add it again."))


def touch(conversation: Conversation, message: Message) -> None:
    """Bring the conversation to the top of the lists, and tell the open browsers."""
    Conversation.objects.filter(pk=conversation.pk).update(
        last_message_at=message.created_at, last_text=message.text[:120], closed_at=None
    )
    news = {"type": "message", "conversation": conversation.pk, "message": message.pk}
    bell.tell(assignment.audience(conversation), news)


def _submit_internal(draft: Draft, colleague: Extension) -> Message:
    """Deliver chat between two extensions: no provider, no permission, there at once."""
    drafts.check_internal(draft, colleague)
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
        attach(draft, message)
        touch(conversation, message)
    return message

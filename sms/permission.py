"""Whether an extension may send this text from this sender to this number, and if not, why.

Asked when a message is accepted and again when it is sent. Every refusal has a stable code for
programs and a sentence for people.
"""

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext as _

from portal import e164
from portal.memory import memory
from portal.models import DID, CallerID, Extension, SenderID, Tenant, Trunk
from sms import consent, switchboard
from sms.models import Conversation, Message, OptOut


class Refused(Exception):
    """A text that we do not take from its sender; the API maps it to ``status`` and ``code``."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotAllowed(Refused):
    """The extension has no permission to send."""

    code = "not_allowed"
    status = 403


class TenantSuspended(Refused):
    """The tenant is out of service, or its messaging is off."""

    code = "tenant_suspended"
    status = 403


class TrunkUnavailable(Refused):
    """The trunk is switched off."""

    code = "trunk_disabled"
    status = 409


class CallerIdUnknown(Refused):
    """The sender is not among the extension's caller IDs and Sender IDs."""

    code = "caller_id_unknown"
    status = 403


class NumberInvalid(Refused):
    """The recipient is no phone number."""

    code = "number_invalid"


class OptedOut(Refused):
    """The recipient asked not to be texted."""

    code = "opted_out"
    status = 403


@dataclass(frozen=True)
class Sender:
    """From what an extension may send: a DID or a Sender ID, on a trunk."""

    trunk: Trunk
    value: str
    description: str = ""
    is_default: bool = False
    did: DID | None = None

    @property
    def is_word(self) -> bool:
        """Whether this is a Sender ID: one-way, text only."""
        return self.did is None


def senders(extension: Extension) -> list[Sender]:
    """Return everything the extension may send from; the default one comes first.

    Kept in memory: flows begin with ``memory.refresh()``.
    """
    return memory.recall(("senders", extension.pk), lambda: _senders(extension))


def _senders(extension: Extension) -> list[Sender]:
    if extension.sms == Extension.Sms.DISABLE:
        return []
    rows = CallerID.objects.filter(extension=extension, did__sms=True).select_related("did__trunk")
    numbers = [
        Sender(
            trunk=row.did.trunk,
            value=row.did.number,
            description=row.description,
            is_default=row.is_default,
            did=row.did,
        )
        for row in rows
    ]
    if extension.sms != Extension.Sms.ALLOW_WITH_SENDER_ID:
        return numbers
    return _words(extension, {sender.trunk.pk: sender.trunk for sender in numbers}) + numbers


def _words(extension: Extension, trunks: dict[int, Trunk]) -> list[Sender]:
    """Return the Sender IDs of the trunks that the extension has a caller ID on, or owns."""
    own = Trunk.objects.filter(tenant_id=extension.tenant_id)
    trunks |= {trunk.pk: trunk for trunk in own}
    words = {
        (trunk.pk, word): Sender(trunk=trunk, value=word, is_default=True)
        for trunk in trunks.values()
        if (word := trunk.sender_id or extension.tenant.default_sender_id)
    }
    approved = SenderID.objects.filter(
        tenant_id=extension.tenant_id, trunk__in=trunks, state=SenderID.State.APPROVED
    )
    for row in approved:
        trunk = trunks[row.trunk_id]
        words.setdefault((trunk.pk, row.word), Sender(trunk=trunk, value=row.word))
    return [word for word in words.values() if word.trunk.capable.capabilities.sender_id]


def check_service(tenant: Tenant, extension: Extension) -> None:
    """Raise unless the tenant is in service and the extension may send."""
    if not tenant.can_message:
        raise TenantSuspended(_("Messaging is switched off for this tenant."))
    if not extension.enabled:
        raise NotAllowed(_("This extension is disabled."))
    if not extension.may_send:
        raise NotAllowed(
            _("This extension may not send texts; a tenant administrator can allow it.")
        )


def choose_sender(extension: Extension, wanted: str, conversation: Conversation | None) -> Sender:
    """Return the sender that was asked for, else the conversation's number, else the default.

    A member of a group may answer from the group's number.
    """
    allowed = senders_in(extension, conversation)
    if wanted:
        return _named(allowed, extension, wanted)
    if conversation:
        for sender in allowed:
            if sender.value == conversation.our_number:
                return sender
    for sender in sorted(allowed, key=lambda one: not one.is_default):
        return sender
    raise CallerIdUnknown(
        _("This extension has no caller ID; a tenant administrator can give it one.")
    )


def senders_in(extension: Extension, conversation: Conversation | None) -> list[Sender]:
    """Return everything the extension may send from in a thread: a group's number, too."""
    allowed = senders(extension)
    if conversation and conversation.group_id:
        return [*allowed, *_of_group(extension, conversation)]
    return allowed


def _named(allowed: list[Sender], extension: Extension, wanted: str) -> Sender:
    value = wanted.strip()
    if not e164.is_sender_id(value):
        try:
            value = e164.normalize_did(value, extension.tenant.country)
        except e164.NumberInvalid as error:
            raise CallerIdUnknown(str(error)) from error
    for sender in allowed:
        if sender.value == value:
            return sender
    raise CallerIdUnknown(
        _("%(sender)s is not a caller ID of this extension.") % {"sender": wanted[:20]}
    )


def _of_group(extension: Extension, conversation: Conversation) -> list[Sender]:
    group, trunk = conversation.group_id, conversation.trunk_id
    if not group or not trunk or extension.pk not in switchboard.members(group):
        return []
    did = switchboard.did(trunk, conversation.our_number)
    if did is None or did.tenant_id != extension.tenant_id:
        return []
    return [Sender(trunk=did.trunk, value=did.number, did=did)]


def check_recipients(tenant_id: int, sender: Sender, recipients: tuple[str, ...]) -> None:
    """Raise if one of the recipients asked not to be texted from this sender."""
    opt_out = consent.find(tenant_id, sender.value, recipients)
    if opt_out:
        raise opted_out(opt_out)


def opted_out(opt_out: OptOut) -> OptedOut:
    """Return the refusal that an opt-out means."""
    return OptedOut(
        _("%(number)s asked not to be texted on %(date)s with the words “%(words)s”.")
        % {
            "number": e164.pretty(opt_out.remote),
            "date": opt_out.since.date(),
            "words": opt_out.words,
        }
    )


def check_again(
    *, extension: Extension, sender: str, trunk_id: int | None, conversation: Conversation
) -> Sender:
    """Return the sender of a message that may still go out as it was accepted; raise else.

    Opt-outs are the caller's: it asks for many messages at once.
    """
    check_service(extension.tenant, extension)
    for allowed in senders_in(extension, conversation):
        if allowed.value == sender and allowed.trunk.pk == trunk_id:
            return allowed
    raise CallerIdUnknown(_("The caller ID was taken from this extension, or changed its trunk."))


def check_automatic(message: Message) -> None:
    """Raise unless an automatic reply, which has no author, may still go out.

    The confirmation of a STOP goes out in spite of the opt-out that it confirms: only one that
    came after the reply was written forbids it.
    """
    if not message.tenant.can_message:
        raise TenantSuspended(_("Messaging is switched off for this tenant."))
    if message.client_key:
        raise NotAllowed(_("The extension that wrote this is gone."))
    owned = DID.objects.filter(
        tenant_id=message.tenant_id, trunk_id=message.trunk_id or 0, number=message.sender
    )
    if not owned.exists():
        raise CallerIdUnknown(_("The number that should answer is gone."))
    opt_out = consent.find(message.tenant_id, message.sender, [message.recipient])
    if opt_out and opt_out.since > message.created_at:
        raise opted_out(opt_out)

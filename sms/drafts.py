"""What somebody wants to send, and every check that stands before it is kept."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal import e164
from portal.models import Extension
from providers.contract import Capabilities
from sms import permission, segments, several, switchboard
from sms.models import Conversation, MediaFile, Message

MAX_TEXT = 1600


class KeyReused(permission.Refused):
    """The Idempotency-Key belongs to another text."""

    code = "key_reused"
    status = 409


class TextMissing(permission.Refused):
    """There is neither text nor media."""

    code = "text_missing"


class TextTooLong(permission.Refused):
    """The text is longer than the provider takes."""

    code = "text_too_long"


class MediaRefused(permission.Refused):
    """The media cannot go this way."""

    code = "media_refused"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wants to send. ``to`` and ``sender`` are as typed; ``media`` are uploads.

    With a ``conversation`` the text answers there and ``to`` may be empty.
    """

    extension: Extension
    to: str = ""
    text: str = ""
    sender: str = ""
    media: tuple[MediaFile, ...] = field(default=())
    key: str = ""
    lane: Message.Lane = Message.Lane.REPLY
    conversation: Conversation | None = None
    # The row of a text whose time has come: it alone may take the uploads that waited for it.
    later: int | None = None

    def digest(self) -> str:
        """Return what must be equal for a repeated key to mean the same intention."""
        conversation = self.conversation.pk if self.conversation else 0
        keys = [media.key.hex for media in self.media]
        meant = [self.to, self.text, self.sender, keys, conversation]
        return hashlib.sha256(json.dumps(meant).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A draft that passed every check: what will go out."""

    sender: permission.Sender
    recipients: tuple[str, ...]
    measure: segments.Measure


def preflight(draft: Draft) -> Plan:
    """Check a draft as ``submit`` does, without keeping anything; raise ``Refused``."""
    found = plan(draft)
    permission.check_recipients(draft.extension.tenant_id, found.sender, found.recipients)
    return found


def plan(draft: Draft) -> Plan:
    """Check everything but opt-outs, which ``submit`` asks for together with others'."""
    extension = draft.extension
    permission.check_service(extension.tenant, extension)
    recipients = _recipients(draft)
    sender = permission.choose_sender(extension, draft.sender, draft.conversation)
    if not sender.trunk.enabled:
        raise permission.TrunkUnavailable(_("The trunk of this caller ID is switched off."))
    conversation = draft.conversation
    several.check(sender, conversation.our_number if conversation else "", recipients)
    measure = _measure(draft.text, sender, recipients)
    _check_content(draft, sender, measure)
    return Plan(sender=sender, recipients=recipients, measure=measure)


def _measure(text: str, sender: permission.Sender, recipients: tuple[str, ...]) -> segments.Measure:
    if len(recipients) > 1:
        return several.measure(text, sender.trunk.capable.capabilities, MAX_TEXT)
    return segments.measure(text)


def _recipients(draft: Draft) -> tuple[str, ...]:
    if draft.conversation and not draft.to:
        remotes = draft.conversation.remotes
        if len(remotes) == 1 and not e164.can_be_answered(remotes[0]):
            raise permission.NumberInvalid(
                _("%(sender)s cannot be answered: it is a word, not a number.")
                % {"sender": draft.conversation.remote}
            )
        return remotes
    return (number_of(draft.extension, draft.to),)


def number_of(extension: Extension, typed: str) -> str:
    """Return a typed number in normal form; raise ``NumberInvalid``."""
    try:
        number = e164.normalize(typed, extension.tenant.country)
    except e164.NumberInvalid as error:
        raise permission.NumberInvalid(str(error)) from error
    if e164.is_short_code(number) and _looks_like_an_extension(extension, number):
        raise permission.NumberInvalid(
            _("There is no extension %(number)s that is in service.") % {"number": number}
        )
    return number


def _looks_like_an_extension(extension: Extension, number: str) -> bool:
    """Say whether a short number is a mistyped extension rather than a short code."""
    of_length = Extension.objects.filter(
        tenant_id=extension.tenant_id, number__regex=f"^[0-9]{{{len(number)}}}$"
    )
    return of_length.exists()


def _check_content(draft: Draft, sender: permission.Sender, measure: segments.Measure) -> None:
    able = sender.trunk.capable.capabilities
    if not draft.text.strip() and not draft.media:
        raise TextMissing(_("Write a text or add a file."))
    limit = able.max_text or MAX_TEXT
    if len(draft.text) > limit:
        raise TextTooLong(
            _("The text has %(length)d characters; %(limit)d are the most.")
            % {"length": len(draft.text), "limit": limit}
        )
    parts = measure.segments
    if able.max_segments and parts > able.max_segments and not draft.media:
        raise TextTooLong(
            _("The text has %(length)d segments; %(limit)d are the most. Shorten it.")
            % {"length": parts, "limit": able.max_segments}
        )
    if draft.media:
        _check_media(draft.media, sender, able)


def _check_media(media: Sequence[MediaFile], sender: permission.Sender, able: Capabilities) -> None:
    if not able.mms or sender.is_word or not (sender.did and sender.did.mms):
        raise MediaRefused(_("This sender cannot send files; choose another or remove them."))
    if able.max_media and len(media) > able.max_media:
        raise MediaRefused(
            _("At most %(limit)d files go into one message.") % {"limit": able.max_media}
        )
    for file in media:
        if not able.takes(file.content_type):
            raise MediaRefused(
                _("The provider does not take files of type %(type)s.")
                % {"type": file.content_type}
            )
        if able.max_file_bytes and file.size > able.max_file_bytes:
            raise MediaRefused(
                _("%(name)s is larger than %(limit)d kB, the most for one file.")
                % {"name": file.name or _("A file"), "limit": able.max_file_bytes // 1000}
            )
    if able.max_media_bytes and sum(file.size for file in media) > able.max_media_bytes:
        raise MediaRefused(
            _("The files are larger than %(limit)d kB together.")
            % {"limit": able.max_media_bytes // 1000}
        )


def colleague_of(draft: Draft) -> Extension | None:
    """Return the extension that a draft is for, where it is internal chat."""
    if draft.conversation:
        if draft.conversation.kind != Conversation.Kind.INTERNAL:
            return None
        sides = (draft.conversation.extension, draft.conversation.peer)
        return next((side for side in sides if side and side != draft.extension), None)
    colleague = switchboard.extension_of(draft.extension.tenant_id, draft.to.strip())
    return colleague if colleague and colleague.enabled else None


def check_internal(draft: Draft, colleague: Extension) -> None:
    """Raise ``Refused`` unless the chat line may be written."""
    if not draft.extension.tenant.can_message:
        raise permission.TenantSuspended(_("Messaging is switched off for this tenant."))
    if colleague == draft.extension:
        raise permission.NumberInvalid(_("This is your own extension."))
    if not draft.text.strip() and not draft.media:
        raise TextMissing(_("Write a text or add a file."))

"""Sends a text once more that did not arrive, or of which nobody knows whether it did."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.admin.acts import ActFailed
from portal.models import Extension
from sms import media, outbound
from sms.drafts import Draft
from sms.models import MediaFile, Message, State
from sms.permission import Refused

BADLY_ENDED = frozenset({State.FAILED, State.UNDELIVERED, State.CANCELLED})
_PREFIX = "again "


def key_of(message: Message) -> str:
    """Return the key of the repetition: a message is sent again once, its repetition as well."""
    return f"{_PREFIX}{message.reference.hex}"


def first_of(message: Message) -> Message | None:
    """Return the message that this one repeats."""
    if not message.client_key.startswith(_PREFIX):
        return None
    rows = Message.objects.filter(tenant_id=message.tenant_id)
    return rows.filter(reference=message.client_key.removeprefix(_PREFIX)).first()


def repetition_of(message: Message) -> Message | None:
    """Return the message by which this one was sent again."""
    if message.extension_id is None:
        return None
    # The index has only rows with a key, and must be told that this is one.
    rows = Message.objects.exclude(client_key="").filter(extension_id=message.extension_id)
    return rows.filter(client_key=key_of(message)).first()


def ended_badly(message: Message) -> bool:
    """Say whether somebody's text surely did not arrive."""
    return _has_author(message) and message.state in BADLY_ENDED


def is_in_doubt(message: Message) -> bool:
    """Say whether nobody knows if somebody's text was sent."""
    return _has_author(message) and message.state == State.UNCONFIRMED


def _has_author(message: Message) -> bool:
    outbound_one = message.direction == Message.Direction.OUTBOUND
    return outbound_one and message.extension_id is not None


def send(page: Any, request: HttpRequest, message: Message) -> str:
    """Submit the text for the same extension, from the same sender, in the same conversation."""
    extension = message.extension
    if extension is None:
        raise ActFailed(_("The extension that wrote this is gone."))
    first = repetition_of(message)
    if first is not None:
        raise ActFailed(_("It was sent again already, as #%(number)d.") % {"number": first.pk})
    try:
        repeated = outbound.submit(
            Draft(
                extension=extension,
                text=message.text,
                sender=message.sender,
                media=_copies(message, extension),
                key=key_of(message),
                conversation=message.conversation,
            )
        )
    except Refused as refusal:
        raise ActFailed(refusal.detail) from refusal
    except OSError as error:
        raise ActFailed(_("A file of the message is gone.")) from error
    page.note(request, "sent again", message, {"as": repeated.pk})
    return _("It waits to be sent as #%(number)d.") % {"number": repeated.pk}


def _copies(message: Message, extension: Extension) -> tuple[MediaFile, ...]:
    """Return the files as uploads of their own: each belongs to one message."""
    copies = []
    for file in message.media.all():
        with file.file.open() as content:
            body = content.read()
        copies.append(
            media.store_upload(
                tenant=extension.tenant,
                extension=extension,
                name=file.name,
                content_type=file.content_type,
                body=body,
            )
        )
    return tuple(copies)

"""What a message waits for now, and what will become of it."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from sms.models import Message, State

Wait = tuple[str, str, str, list[str]]
"""Title, symbol, tone and lines of a moment."""


def of(message: Message) -> Iterator[Wait]:
    """Yield what is still to happen, nothing where all is done."""
    match message.state:
        case State.QUEUED:
            yield _("Waits to be sent"), "hourglass_top", "warn", [*_queued(message)]
        case State.HELD:
            yield _("Waits for the tenant"), "hourglass_top", "warn", [*_held(message)]
        case State.UNCONFIRMED:
            lines = [_("A receipt may still come. Who cannot wait looks at the provider's log.")]
            yield _("Nobody knows whether it was sent"), "help", "warn", lines
        case State.ACCEPTED | State.SENT:
            yield _("No receipt yet"), "hourglass_top", "", [*_unreceipted(message)]


def _queued(message: Message) -> Iterator[str]:
    trunk = message.trunk
    if trunk is None:
        yield _("The trunk is gone.")
    elif not trunk.enabled:
        yield _("The trunk %(trunk)s is switched off.") % {"trunk": trunk}
    elif trunk.paused_since:
        words = {"trunk": trunk, "why": trunk.paused_reason}
        yield _("The trunk %(trunk)s is paused: %(why)s") % words
    elif message.due_at > timezone.now():
        yield _("The next try is at %(time)s.") % {"time": _moment(message.due_at)}
    else:
        words = {"trunk": trunk, "rate": f"{trunk.messages_per_second:g}"}
        yield _("It is due; %(trunk)s sends up to %(rate)s messages a second.") % words
    yield from _deadline(message)


def _held(message: Message) -> Iterator[str]:
    yield _("Messaging is switched off for the tenant; the text goes out when it is back.")
    yield from _deadline(message)


def _deadline(message: Message) -> Iterator[str]:
    if message.deadline:
        yield _("It is given up at %(time)s.") % {"time": _moment(message.deadline)}


def _unreceipted(message: Message) -> Iterator[str]:
    if message.trunk and not message.trunk.capable.capabilities.receipts:
        yield _("This provider sends no receipts: nothing more will be known.")
    elif message.poll_at:
        yield _("The provider is asked at %(time)s.") % {"time": _moment(message.poll_at)}
    else:
        yield _("The provider has not told yet what became of it.")


def _moment(when: datetime) -> str:
    return date_format(timezone.localtime(when), "DATETIME_FORMAT")

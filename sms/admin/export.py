"""Writes messages as a table for spreadsheets, a line at a time."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import tzinfo

from django.utils.translation import gettext as _

from sms.models import Message

MARK = "\ufeff"  # without it a spreadsheet takes UTF-8 for something else
_RUNS = re.compile(r"\s*[=+\-@\t\r]")
# A sign and digits can run nothing, and an apostrophe would make another number of it.
_NUMBER = re.compile(r"\+[0-9]{5,15}")


class _Line:
    """What a writer writes to: the line itself comes back."""

    def write(self, text: str) -> str:
        """Return what was written."""
        return text


def safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    if _RUNS.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def table(messages: Iterable[Message], zone: tzinfo) -> Iterator[str]:
    """Return the table's lines, times in the zone."""
    heads = (
        "id", _("time"), _("direction"), _("state"), _("from"), _("to"), _("text"), _("segments"),
        _("trunk"), _("extension"), _("provider id"), _("error"), _("provider's code"),
    )  # fmt: skip
    return _lines(heads, messages, zone)


def _lines(heads: tuple[str, ...], messages: Iterable[Message], zone: tzinfo) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield MARK + str(writer.writerow(heads))
    for message in messages:
        yield str(writer.writerow([safe(cell) for cell in _cells(message, zone)]))


def _cells(message: Message, zone: tzinfo) -> tuple[str, ...]:
    return (
        str(message.pk),
        message.created_at.astimezone(zone).isoformat(" ", "seconds"),
        message.direction,
        message.state,
        message.sender,
        message.recipient,
        message.text,
        str(message.segments),
        message.trunk.name if message.trunk else "",
        message.extension.number if message.extension else "",
        message.provider_id,
        message.error,
        message.error_code,
    )

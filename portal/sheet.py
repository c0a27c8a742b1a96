"""Files that spreadsheets write: their text, and on which line each row begins."""

import csv
import io
from collections.abc import Iterator

from django.utils.translation import gettext as _

# Some countries' spreadsheets put semicolons or tabs where others put commas.
DELIMITERS = ",;\t"
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class Unreadable(Exception):
    """The file as a whole cannot be read; the text says why and what to do."""


def decoded(content: bytes) -> str:
    """Return the text of a file: Unicode, else what Windows writes in the west."""
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Unreadable(_("The file is no text. Save it as “CSV UTF-8”."))


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV text, each with the number of its first line."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        where = {"line": begins, "why": error}
        raise Unreadable(
            _("From line %(line)d on this is not CSV: %(why)s. Look for a quotation mark too many.")
            % where
        ) from error

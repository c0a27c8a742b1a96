"""Extensions as lines of a CSV file: which columns there are, how a cell is written and read."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.cells import guarded, unguarded
from portal.provisioning.document import suggest
from portal.sheet import Unreadable, decoded, records

COLUMNS = ("number", "name", "sms", "enabled", "user", "caller_ids")
MOST_LINES = 10_000
_ESCAPED = re.compile(r"\\.|.", re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """A cell that cannot be, and the way out; without a column it is about the line."""

    line: int
    column: str
    why: str


@dataclass(frozen=True)
class Line:
    """One extension as the file has it: the cells of those columns that the file has."""

    number: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class CallerIDPart:
    """One caller ID of a cell: ``trunk:did:description``."""

    trunk: str
    did: str
    description: str = ""

    def __str__(self) -> str:
        parts = (self.trunk, self.did, self.description)
        return ":".join(map(_escape, parts if self.description else parts[:2]))


def read(content: bytes) -> tuple[list[Line], list[Fault]]:
    """Return the lines of a file, and the lines that do not fit its header."""
    rows = records(decoded(content))
    _first, names = next(rows, (1, []))
    return _lines(rows, _header(names))


def write(rows: Iterable[Mapping[str, str]]) -> str:
    """Return the file with these rows, safe to open in a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([guarded(row[column]) for column in COLUMNS] for row in rows)
    # The mark lets spreadsheets read it as UTF-8.
    return "\ufeff" + out.getvalue()


def caller_ids(cell: str) -> Iterator[CallerIDPart]:
    """Read a cell of caller IDs; a backslash before : or ; takes its meaning away."""
    for part in _cut(cell, ";"):
        if not part.strip():
            continue
        trunk, *rest = _cut(part, ":")
        did, description = (rest or [""])[0], ":".join(rest[1:])
        yield CallerIDPart(*(_unescape(value).strip() for value in (trunk, did, description)))


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    for name in names:
        if name not in COLUMNS:
            raise Unreadable(
                _("“%(name)s” is no column; %(known)s.")
                % {"name": name, "known": suggest(name, COLUMNS)}
            )
    if len(set(names)) < len(names):
        raise Unreadable(_("A column stands in the first line twice. Remove one."))
    if "number" not in names:
        raise Unreadable(_("The first line must name the columns; “number” is missing."))
    return names


def _lines(
    rows: Iterable[tuple[int, list[str]]], header: list[str]
) -> tuple[list[Line], list[Fault]]:
    found: list[Line] = []
    faults: list[Fault] = []
    for line, cells in rows:
        values = [unguarded(cell.strip()) for cell in cells]
        if not any(values):
            continue
        if len(values) != len(header):
            why = _(
                "It has %(n)d cells, the first line %(columns)d. Put cells with commas in quotes."
            )
            faults.append(Fault(line, "", why % {"n": len(values), "columns": len(header)}))
        else:
            found.append(Line(line, dict(zip(header, values, strict=True))))
        if len(found) > MOST_LINES:
            raise Unreadable(
                _("The file has more than %(n)d extensions. Import it in parts.")
                % {"n": MOST_LINES}
            )
    return found, faults


def _cut(text: str, mark: str) -> list[str]:
    parts = [""]
    for token in _ESCAPED.findall(text):
        if token == mark:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _escape(text: str) -> str:
    return re.sub(r"([\\:;])", r"\\\1", text)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)

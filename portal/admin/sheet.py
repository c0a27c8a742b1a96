"""Reads a CSV file from a spreadsheet: its rows, and on which line each of them stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from tablib import Dataset

from portal.sheet import Unreadable, records

ROWS = 5000


@dataclass(frozen=True)
class Sheet:
    """A file that was read."""

    dataset: Dataset
    lines: Sequence[int]


def read(text: str, columns: Sequence[str]) -> Sheet:
    """Read a file; of the columns the first is needed."""
    rows = records(text)
    _first, names = next(rows, (1, []))
    sheet = _rows(rows, _headers(names, columns))
    if not sheet.lines:
        raise Unreadable(_("There is nothing below the first line."))
    return sheet


def _headers(cells: Sequence[str], columns: Sequence[str]) -> list[str]:
    headers = [cell.strip().lower() for cell in cells]
    names = {"first": columns[0], "known": ", ".join(columns)}
    if columns[0] not in headers:
        text = _("The first line has to name the columns, with %(first)s among: %(known)s.")
        raise Unreadable(text % names)
    if len(set(headers)) < len(headers) or not set(headers) <= set(columns):
        text = _("The first line names a column twice, or one that is not among: %(known)s.")
        raise Unreadable(text % names)
    return headers


def _rows(rows: Iterable[tuple[int, list[str]]], headers: list[str]) -> Sheet:
    dataset = Dataset(headers=headers)
    lines: list[int] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(headers):
            text = _("Line %(line)d has more cells than the first line.")
            raise Unreadable(text % {"line": line})
        if len(lines) == ROWS:
            raise Unreadable(_("A file holds at most %(n)d rows; split it.") % {"n": ROWS})
        dataset.append([*cells, *[""] * (len(headers) - len(cells))])
        lines.append(line)
    return Sheet(dataset, lines)

"""Reads a CSV file from a spreadsheet: its rows, and on which line each of them stands."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from tablib import Dataset

ROWS = 5000


class SheetUnreadable(Exception):
    """The file as a whole cannot be used; the text says why, and what to do."""


@dataclass(frozen=True)
class Sheet:
    """A file that was read."""

    dataset: Dataset
    lines: Sequence[int]


def read(text: str, columns: Sequence[str]) -> Sheet:
    """Read a file, with commas or semicolons; of the columns the first is needed."""
    if "\0" in text:
        raise SheetUnreadable(_("This is no text. Save the sheet as CSV (UTF-8)."))
    first = text.partition("\n")[0]
    comma = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=comma)
    try:
        sheet = _rows(reader, _headers(next(reader, []), columns))
    except csv.Error as error:
        where = {"line": reader.line_num}
        raise SheetUnreadable(_("Line %(line)d is no CSV.") % where) from error
    if not sheet.lines:
        raise SheetUnreadable(_("There is nothing below the first line."))
    return sheet


def _headers(cells: Sequence[str], columns: Sequence[str]) -> list[str]:
    headers = [cell.strip().lower() for cell in cells]
    names = {"first": columns[0], "known": ", ".join(columns)}
    if columns[0] not in headers:
        text = _("The first line has to name the columns, with %(first)s among: %(known)s.")
        raise SheetUnreadable(text % names)
    if len(set(headers)) < len(headers) or not set(headers) <= set(columns):
        text = _("The first line names a column twice, or one that is not among: %(known)s.")
        raise SheetUnreadable(text % names)
    return headers


def _rows(reader: Any, headers: list[str]) -> Sheet:
    dataset = Dataset(headers=headers)
    lines: list[int] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(headers):
            text = _("Line %(line)d has more cells than the first line.")
            raise SheetUnreadable(text % {"line": reader.line_num})
        if len(lines) == ROWS:
            raise SheetUnreadable(_("A file holds at most %(n)d rows; split it.") % {"n": ROWS})
        dataset.append([*cells, *[""] * (len(headers) - len(cells))])
        lines.append(reader.line_num)
    return Sheet(dataset, lines)

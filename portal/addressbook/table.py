"""Contacts as CSV: columns under whatever names phones, mail programs and people give them."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from django.utils.translation import gettext as _

from portal.addressbook.entry import Entry, Fault, Number, plain
from portal.cells import guarded, unguarded
from portal.sheet import Unreadable, records

FIELDS = {
    "name": {"name", "full name", "display name", "contact", "contact name", "file as"},
    "first": {"first", "first name", "given name", "forename"},
    "middle": {"middle", "middle name", "additional name"},
    "last": {"last", "last name", "family name", "surname"},
    "company": {"company", "company name", "organization", "organisation", "firm", "business"}
    | {"organization name", "organisation name", "organization 1 name"},
    "notes": {"notes", "note", "comment", "comments", "remarks"},
}
PHONES = {"phone", "mobile", "cell", "cellphone", "telephone", "tel", "number", "fax", "pager"}
LABELS = {
    **{word: word for word in ("home", "work", "main", "mobile", "fax", "pager", "other", "car")},
    **dict.fromkeys(("cell", "cellphone"), "mobile"),
    **dict.fromkeys(("business", "office"), "work"),
}
# Columns that name only a place hold the number there.
PLACES = {"home", "work", "office"}
NAMING = {"label", "type"}
# Google's tables put several numbers into one cell.
_SEVERAL = re.compile(r"\s*:::\s*")


@dataclass
class _Header:
    """Which column is what: where the fields are, the numbers, and the labels of numbers."""

    width: int
    fields: dict[str, int] = field(default_factory=dict)
    numbers: list[tuple[int, int, str]] = field(default_factory=list)
    labels: dict[int, int] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def take(self, at: int, title: str) -> None:
        """Find out what a column is."""
        words = re.sub(r"[\W_]+", " ", title.casefold()).strip()
        known = next((name for name, titles in FIELDS.items() if words in titles), None)
        parts = set(words.split())
        counts = [int(word) for word in words.split() if word.isdecimal() and len(word) < 3]
        nth = counts[0] if counts else 1
        if known:
            self.fields.setdefault(known, at)
        elif parts & NAMING and (parts & PHONES or parts <= NAMING | {str(nth)}):
            self.labels.setdefault(nth, at)
        elif parts & PHONES or words in PLACES:
            label = " ".join(LABELS[word] for word in words.split() if word in LABELS)
            self.numbers.append((at, nth, label))
        elif words:
            self.unused.append(title.strip())

    def entry(self, line: int, cells: Sequence[str]) -> Entry:
        """Return the contact of a row."""

        def cell(name: str) -> str:
            return cells[self.fields[name]] if name in self.fields else ""

        parts = filter(None, (cell("first"), cell("middle"), cell("last")))
        return Entry(
            line=line,
            name=cell("name") or " ".join(parts) or cell("company"),
            company=cell("company"),
            notes=cell("notes"),
            numbers=tuple(self.numbers_of(cells)),
        )

    def numbers_of(self, cells: Sequence[str]) -> Iterator[Number]:
        """Yield the numbers of a row, each as it is called there or by its column."""
        for at, nth, label in self.numbers:
            called = cells[self.labels[nth]] if nth in self.labels else ""
            for number in filter(None, _SEVERAL.split(cells[at])):
                yield Number(number, (called or label).removeprefix("* "))


def read(text: str) -> tuple[Iterator[Entry | Fault], Sequence[str]]:
    """Return the contacts of a table, and the titles of its columns that nobody asks for."""
    rows = records(text)
    titles = next(rows, (1, []))[1]
    header = _Header(len(titles))
    for at, title in enumerate(titles):
        header.take(at, unguarded(title.strip()))
    if not {"name", "first", "last", "company"} & set(header.fields):
        raise Unreadable(
            _("The first line has to name the columns, and none is for names. Call it “name”.")
        )
    if not header.numbers:
        raise Unreadable(
            _("The first line names no column for phone numbers. Call it “number” or “mobile”.")
        )
    return _entries(rows, header), header.unused


def _entries(rows: Iterable[tuple[int, list[str]]], header: _Header) -> Iterator[Entry | Fault]:
    for line, raw in rows:
        cells = [plain(unguarded(cell.strip())) for cell in raw]
        if not any(cells):
            continue
        entry = header.entry(line, [*cells, *[""] * (header.width - len(cells))])
        if any(cells[header.width :]):
            why = _("It has more cells than the first line. Put cells with commas in quotes.")
            yield Fault(line, why, entry)
        else:
            yield entry


def write(entries: Iterable[Entry], most: int) -> Iterator[str]:
    """Yield the lines of a table, safe to open in a spreadsheet; ``most`` numbers of a contact."""
    # The mark lets spreadsheets read it as UTF-8.
    yield "\ufeff" + _row(["name", "company", "notes", *_titles(most)])
    for entry in entries:
        yield _row(_cells(entry))


def faults(found: Iterable[Fault]) -> str:
    """Return what was not taken over as a table, to be repaired and imported again."""
    reasons: dict[tuple[int, Entry | None], list[str]] = {}
    for fault in found:
        reasons.setdefault((fault.line, fault.entry), []).append(fault.why)
    most = max((len(entry.numbers) for _line, entry in reasons if entry), default=0)
    lines = ["\ufeff" + _row(["line", "problem", "name", "company", "notes", *_titles(most)])]
    lines += (
        _row([str(line), " ".join(whys), *(_cells(entry) if entry else ())])
        for (line, entry), whys in reasons.items()
    )
    return "".join(lines)


def _titles(most: int) -> Iterator[str]:
    return chain.from_iterable((f"number {n}", f"label {n}") for n in range(1, most + 1))


def _cells(entry: Entry) -> Sequence[str]:
    numbers = chain.from_iterable((one.number, one.label) for one in entry.numbers)
    return [entry.name, entry.company, entry.notes, *numbers]


def _row(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([guarded(cell) for cell in cells])
    return out.getvalue()

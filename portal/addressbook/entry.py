"""One contact as a file has it, and what is wrong with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from portal import e164

MOST_NUMBERS = 20
LENGTHS = {"name": 100, "company": 100, "notes": 10_000}
LABEL = 32
# What no name, note or label has a use for; the database would refuse some of it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What a spreadsheet makes of a long number that it takes for a quantity.
_QUANTITY = re.compile(r"\d[.,]\d+E\+?\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Number:
    """A number as it was written, or in normal form, and what it is called."""

    number: str
    label: str = ""


@dataclass(frozen=True)
class Entry:
    """One contact of a file; ``line`` is where it begins."""

    line: int
    name: str
    company: str = ""
    notes: str = ""
    numbers: tuple[Number, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Why something of a file is not taken over, and the way out."""

    line: int
    why: str
    entry: Entry | None = None
    """The contact as the file has it, so that it can be repaired and imported again."""


def plain(text: str) -> str:
    """Return a text without what is no text, its lines ended in one way."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def checked(entry: Entry, country: str) -> tuple[Entry | None, Sequence[Fault]]:
    """Return a contact with its numbers in normal form, and what of it cannot be taken over.

    A number that cannot be read leaves the others alone; without any number nothing is left.
    """
    whole = _obstacle(entry)
    if whole:
        return None, [Fault(entry.line, whole, entry)]
    found: dict[str, str] = {}
    faults: list[Fault] = []
    for number in entry.numbers:
        try:
            normal = e164.normalize(number.number, country)
        except e164.NumberInvalid as error:
            faults.append(Fault(entry.line, f"{error} {way_out(number.number, country)}", entry))
        else:
            found[normal] = found.get(normal) or number.label[:LABEL].strip()
    numbers = tuple(Number(number, label) for number, label in found.items())
    return (replace(entry, numbers=numbers) if numbers else None), faults


def way_out(typed: str, country: str) -> str:
    """Say how a number that could not be read should be written."""
    if _QUANTITY.fullmatch(typed.strip()):
        return _("The spreadsheet made a quantity of it: format the column as text.")
    return _("Write it with + and the country code, or as it is dialled within %(country)s.") % {
        "country": country
    }


def _obstacle(entry: Entry) -> str:
    if not entry.name:
        return _("It has no name. Give it one.")
    if not entry.numbers:
        return _("It has no phone number, so it cannot be texted. Add one.")
    if len(entry.numbers) > MOST_NUMBERS:
        return _("A contact has at most %d numbers. Split it.") % MOST_NUMBERS
    for field, most in LENGTHS.items():
        if len(getattr(entry, field)) > most:
            words = {"field": _field(field), "n": most}
            return _("The %(field)s is longer than %(n)d characters. Shorten it.") % words
    return ""


def _field(name: str) -> str:
    return {"name": _("name"), "company": _("company"), "notes": _("note")}[name]

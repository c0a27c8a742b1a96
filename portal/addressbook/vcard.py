"""vCards: read in the versions 2.1, 3.0 and 4.0, written in 3.0, which every phone takes."""

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal.addressbook.entry import Entry, Fault, Number, plain

TYPE = "text/vcard"
WIDTH = 75  # bytes of a line, after which it is folded

_BREAK = re.compile(r"\r\n|\r|\n")
_PROPERTY = re.compile(
    r"""(?:(?P<group>[\w-]+)\.)?(?P<name>[\w-]+)(?P<params>(?:;(?:[^":;]|"[^"]*")*+)*+):(?P<value>.*)""",
    re.DOTALL,
)
_PARAM = re.compile(r'((?:[^";]|"[^"]*")+)')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FIELD = re.compile(r"((?:[^;\\]|\\.)*+)(?:;|$)", re.DOTALL)
_APPLE = re.compile(r"_\$!<(.*)>!\$_")
_QUOTED = re.compile(r";(?:ENCODING=)?QUOTED-PRINTABLE\b", re.IGNORECASE)

WORDS = {
    **{word: word for word in ("home", "work", "main", "fax", "pager", "car", "other")},
    **dict.fromkeys(("cell", "mobile", "iphone"), "mobile"),
}
TYPES = {"mobile": "CELL", "home": "HOME", "work": "WORK", "fax": "FAX", "pager": "PAGER"}


@dataclass(frozen=True)
class _Property:
    line: int
    name: str
    value: str
    group: str = ""
    types: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the value as people read it."""
        return plain(_unescaped(self.value))

    def fields(self) -> list[str]:
        """Return the parts of a structured value."""
        parts = [match.group(1) for match in _FIELD.finditer(self.value)]
        return [plain(_unescaped(part)) for part in parts]


@dataclass
class _Card:
    line: int
    properties: list[_Property] = field(default_factory=list)

    def first(self, name: str) -> _Property | None:
        return next((one for one in self.properties if one.name == name), None)

    def entry(self) -> Entry:
        org, note = self.first("ORG"), self.first("NOTE")
        company = next(filter(None, org.fields()), "") if org else ""
        numbers = (
            Number(_dialled(one.text()), self.label(one))
            for one in self.properties
            if one.name == "TEL"
        )
        return Entry(
            line=self.line,
            name=self.called() or company,
            company=company,
            notes=note.text() if note else "",
            numbers=tuple(number for number in numbers if number.number),
        )

    def called(self) -> str:
        full, parts = self.first("FN"), self.first("N")
        if full and full.text():
            return full.text()
        family, given, middle = [*(parts.fields() if parts else []), "", "", ""][:3]
        return " ".join(filter(None, (given, middle, family)))

    def label(self, tel: _Property) -> str:
        """Return what people call the number: Apple's own label, else what it is for."""
        for one in self.properties:
            if tel.group and one.group == tel.group and one.name == "X-ABLABEL":
                return _APPLE.sub(lambda match: match.group(1).lower(), one.text())
        known = dict.fromkeys(WORDS[word] for word in tel.types if word in WORDS)
        # "work mobile" and not "mobile work", in whatever order they were written.
        return " ".join(sorted(known, key=lambda word: word in {"mobile", "fax", "pager"}))


def is_vcard(text: str) -> bool:
    """Say whether the text begins as a vCard does."""
    return text.lstrip()[:11].upper() == "BEGIN:VCARD"


def read(text: str) -> Iterator[Entry | Fault]:
    """Yield the contacts of a text with any number of cards, and the lines that are none."""
    card: _Card | None = None
    depth = 0  # a card may hold another one, of a secretary
    for line, content in _unfolded(text):
        one = _property(line, content)
        if one is None:
            yield Fault(line, _("This is no line of a vCard: “%s”.") % plain(content)[:40])
        elif one.name == "BEGIN":
            depth += 1
            card = card or _Card(line)
        elif one.name == "END" and card:
            depth -= 1
            if not depth:
                yield card.entry()
                card = None
        elif card and depth == 1:
            card.properties.append(one)
    if card:
        yield Fault(card.line, _("The card has no END:VCARD; is the file whole?"), card.entry())


def write(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield one card for each contact."""
    for entry in entries:
        yield "".join(f"{_folded(line)}\r\n" for line in _lines(entry))


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    parts: list[str] = []
    begins = 1
    for number, line in enumerate(_BREAK.split(text), 1):
        if parts and parts[-1].endswith("=") and _QUOTED.search(parts[0].partition(":")[0]):
            parts[-1] = parts[-1][:-1]
            parts.append(line)
        elif parts and line[:1] in {" ", "\t"}:
            parts.append(line[1:])
        else:
            if any(part.strip() for part in parts):
                yield begins, "".join(parts)
            parts, begins = [line], number
    if any(part.strip() for part in parts):
        yield begins, "".join(parts)


def _property(line: int, content: str) -> _Property | None:
    match = _PROPERTY.match(content)
    if match is None:
        return None
    types: list[str] = []
    charset = ""
    for param in _PARAM.findall(match["params"]):
        key, equals, value = param.partition("=")
        if key.upper() == "CHARSET":
            charset = value
        elif not equals or key.upper() == "TYPE":
            # Version 2.1 leaves out TYPE=, version 4.0 may put the list in quotes.
            types += (value or key).replace('"', "").lower().split(",")
    value = match["value"]
    if _QUOTED.search(match["params"]):
        value = _unquoted(value, charset)
    group, name = (match["group"] or "").lower(), match["name"].upper()
    return _Property(line, name, value, group, tuple(types))


def _unquoted(value: str, charset: str) -> str:
    content = quopri.decodestring(value.encode())
    for encoding in filter(None, (charset, "utf-8")):
        try:
            return content.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", "replace")


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def _dialled(value: str) -> str:
    """Return the number of a ``tel:`` address, or of plain text."""
    scheme, _colon, rest = value.partition(":")
    return rest.partition(";")[0] if scheme.lower() == "tel" else value


def _lines(entry: Entry) -> Iterator[str]:
    given, _space, family = entry.name.rpartition(" ")
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    # A phone sorts by the family name and shows "given family", which is the name again.
    yield f"N:{_escaped(family)};{_escaped(given)};;;"
    yield f"FN:{_escaped(entry.name)}"
    if entry.company:
        yield f"ORG:{_escaped(entry.company)}"
    for at, number in enumerate(entry.numbers, 1):
        known = TYPES.get(number.label)
        if known or not number.label:
            yield f"TEL;TYPE={known or 'VOICE'}:{number.number}"
        else:
            yield f"item{at}.TEL:{number.number}"
            yield f"item{at}.X-ABLabel:{_escaped(number.label)}"
    if entry.notes:
        yield f"NOTE:{_escaped(entry.notes)}"
    yield "END:VCARD"


def _escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text).replace("\n", r"\n")


def _folded(line: str) -> str:
    """Fold a line between characters, so that none of its parts is too long."""
    parts = [""]
    used = 0
    for char in line:
        size = len(char.encode())
        if used + size > WIDTH:
            parts.append("")
            used = 1  # the blank that marks a continuation
        parts[-1] += char
        used += size
    return "\r\n ".join(parts)

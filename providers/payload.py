"""Foreign JSON and form bodies, read so that a bad field names itself and nothing else escapes."""

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from providers.errors import ProviderError, Unreadable

# A lone half of a UTF-16 pair is legal in JSON and in nothing that we pass it to.
SURROGATE = re.compile("[\ud800-\udfff]")
MAX_FIELDS = 1000
MAX_IDENT = 128

T = TypeVar("T")


def clean(text: str) -> str:
    """Take out what PostgreSQL refuses to store: NUL, and halves of UTF-16 pairs."""
    return SURROGATE.sub("\ufffd", text.replace("\x00", ""))


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


class Payload:
    """One object of a foreign body. Every reader raises ``Unreadable`` with the field's path.

    ``null`` counts as missing. An element of a list that is no object complains only when it is
    read, so that the rest of the list still comes.
    """

    def __init__(
        self,
        data: object,
        *,
        where: str = "",
        complaint: Callable[[str], ProviderError] = Unreadable,
    ) -> None:
        self.pairs: tuple[tuple[str, str], ...] = ()
        self._data = data
        self._where = where
        self._complaint = complaint

    @classmethod
    def json(cls, body: bytes) -> Self:
        """Read a JSON object in UTF-8."""
        return cls(parse_object(body))

    @classmethod
    def json_list(cls, body: bytes) -> list[Self]:
        """Read a JSON list of objects; a single object is a list of one."""
        data = parse_json(body)
        items = data if isinstance(data, list) else [data]
        return [cls(item, where=f"[{index}]") for index, item in enumerate(items)]

    @classmethod
    def xml(cls, body: bytes) -> Self:
        """Read an XML document, see ``parse_xml``."""
        return cls(parse_xml(body))

    @classmethod
    def form(cls, body: bytes | str) -> Self:
        """Read a form body or a query string; ``pairs`` keeps every pair, as it was sent.

        Of a repeated name the readers see the first value, ``strings`` all of them.
        """
        pairs = _form_pairs(body)
        payload = cls(dict(reversed(pairs)))
        payload.pairs = pairs
        return payload

    def __contains__(self, name: str) -> bool:
        return self._fields().get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; a number is written out, because providers change their minds."""
        value = self._fields().get(name)
        if value is None and default is not None:
            return default
        return self._as_text(value, name)

    def ident(self, name: str) -> str:
        """Return an id: a text that is neither empty nor longer than our columns."""
        value = self.text(name).strip()
        if not 0 < len(value) <= MAX_IDENT:
            raise self.wrong(name, f"expected 1 to {MAX_IDENT} characters")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number, also one written as text."""
        value = self._fields().get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,15}\s*", value, re.ASCII):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
            return value
        raise self.wrong(name, "expected a whole number")

    def flag(self, name: str) -> bool:
        """Return true or false; a missing one is false."""
        value = self._fields().get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self.wrong(name, "expected true or false")

    def moment(self, name: str) -> datetime | None:
        """Return an aware time from ISO 8601 or Unix seconds; without an offset it is UTC.

        What cannot be read is None: a message is never lost because of its date.
        """
        value = self._fields().get(name)
        try:
            if isinstance(value, str):
                found = datetime.fromisoformat(value.strip())
                found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
            elif isinstance(value, int | float):
                found = datetime.fromtimestamp(value, UTC)
            else:
                return None
        except (ValueError, OverflowError, OSError):
            return None
        return found if 2000 <= found.year < 2100 else None

    def choice(self, name: str, mapping: Mapping[str, T]) -> T | None:
        """Translate a word, whatever its case; None for a word that is not in the mapping."""
        return mapping.get(self.text(name).strip().lower())

    def strings(self, name: str, *, inside: str = "") -> list[str]:
        """Return a list of texts; a single text is a list of one, a missing list is empty.

        With ``inside`` an object stands for its field of that name.
        """
        if self.pairs:
            return [clean(value) for key, value in self.pairs if key == name]
        value = self._fields().get(name)
        if value is None:
            return []
        items = value if isinstance(value, list) else [value]
        if inside:
            items = [item.get(inside) if isinstance(item, dict) else item for item in items]
        return [self._as_text(item, f"{name}[{index}]") for index, item in enumerate(items)]

    def child(self, name: str) -> "Payload":
        """Return the object under a name."""
        value = self._fields().get(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "missing" if value is None else "expected an object")
        return self._inner(value, name)

    def children(self, name: str, *, optional: bool = False) -> list["Payload"]:
        """Return the objects of a list; a missing list is an error unless it is optional."""
        value = self._fields().get(name)
        if value is None and optional:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "missing" if value is None else "expected a list")
        return [self._inner(item, f"{name}[{index}]") for index, item in enumerate(value)]

    def is_text(self, name: str) -> bool:
        """Say whether the field is a text and not a list or an object."""
        return isinstance(self._fields().get(name), str)

    def wrong(self, name: str, what: str) -> ProviderError:
        """Return the complaint about a field, with its path, for an adapter to raise."""
        return self._complaint(f"{self._path(name) or 'body'}: {what}")

    def _fields(self) -> dict[str, Any]:
        if not isinstance(self._data, dict):
            raise self.wrong("", "expected an object")
        return self._data

    def _as_text(self, value: object, name: str) -> str:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return str(value)
        raise self.wrong(name, "missing" if value is None else "expected text")

    def _inner(self, value: object, name: str) -> "Payload":
        return Payload(value, where=self._path(name), complaint=self._complaint)

    def _path(self, name: str) -> str:
        return f"{self._where}.{name}" if self._where and name else self._where or name


# A request is read for its proof, for its account and for its content.
@functools.lru_cache(maxsize=64)
def _form_pairs(body: bytes | str) -> tuple[tuple[str, str], ...]:
    try:
        text = body.decode() if isinstance(body, bytes) else body
        return tuple(
            parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        )
    except ValueError as error:
        raise Unreadable("the body is not a form in UTF-8") from error


def parse_json(body: bytes) -> dict[str, Any] | list[Any]:
    """Return the object or list in a JSON body; ``Unreadable`` for anything else."""
    try:
        value = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("the body is not JSON in UTF-8") from error
    if not isinstance(value, dict | list):
        raise Unreadable("the body is neither a JSON object nor a list")
    return value


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the object in a JSON body; ``Unreadable`` for anything else."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Unreadable("the body is not a JSON object")
    return value


def parse_xml(body: bytes) -> dict[str, Any]:
    """Return an XML document as nested mappings, under the root's name.

    Names lose their namespaces; an element without children is its text, a repeated one a list.
    Attributes are left out. ``Unreadable`` for what is no XML, and for entities and the like.
    """
    root = xml_root(body)
    try:
        return {local_name(str(root.tag)): _element(root)}
    except RecursionError as error:
        raise Unreadable("the body is not XML") from error


def xml_root(body: bytes) -> Element:
    """Return the root of an XML document; ``Unreadable`` for what is none, and for entities."""
    try:
        root: Element = ElementTree.fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Unreadable("the body is not XML") from error
    return root


def local_name(name: str) -> str:
    """Return the name of an element or attribute without its namespace."""
    return name.rpartition("}")[2]


def _element(element: Element) -> object:
    children = list(element)
    if not children:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in children:
        name, value = local_name(str(child.tag)), _element(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found

"""Templates of requests that an administrator wrote: forms, JSON and XML with placeholders.

A placeholder such as ``{text}`` stands in a value, never in a name. What takes its place is escaped
for the format, so that no text can change the shape of a request; nothing is ever computed.
``{media}`` stands alone: as a whole value in a form, which is repeated for each file; as a whole
string in JSON, which becomes the list of files (in a list: its elements); as the whole text of an
XML element, which is repeated. Without files that field, member or element is left out. Any other
brace is refused, so that none is a placeholder by mistake, or one that was mistyped.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

from providers.errors import Unreadable
from providers.payload import MAX_FIELDS, clean, parse_json, xml_root

Values = Mapping[str, str]
Media = Sequence[str]

MEDIA = "{media}"
MAX_DEPTH = 50
BRACES = re.compile(r"\{[^{}]*\}|[{}]")
MEDIA_ELEMENT = r"<([^\s<>/!?]+)(?=[\s>])[^<>]*>\s*\{media\}\s*</\1\s*>"
XML_PART = re.compile(rf"{MEDIA_ELEMENT}|{BRACES.pattern}")
OTHER_ENCODING = re.compile(r"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
# XML has no writing for these at all; and a parser would make spaces of those.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
KEPT_SPACES = str.maketrans({"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


def check(kind: str, template: str, known: Collection[str]) -> frozenset[str]:
    """Return the names of a template's placeholders; ``ValueError`` says what is wrong with it.

    The kind is ``form``, ``json`` or ``xml``. Of an empty template nothing is demanded.
    """
    if not template:
        return frozenset()
    texts = {"form": _form_texts, "json": _json_texts, "xml": _xml_texts}[kind](template)
    names: frozenset[str] = frozenset()
    for text in texts:
        names |= placeholders(text, known)
        if MEDIA in text and text != MEDIA:
            raise ValueError(f"has {MEDIA} beside other text; it has to stand alone")
    return names


def placeholders(text: str, known: Collection[str]) -> frozenset[str]:
    """Return the names of the placeholders in a text; ``ValueError`` if one is not known."""
    found = frozenset(BRACES.findall(text))
    right = [f"{{{name}}}" for name in known]
    for one in sorted(found.difference(right)):
        if len(one) == 1:
            raise ValueError(f"has a {one} that belongs to no placeholder")
        raise ValueError(f"has the unknown placeholder {one[:40]}; known are {' '.join(right)}")
    return frozenset(one[1:-1] for one in found)


def fill(text: str, values: Values) -> str:
    """Put the values into a plain text."""
    return BRACES.sub(lambda found: clean(values[found[0][1:-1]]), text)


def fill_form(template: str, values: Values, media: Media = ()) -> list[tuple[str, str]]:
    """Put the values into a form; what comes out is still to be encoded."""
    return [
        (name, text)
        for name, value in _pairs(template)
        for text in (media if value == MEDIA else [fill(value, values)])
    ]


def fill_json(template: str, values: Values, media: Media) -> bytes:
    """Put the values into JSON."""
    filled = _filled(parse_json(template.encode()), values, media)
    return json.dumps(filled, ensure_ascii=False).encode()


def fill_xml(template: str, values: Values, media: Media) -> bytes:
    """Put the values into XML; a character that XML cannot hold becomes U+FFFD."""
    escaped = {name: _escape(value) for name, value in values.items()}
    files = [_escape(url) for url in media]

    def part(found: re.Match[str]) -> str:
        if found[1] is None:
            return escaped[found[0][1:-1]]
        return "".join(_fill_element(found[0], {**escaped, "media": url}) for url in files)

    return XML_PART.sub(part, template.strip()).encode()


def _fill_element(element: str, escaped: Values) -> str:
    return BRACES.sub(lambda found: escaped[found[0][1:-1]], element)


def _escape(value: str) -> str:
    return html.escape(NOT_XML.sub("\ufffd", clean(value))).translate(KEPT_SPACES)


def _pairs(template: str) -> list[tuple[str, str]]:
    lines = (line.strip().strip("?&") for line in template.splitlines())
    whole = "&".join(line for line in lines if line)
    return parse_qsl(
        whole,
        keep_blank_values=True,
        strict_parsing=True,
        errors="strict",
        max_num_fields=MAX_FIELDS,
    )


def _form_texts(template: str) -> Iterator[str]:
    try:
        pairs = _pairs(template)
    except ValueError as error:
        raise ValueError("is no form: write name=value, with & or a new line between") from error
    for name, value in pairs:
        _require_plain(name)
        yield value


def _json_texts(template: str) -> Iterator[str]:
    try:
        whole = parse_json(template.encode())
    except Unreadable as error:
        raise ValueError("is not JSON; placeholders stand inside the quotes of a string") from error
    return _strings(whole, MAX_DEPTH)


def _strings(node: object, depth: int) -> Iterator[str]:
    if not depth:
        raise ValueError(f"has more than {MAX_DEPTH} levels")
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _strings(item, depth - 1)
    elif isinstance(node, dict):
        for name, item in node.items():
            _require_plain(name)
            yield from _strings(item, depth - 1)


def _xml_texts(template: str) -> list[str]:
    if "<!" in template:
        raise ValueError("has a comment, CDATA or DOCTYPE; leave it out, values are escaped anyway")
    if OTHER_ENCODING.match(template.strip()):
        raise ValueError("declares another encoding than UTF-8")
    try:
        root = xml_root(template.strip().encode())
    except Unreadable as error:
        raise ValueError("is not XML") from error
    texts = [text for one in root.iter() for text in (one.text, one.tail, *one.attrib.values())]
    inside = Counter(brace for text in texts for brace in BRACES.findall(text or ""))
    if inside != Counter(BRACES.findall(template)):
        raise ValueError("has a placeholder that is neither in a text nor in an attribute's value")
    elements = [found[1] for found in XML_PART.finditer(template) if found[1]]
    if len(elements) != template.count(MEDIA) or (root.text or "").strip() == MEDIA:
        raise ValueError(f"has {MEDIA} beside other text; it has to be all of an inner element")
    return [text.strip() for text in texts if text]


def _require_plain(name: str) -> None:
    if BRACES.search(name):
        raise ValueError(f"has a brace in the name {name[:40]!r}; placeholders stand in values")


def _filled(node: object, values: Values, media: Media) -> object:
    if isinstance(node, str):
        return fill(node, values)
    if isinstance(node, dict):
        kept = {name: item for name, item in node.items() if media or item != MEDIA}
        return {
            name: list(media) if item == MEDIA else _filled(item, values, media)
            for name, item in kept.items()
        }
    if isinstance(node, list):
        return [
            filled
            for item in node
            for filled in (media if item == MEDIA else [_filled(item, values, media)])
        ]
    return node

"""Paths that an administrator wrote, into foreign JSON, XML, forms and plain words.

A path is steps with ``/`` between them, ``/messages/0/id`` or just ``id``. A step is the name of a
member, field or element, or a place in a list, from 0. A name that meets a list is looked up in
each of its elements. ``~1`` stands for a ``/`` inside a name and ``~0`` for a ``~``. In XML the
first step is the root, and ``@name`` is an attribute. The words of a plain text are a list.
Several paths may be written, with commas between them.
"""

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from providers.contract import WebhookRequest
from providers.errors import Unreadable
from providers.payload import Payload, local_name, parse_json, xml_root

Path = tuple[str, ...]
Paths = tuple[Path, ...]

# The HTTP status of an answer, for a condition to ask for.
STATUS: Path = ("@status",)
# The text of an XML element that has attributes or children, too.
OWN_TEXT = ""
BETWEEN_WORDS = re.compile(r"[\s:|,;=&]+")
# Space before a body, and the mark that some programs begin it with.
LEADING = b"\xef\xbb\xbf \t\r\n"


def parse(text: str) -> Paths:
    """Read paths, of which there may be none; ``ValueError`` says what is wrong with them."""
    return tuple(_path(one.strip()) for one in text.split(",")) if text.strip() else ()


def _path(text: str) -> Path:
    steps = text.removeprefix("/").split("/")
    if not all(steps):
        raise ValueError("holds a path with an empty step")
    if re.search(r"~(?![01])", text):
        raise ValueError("holds a ~ that is neither ~0 nor ~1")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)


@dataclass(frozen=True)
class Condition:
    """What an answer must say: something at a path, or one of some words there."""

    paths: Paths
    words: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read ``path``, ``path = word`` or ``path = word | other word``."""
        path, equals, right = text.partition("=")
        words = {word.strip().lower() for word in right.split("|")} if equals else set()
        paths = parse(path)
        if not paths or "" in words:
            raise ValueError("is not written as path, path = word or path = word | other word")
        return cls(paths, frozenset(words))

    def holds(self, tree: object, status: int) -> bool:
        """Say whether an answer meets the condition, in whatever case its word is written."""
        found = status if STATUS in self.paths else first(tree, self.paths)
        if not self.words:
            return found is not None
        return isinstance(found, str | int | float) and str(found).strip().lower() in self.words


def has_body(request: WebhookRequest) -> bool:
    """Say whether a webhook request is read from its body; else it is from its query."""
    return request.method != "GET" and bool(request.body.strip(LEADING))


def of_webhook(request: WebhookRequest) -> object:
    """Return what a webhook request says, as a tree."""
    body = request.body.strip(LEADING)
    if has_body(request) and body[:1] in {b"{", b"[", b"<"}:
        return _tree(body)
    form: dict[str, list[str]] = {}
    for name, value in Payload.form(body if has_body(request) else request.query).pairs:
        form.setdefault(name, []).append(value)
    return form


def of_answer(text: str) -> object:
    """Return what an answer says as a tree; a plain text is a list of words."""
    body = text.strip()
    if body[:1] in {"{", "[", "<"}:
        return _tree(body.encode())
    return [word for word in BETWEEN_WORDS.split(body) if word]


def elements(tree: object, paths: Paths) -> list[object]:
    """Return the events of a body: what stands at the paths, or the body; lists are unrolled."""
    found = [node for path in paths or ((),) for node in _at(tree, path)]
    if not found:
        raise Unreadable("the body holds no event where this trunk expects them")
    return found


def every(tree: object, paths: Paths) -> list[object]:
    """Return all values that stand at the paths, in order; an empty one counts as missing."""
    found = [_value(node) for path in paths for node in _at(tree, path)]
    return [value for value in found if value not in (None, "")]


def first(tree: object, paths: Paths) -> object:
    """Return the first value that stands at the paths, or None."""
    return next(iter(every(tree, paths)), None)


def _tree(body: bytes) -> object:
    if not body.startswith(b"<"):
        return parse_json(body)
    root = xml_root(body)
    try:
        return {local_name(str(root.tag)): _element(root)}
    except RecursionError as error:
        raise Unreadable("the body is XML of too many levels") from error


def _element(element: Element) -> object:
    found: dict[str, object] = {
        f"@{local_name(name)}": value for name, value in element.attrib.items()
    }
    children: dict[str, list[object]] = {}
    for child in element:
        children.setdefault(local_name(str(child.tag)), []).append(_element(child))
    text = (element.text or "").strip()
    return {**found, **children, OWN_TEXT: text} if found or children else text


def _at(tree: object, path: Path) -> list[object]:
    nodes = [tree]
    for step in path:
        nodes = [inner for node in nodes for inner in _step(node, step)]
    return [leaf for node in nodes for leaf in (node if isinstance(node, list) else [node])]


def _step(node: object, step: str) -> list[object]:
    if isinstance(node, list) and re.fullmatch(r"[0-9]{1,6}", step):
        return node[int(step) : int(step) + 1]
    # One level of list only: what is nested deeper is nobody's format, and could be endless.
    inside = node if isinstance(node, list) else [node]
    return [item[step] for item in inside if isinstance(item, dict) and step in item]


def _value(node: object) -> object:
    if isinstance(node, bool):
        return str(node).lower()
    return node.get(OWN_TEXT, node) if isinstance(node, dict) else node

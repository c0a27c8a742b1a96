"""A YAML or JSON file as values that know their line and path, for complaints that name both."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

import yaml

_BOOLEAN = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"


class Wrong(Exception):
    """Something in the file that cannot be applied; ``why`` never repeats a secret."""

    def __init__(self, line: int, path: str, why: str) -> None:
        super().__init__(f"{line}: {path}: {why}" if path else f"{line}: {why}")


@dataclass(frozen=True)
class Node:
    """One value of the file. Scalars are read as they are written, so 0099 stays 0099."""

    raw: yaml.Node
    path: str = ""

    @property
    def line(self) -> int:
        """Where the value begins."""
        return self.raw.start_mark.line + 1

    @property
    def is_empty(self) -> bool:
        """Whether nothing (or null) stands there."""
        return self.raw.tag == _NULL

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return isinstance(self.raw, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.raw, yaml.SequenceNode)

    def wrong(self, why: str) -> Wrong:
        """Return the complaint, to be raised."""
        return Wrong(self.line, self.path, why)

    def fields(self, *known: str) -> dict[str, "Node"]:
        """Return the values by key; an unknown or repeated key is wrong."""
        if self.is_empty:
            return {}
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.wrong(f"expected keys ({', '.join(known)}) and their values")
        found: dict[str, Node] = {}
        for key, value in self.raw.value:
            name = Node(key, self.path).text()
            path = f"{self.path}.{name}".lstrip(".")
            line = key.start_mark.line + 1
            if name not in known:
                raise Wrong(line, path, f"{name!r} is no key here; {suggest(name, known)}")
            if name in found:
                raise Wrong(line, path, "this key stands here twice")
            found[name] = Node(value, path)
        return found

    def items(self) -> list["Node"]:
        """Return the elements of a list."""
        if self.is_empty:
            return []
        if not isinstance(self.raw, yaml.SequenceNode):
            raise self.wrong("expected a list")
        return [Node(item, f"{self.path}[{index}]") for index, item in enumerate(self.raw.value)]

    def text(self) -> str:
        """Return a text or number as it is written."""
        if self.is_empty:
            return ""
        if not isinstance(self.raw, yaml.ScalarNode):
            raise self.wrong("expected a text")
        value = str(self.raw.value)
        try:
            # JSON writes a character outside the basic plane as two halves.
            value = value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise self.wrong("half of a character is missing") from error
        if "\x00" in value:
            raise self.wrong("a text cannot hold the character NUL")
        return value

    def choice(self, noun: str, known: Iterable[str]) -> str:
        """Return a text that must be one of the known."""
        word = self.text()
        if word not in (words := list(known)):
            raise self.wrong(f"{word!r} is no {noun}; {suggest(word, words)}")
        return word

    def flag(self) -> bool:
        """Return true or false."""
        if self.raw.tag != _BOOLEAN:
            raise self.wrong("expected true or false")
        return self.text().lower() in {"true", "yes", "on"}

    def count(self) -> int:
        """Return a whole number that is not negative."""
        text = self.text()
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise self.wrong("expected a whole number")
        return int(text)

    def count_or_none(self) -> int | None:
        """Return a whole number, or None where nothing stands."""
        return None if self.is_empty else self.count()

    def decimal(self) -> float:
        """Return a number."""
        try:
            return float(self.text())
        except ValueError as error:
            raise self.wrong("expected a number") from error


def suggest(word: str, known: Iterable[str]) -> str:
    """Name the known word that was probably meant, and all of them."""
    words = list(known)
    close = difflib.get_close_matches(word, words, 1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}one of {', '.join(words)}"


def read(text: str) -> Node:
    """Read a whole document; raise ``Wrong`` where it is no YAML and no JSON."""
    if text.lstrip().startswith("{"):
        # JSON may be indented with tabs, which YAML refuses; inside its strings there are none.
        text = text.replace("\t", " ")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Wrong(mark.line + 1 if mark else 1, "", error.problem or "not YAML") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Wrong(line, "", "a character that YAML does not allow") from error
    if root is None:
        raise Wrong(1, "", "the file is empty")
    return Node(root)

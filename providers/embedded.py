"""Attachments inside a body: what looks like a Python dictionary of names and Base64."""

import ast
import base64
import mimetypes
import re
from collections.abc import Iterator

from providers.contract import Broken
from providers.download import Media

# Evaluating a text takes up to 500 times its size in memory; longer ones are read by the pattern.
MAX_LITERAL = 100_000
PAIR = re.compile(r"""['"]([^'"]{1,200})['"]\s*:\s*['"]([^'"]*)['"]""")


def files(text: str) -> Iterator[Media | Broken]:
    """Yield the files of such a text, without layouts (.smil); a bad one costs only itself."""
    pairs = _pairs(text)
    if not pairs and text.strip(" {}"):
        yield Broken(detail="files: not a dictionary of names and Base64")
    for path, content in pairs:
        name = _name(path)
        if name.lower().endswith(".smil"):
            continue
        try:
            body = base64.b64decode("".join(content.split()), validate=True)
        except ValueError:
            yield Broken(detail=f"files: {name} is not Base64")
            continue
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        yield Media(kind.lower(), body, name)


def _pairs(text: str) -> list[tuple[str, str]]:
    found: object = None
    if len(text) <= MAX_LITERAL:
        try:
            found = ast.literal_eval(text)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            found = None
    if isinstance(found, dict):
        return [(str(path), str(content)) for path, content in found.items()]
    return PAIR.findall(text)


def _name(path: str) -> str:
    """Return the last part of a path, fit for keeping."""
    last = path.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:100]

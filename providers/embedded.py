"""Attachments that come inside a body: in multipart forms, or written into a text."""

import ast
import base64
import mimetypes
import re
from collections.abc import Iterator
from email import message_from_bytes
from urllib.parse import urlencode

from providers.contract import Broken
from providers.download import Media
from providers.payload import Payload

UNKNOWN = "application/octet-stream"
# Evaluating a text takes up to 500 times its size in memory; longer ones are read by the pattern.
MAX_LITERAL = 100_000
PAIR = re.compile(r"""['"]([^'"]{1,200})['"]\s*:\s*['"]([^'"]*)['"]""")


def multipart(content_type: str, body: bytes) -> tuple[Payload, tuple[Media, ...]]:
    """Return the fields of a multipart form, and the files uploaded with it."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode(errors="replace")
    fields, uploaded = [], []
    for part in message_from_bytes(head + body).walk():
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        path = part.get_filename()
        if path is None:
            name = part.get_param("name", "", "content-disposition")
            fields.append((str(name), content.decode(errors="replace")))
        else:
            uploaded.append(_media(path, content, part.get("content-type", UNKNOWN)))
    return Payload.form(urlencode(fields)), tuple(uploaded)


def dictionary(text: str) -> Iterator[Media | Broken]:
    """Yield the files of what looks like a Python dictionary of names and Base64.

    Layouts (.smil) are left out; a bad file costs only itself.
    """
    pairs = _pairs(text)
    if not pairs and text.strip(" {}"):
        yield Broken(detail="files: not a dictionary of names and Base64")
    for path, content in pairs:
        try:
            media = _media(path, base64.b64decode("".join(content.split()), validate=True))
        except ValueError:
            yield Broken(detail=f"files: {_name(path)} is not Base64")
            continue
        if not media.name.lower().endswith(".smil"):
            yield media


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


def _media(path: str, body: bytes, content_type: str = UNKNOWN) -> Media:
    name = _name(path)
    given = str(content_type).partition(";")[0].strip().lower()
    guessed = mimetypes.guess_type(name)[0] or UNKNOWN
    return Media(guessed.lower() if given in {"", UNKNOWN} else given, body, name)


def _name(path: str) -> str:
    """Return the last part of a path, fit for keeping."""
    last = path.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:100]

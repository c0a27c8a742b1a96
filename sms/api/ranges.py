"""Parts of a file: what a player asks for to begin at once, and to jump."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from django.http import FileResponse

_ONE_PART = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_BLOCK = 64 * 1024


def of(wanted: str, size: int) -> tuple[int, int] | None:
    """Return the first and last byte that a Range header wants, None for the whole file.

    What cannot be fulfilled, and several parts at once, are answered with the whole, as they may
    be.
    """
    asked = _ONE_PART.fullmatch(wanted)
    if asked is None or asked[0] == "bytes=-":
        return None
    if not asked[1]:
        first, last = max(0, size - int(asked[2])), size - 1
    else:
        first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
    return (first, last) if first <= last else None


def cut(answer: FileResponse, file: BinaryIO, part: tuple[int, int], size: int) -> None:
    """Turn an answer with a whole file into one with a part of it."""
    first, last = part
    file.seek(first)
    answer.streaming_content = _blocks(file, last - first + 1)
    answer.status_code = 206
    answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    answer["Content-Length"] = str(last - first + 1)


def _blocks(file: BinaryIO, left: int) -> Iterator[bytes]:
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        yield block

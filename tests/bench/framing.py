"""Where an HTTP message ends that arrives in pieces over a keep-alive connection."""

import re

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


def is_whole(message: bytes) -> bool:
    """Say whether head and body of a request or an answer are there."""
    head, found, body = message.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(found) and (length is None or len(body) >= int(length[1]))

"""Reads telephone numbers as providers write them."""

import re

from providers.errors import Unreadable


def read(raw: str) -> str:
    """Bring a number to our form.

    ``+``, digits and the usual separators make E.164 (ten digits are North American, short runs of
    digits are short codes); anything with a letter is an alphanumeric sender.
    """
    text = raw.strip()
    if any(letter.isalpha() for letter in text):
        return text
    digits = re.sub(r"[^0-9]", "", text)
    if not digits:
        raise Unreadable(f"{raw[:40]!r} is not a number")
    if text.startswith("+"):
        return f"+{digits}"
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if len(digits) <= 7:
        return digits
    return f"+1{digits}" if len(digits) == 10 else f"+{digits}"

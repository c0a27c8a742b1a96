"""How many billed parts a text makes: GSM-7 or UCS-2, and which character decides. Pure."""

from dataclasses import dataclass

from providers import alphabet

GSM7 = "GSM-7"
UCS2 = "UCS-2"


@dataclass(frozen=True)
class Measure:
    """``units`` are septets or 16-bit units, ``left`` those still free in the last segment.

    ``culprit`` is the first character that GSM-7 does not have, empty for GSM-7.
    """

    encoding: str
    segments: int
    units: int
    left: int
    culprit: str = ""


def measure(text: str) -> Measure:
    """Count the segments of a text; an empty one has none."""
    culprit, widths = alphabet.culprit(text), alphabet.widths(text)
    if culprit:
        return _packed(UCS2, widths, (70, 67), culprit)
    return _packed(GSM7, widths, (160, 153), "")


def _packed(encoding: str, widths: list[int], sizes: tuple[int, int], culprit: str) -> Measure:
    single, part = sizes
    units = sum(widths)
    if units <= single:
        return Measure(encoding, 1 if units else 0, units, single - units, culprit)
    segments, used = 1, 0
    for width in widths:
        # A character of two units is never cut in half: it moves to the next segment whole.
        if used + width > part:
            segments, used = segments + 1, 0
        used += width
    return Measure(encoding, segments, units, part - used, culprit)

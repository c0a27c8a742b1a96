"""Numbers: their one normal form, how people write them, DID pools and caller masks.

The normal form is E.164 with ``+``; short codes (3 to 7 digits) stay bare digits; everything
with a letter is a word (Sender ID). phonenumbers is used here and nowhere else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import takewhile

import phonenumbers
from django.utils.translation import gettext as _

from providers.pace import NumberKind

POOL_LIMIT = 100_000
_SEPARATORS = re.compile(r"[\s().\-/]")
_SHORT_CODE = re.compile(r"[0-9]{3,7}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_\-]{1,11}")


class NumberInvalid(ValueError):
    """A number, pool or mask that cannot be understood; the text is fit for its writer."""


def is_e164(number: str) -> bool:
    """Say whether the text is in normal form and not a short code or a word."""
    return _E164.fullmatch(number) is not None


def is_short_code(number: str) -> bool:
    """Say whether the text is a short code: 3 to 7 bare digits."""
    return _SHORT_CODE.fullmatch(number) is not None


def is_sender_id(word: str) -> bool:
    """Say whether the text can be a Sender ID: up to 11 characters, at least one letter."""
    return _SENDER_ID.fullmatch(word) is not None


@cache
def countries() -> list[tuple[str, str]]:
    """Return the countries in which numbers can be read, each by its name and calling code.

    The time zone database has the names; those of phonenumbers would take 100 MB of memory.
    """
    found = [
        (code, f"{_names().get(code, code)} (+{phonenumbers.country_code_for_region(code)})")
        for code in phonenumbers.SUPPORTED_REGIONS
    ]
    return sorted(found, key=lambda country: country[1])


@cache
def _names() -> dict[str, str]:
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    lines = [line.partition("\t") for line in table.splitlines() if not line.startswith("#")]
    return {code: name for code, _tab, name in lines}


def country_of(number: str) -> str:
    """Return the name of the country that a number in normal form belongs to, "" if none."""
    if not is_e164(number):
        return ""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return ""
    return _names().get(region or "", "")


def kind(number: str) -> NumberKind:
    """Return what kind of number this is, given in normal form."""
    if is_short_code(number):
        return NumberKind.SHORT_CODE
    parsed = phonenumbers.parse(number, None)
    toll_free = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.TOLL_FREE
    return NumberKind.TOLL_FREE if toll_free else NumberKind.LOCAL


def can_be_answered(number: str) -> bool:
    """Say whether a text to this sender can arrive: words are one-way."""
    return is_e164(number) or is_short_code(number)


def normalize(raw: str, country: str) -> str:
    """Bring a typed number to normal form, read in ``country`` (ISO 3166 alpha-2).

    Accepts ``+``, ``00``, national and international writing and short codes; raises
    ``NumberInvalid`` with the number in the text.
    """
    text = raw.strip()
    bare = _SEPARATORS.sub("", text)
    if _SHORT_CODE.fullmatch(bare):
        return bare
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    candidates = [(bare, country)]
    if not bare.startswith("+") and len(bare) >= 10:
        # International without its "+". Shorter ones are typing errors far more often.
        candidates.append((f"+{bare}", country))
    for candidate, region in candidates:
        try:
            parsed = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_possible_number(parsed) and is_e164(number):
            return number
    raise NumberInvalid(_("%(number)s is not a phone number.") % {"number": text[:40] or '""'})


def pretty(number: str) -> str:
    """Write an E.164 number the way people read it; anything else stays as it is."""
    if not is_e164(number):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def normalize_did(raw: str, country: str) -> str:
    """Bring a DID to normal form; as in a pool, the country code comes first, without ``+``."""
    digits = _SEPARATORS.sub("", raw.strip()).removeprefix("+")
    digits = digits.removeprefix("00")
    if not digits.isascii() or not digits.isdigit():
        raise NumberInvalid(_("%(number)s is not a number.") % {"number": raw.strip()[:40]})
    if _SHORT_CODE.fullmatch(digits):
        return digits
    national = len(digits) == 10 and phonenumbers.country_code_for_region(country) == 1
    if national and not raw.strip().startswith(("+", "00")):
        return f"+1{digits}"
    number = f"+{digits}"
    if not is_e164(number):
        raise NumberInvalid(_("%(number)s is not a phone number.") % {"number": raw.strip()[:40]})
    return number


def parse_range(raw: str, country: str) -> tuple[str, str]:
    """Read ``a`` or ``a-b`` into the first and last number, both in normal form."""
    first_raw, dash, last_raw = raw.strip().partition("-")
    first = normalize_did(first_raw, country)
    if not dash:
        return first, first
    last = normalize_did(last_raw, country)
    if len(first) != len(last) or last < first:
        raise NumberInvalid(
            _("%(range)s: the last number must not be below the first.") % {"range": raw.strip()}
        )
    return first, last


def range_size(first: str, last: str) -> int:
    """Count the numbers of a range, both ends included."""
    return int(last.removeprefix("+")) - int(first.removeprefix("+")) + 1


def numbers_of(first: str, last: str) -> Iterator[str]:
    """Yield every number of a range, both ends included."""
    plus = "+" if first.startswith("+") else ""
    start = int(first.removeprefix("+"))
    for value in range(start, start + range_size(first, last)):
        yield f"{plus}{value}"


def parse_pool(text: str, country: str) -> list[str]:
    """Read a DID pool: single numbers and ``a-b`` ranges, separated by ``;`` or new lines."""
    numbers: dict[str, None] = {}
    for part in re.split(r"[;\n]", text):
        if not part.strip():
            continue
        first, last = parse_range(part, country)
        if len(numbers) + range_size(first, last) > POOL_LIMIT:
            raise NumberInvalid(
                _("%(range)s: a pool holds at most %(limit)d numbers.")
                % {"range": part.strip(), "limit": POOL_LIMIT}
            )
        numbers.update(dict.fromkeys(numbers_of(first, last)))
    return list(numbers)


@dataclass(frozen=True)
class CallerMask:
    """Which senders a rule is for: ``0044**********;1000-2000;6000``; empty means everybody.

    Each part is an exact number or word, a range ``a-b``, or digits with ``*`` for any one digit.
    """

    text: str

    def parts(self) -> list[str]:
        """Return the parts without spaces, ``+`` and leading ``00``."""
        cleaned = (re.sub(r"[\s+]", "", part) for part in self.text.split(";"))
        return [part.removeprefix("00") for part in cleaned if part]

    def check(self) -> None:
        """Raise ``NumberInvalid`` that names the part which is not a mask."""
        for part in self.parts():
            first, dash, last = part.partition("-")
            if dash and not (first.isdigit() and last.isdigit() and len(first) == len(last)):
                raise NumberInvalid(
                    _("%(part)s: both ends of a range need the same number of digits.")
                    % {"part": part}
                )
            if dash and last < first:
                raise NumberInvalid(
                    _("%(part)s: the last number must not be below the first.") % {"part": part}
                )
            if not dash and not re.fullmatch(r"[0-9*]+|[A-Za-z0-9&_]{1,11}", part):
                raise NumberInvalid(
                    _("%(part)s: use digits, * for any digit, or a range a-b.") % {"part": part}
                )

    def matches(self, sender: str) -> bool:
        """Say whether the mask lets this sender (in normal form) through."""
        parts = self.parts()
        bare = sender.removeprefix("+")
        return not parts or any(_part_matches(part, bare) for part in parts)

    def includes(self, part: str) -> bool:
        """Say whether everybody whom a part of another mask names is let through by this one.

        True is sure. Where a range and stars meet in an odd way, it may be False without need.
        """
        parts = self.parts()
        return not parts or any(_part_includes(one, part) for one in parts)


def _part_matches(part: str, bare: str) -> bool:
    first, dash, last = part.partition("-")
    if dash:
        return bare.isdigit() and len(bare) == len(first) and first <= bare <= last
    if "*" in part:
        return re.fullmatch(part.replace("*", "[0-9]"), bare) is not None
    return part.casefold() == bare.casefold()


def _part_includes(wide: str, narrow: str) -> bool:
    low, high = _ends(narrow)
    first, dash, last = wide.partition("-")
    if dash:
        return low.isdigit() and len(low) == len(first) and first <= low and high <= last
    if "*" not in wide:
        return wide.casefold() == low.casefold() == high.casefold()
    # Of a range: what its ends have in common, then any digit.
    pairs = zip(low, high, strict=True)
    common = sum(1 for _pair in takewhile(lambda pair: pair[0] == pair[1], pairs))
    shape = low[:common] + "*" * (len(low) - common) if "-" in narrow else narrow
    fits = len(shape) == len(wide) and low.isdigit()
    return fits and all(a in {"*", b} for a, b in zip(wide, shape, strict=True))


def _ends(part: str) -> tuple[str, str]:
    """Return the lowest and the highest number of a part."""
    first, dash, last = part.partition("-")
    return (first, last) if dash else (part.replace("*", "0"), part.replace("*", "9"))

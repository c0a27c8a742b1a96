"""A week of office hours: how people write it, where it overlaps, and whether it is open now."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time

from django.utils.translation import gettext as _

DAY = 24 * 60  # minutes
WEEK = 7 * DAY
_DASH = re.compile(r"\s*(?:-|\u2013|\u2014|\bto\b)\s*")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d\d))?\s*([ap])?\.?(?:m\.?)?")

Range = tuple[time, time]


class HoursInvalid(ValueError):
    """Hours that cannot be understood; the text is fit for their writer."""


@dataclass(frozen=True)
class Standing:
    """Whether it is open, and at which minute of the week that changes; None: never."""

    is_open: bool
    until: int | None


def read(text: str) -> list[Range]:
    """Read ``09:00-12:30, 1:30pm-6pm``; a range that ends before it begins crosses midnight."""
    words = text.strip().casefold()
    if words in {"", "closed", _("closed").casefold()}:
        return []
    return [_range(part.strip()) for part in re.split(r"[,;]", words) if part.strip()]


def _range(part: str) -> Range:
    ends = _DASH.split(part)
    if len(ends) != 2 or not all(ends):
        raise HoursInvalid(
            _("“%(part)s” is no range of hours; write one such as 09:00-17:00.") % {"part": part}
        )
    return _clock(ends[0], part), _clock(ends[1], part)


def _clock(text: str, part: str) -> time:
    found = _CLOCK.fullmatch(text)
    wrong = _("“%(part)s”: there is no time of day %(text)s.") % {"part": part, "text": text}
    if found is None:
        raise HoursInvalid(wrong)
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half:
        if not 1 <= hour <= 12:
            raise HoursInvalid(wrong)
        hour = hour % 12 + (12 if half == "p" else 0)
    if (hour, minute) == (24, 0):
        hour = 0
    try:
        return time(hour, minute)
    except ValueError as error:
        raise HoursInvalid(wrong) from error


def write(ranges: Iterable[Range]) -> str:
    """Write ranges the way ``read`` understands them; midnight at the end is 24:00."""
    return ", ".join(
        f"{opens:%H:%M}-{'24:00' if closes == time() else f'{closes:%H:%M}'}"
        for opens, closes in sorted(ranges)
    )


def spans(week: Mapping[int, Iterable[Range]]) -> list[tuple[int, int]]:
    """Return the first minute and the length of each range; days count from 1, as ISO has them."""
    found = []
    for weekday, ranges in week.items():
        for opens, closes in ranges:
            first = _minute(opens)
            length = (_minute(closes) - first) % DAY or DAY
            found.append(((weekday - 1) * DAY + first, length))
    return sorted(found)


def overlaps(week: Mapping[int, Iterable[Range]]) -> list[tuple[int, int]]:
    """Return the first minutes of each range and of the next one, where that begins too soon."""
    found = spans(week)
    if len(found) < 2:
        return []
    following = [*found[1:], (found[0][0] + WEEK, found[0][1])]
    return [
        (first, later % WEEK)
        for (first, length), (later, _length) in zip(found, following, strict=True)
        if first + length > later
    ]


def standing(week: Mapping[int, Iterable[Range]], moment: datetime) -> Standing:
    """Say whether it is open at a moment in the office's own time; a week without hours always."""
    found = spans(week)
    if not found:
        return Standing(is_open=True, until=None)
    now = minute(moment)
    end = now
    # Where one range ends another may begin, or be open already.
    while end < now + WEEK and (further := _end(end, found)) > end:
        end = further
    if end >= now + WEEK:
        return Standing(is_open=True, until=None)
    if end > now:
        return Standing(is_open=True, until=end % WEEK)
    wait = min((first - now) % WEEK for first, _length in found)
    return Standing(is_open=False, until=(now + wait) % WEEK)


def _end(now: int, found: Iterable[tuple[int, int]]) -> int:
    """Return until which minute a range goes on that is open at ``now``, else ``now`` itself."""
    passed = (((now - first) % WEEK, length) for first, length in found)
    return max((now + length - since for since, length in passed if since < length), default=now)


def bars(weekday: int, week: Mapping[int, Iterable[Range]]) -> list[tuple[str, str]]:
    """Return where on a line as long as the day it is open: begin and length in per cent."""
    midnight = (weekday - 1) * DAY
    parts = []
    for first, length in spans(week):
        for start in (first, first - WEEK):
            begin, end = max(start, midnight), min(start + length, midnight + DAY)
            if begin < end:
                parts.append((_percent(begin - midnight), _percent(end - begin)))
    return parts


def _percent(minutes: int) -> str:
    return f"{minutes * 100 / DAY:.2f}"


def minute(moment: datetime) -> int:
    """Return the minute of the week."""
    return (moment.isoweekday() - 1) * DAY + _minute(moment.time())


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute

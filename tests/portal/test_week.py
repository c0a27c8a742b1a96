"""A week of office hours as people write it."""

from collections import defaultdict
from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import week
from portal.models import Destination, OfficeHours
from sms import routing

NINE, HALF_PAST_TWELVE, FIVE = time(9), time(12, 30), time(17)
MONDAY = datetime(2026, 1, 5, tzinfo=None)  # noqa: DTZ001 - a wall clock, wherever it hangs
MORNING, EVENING, NIGHT = (NINE, HALF_PAST_TWELVE), (time(13, 30), time(18)), (time(22), time(6))
WORKDAY = [MORNING, EVENING]


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("", []),
        ("closed", []),
        ("09:00-17:00", [(NINE, FIVE)]),
        ("9-17", [(NINE, FIVE)]),
        ("9am - 5pm", [(NINE, FIVE)]),
        ("9:00 a.m. to 5 p.m.", [(NINE, FIVE)]),
        ("9.00\u201317.00", [(NINE, FIVE)]),
        ("09:00-12:30, 13:30-18:00", WORKDAY),
        ("09:00-12:30;13:30-18:00;", WORKDAY),
        ("22:00-06:00", [NIGHT]),
        ("0:00-24:00", [(time(0), time(0))]),
        ("12am-12pm", [(time(0), time(12))]),
    ],
)
def test_hours_are_read_the_way_people_write_them(text: str, ranges: list[week.Range]) -> None:
    assert week.read(text) == ranges


@pytest.mark.parametrize("text", ["9", "9-", "-9", "9-25", "09:60-10:00", "13pm-2pm", "x", "1-2-3"])
def test_what_is_no_range_of_hours_is_named(text: str) -> None:
    with pytest.raises(week.HoursInvalid, match=text):
        week.read(f"08:00-09:00, {text}")


times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
ranges = st.lists(st.tuples(times, times), max_size=3)
weeks = st.dictionaries(st.integers(1, 7), ranges, max_size=7)


@given(ranges)
def test_what_is_written_is_read_back(day: list[week.Range]) -> None:
    assert week.read(week.write(day)) == sorted(day)


class Rows(list[OfficeHours]):
    """Rows that were loaded along."""

    def all(self) -> "Rows":
        return self


def is_open(hours: dict[int, list[week.Range]], moment: datetime) -> bool:
    rows = Rows(
        OfficeHours(weekday=day, opens=opens, closes=closes)
        for day, found in hours.items()
        for opens, closes in found
    )
    office: Any = SimpleNamespace(hours=rows, holidays=Rows())
    return routing.time_of(office, moment)[0] == Destination.When.OFFICE


@given(weeks, st.integers(0, week.WEEK - 1))
def test_the_page_and_the_flow_agree_on_whether_it_is_open(
    hours: dict[int, list[week.Range]], minute: int
) -> None:
    moment = MONDAY + timedelta(minutes=minute)

    found = week.standing(hours, moment)

    assert found.is_open == is_open(hours, moment)
    if found.until is None:
        assert is_open(hours, moment + timedelta(days=2, hours=7))
    else:
        wait = (found.until - minute - 1) % week.WEEK
        assert is_open(hours, moment + timedelta(minutes=wait)) == found.is_open
        assert is_open(hours, moment + timedelta(minutes=wait + 1)) != found.is_open


def test_a_range_goes_on_where_the_next_one_begins() -> None:
    hours = {1: [(time(22), time(0))], 2: [(time(0), time(6))]}

    found = week.standing(hours, MONDAY + timedelta(hours=23))

    assert found == week.Standing(is_open=True, until=week.DAY + 6 * 60)


def test_overlaps_are_found_also_across_midnight_and_the_weekend() -> None:
    assert week.overlaps({1: WORKDAY}) == []
    assert week.overlaps({1: [(NINE, FIVE), MORNING]}) == [(540, 540)]
    assert week.overlaps({7: [NIGHT], 1: [(time(5), NINE)]}) == [(6 * week.DAY + 22 * 60, 5 * 60)]


def test_the_bars_of_a_night_are_on_both_days() -> None:
    hours = defaultdict(list, {7: [NIGHT]})

    assert week.bars(7, hours) == [("91.67", "8.33")]
    assert week.bars(1, hours) == [("0.00", "25.00")]
    assert week.bars(2, hours) == []

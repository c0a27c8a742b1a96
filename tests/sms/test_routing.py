"""Which extension a text reaches, decided from rules, time and numbers alone."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.models import Destination, Extension, InboundRule, Schedule
from sms import routing
from sms.routing import Decision
from tests import factories

pytestmark = pytest.mark.django_db

When = Destination.When
NEW_YORK = ZoneInfo("America/New_York")
MONDAY_NOON = datetime.datetime(2026, 3, 2, 12, tzinfo=NEW_YORK)
DID = "+12025550100"
SENDER = "+16175550188"


@pytest.fixture
def extension() -> Extension:
    made: Extension = factories.ExtensionFactory(number="1001")
    return made


def rule(extension: Extension, to: Any = None, **more: Any) -> InboundRule:
    """Make a rule for a DID range of the extension's tenant."""
    trunk = more.pop("trunk", None) or factories.TrunkFactory(tenant=extension.tenant)
    times = {key: more.pop(key) for key in ("outside", "holidays") if key in more}
    first = more.pop("did_first", DID)
    did = factories.DIDFactory(trunk=trunk, tenant=extension.tenant)
    return factories.route(
        did, to=extension if to is None else to, did_first=first,
        did_last=more.pop("did_last", first), **times, **more,
    )  # fmt: skip


def decide(*rules: InboundRule, **more: Any) -> Decision:
    asked = {"did": DID, "sender": SENDER, "moment": MONDAY_NOON, "office": None, **more}
    return routing.decide(rules=rules, **asked)


def schedule(
    extension: Extension, *ranges: tuple[int, int, int], holiday: str = "", **more: Any
) -> Schedule:
    """Make a schedule of (weekday, from hour, to hour) ranges."""
    made: Schedule = factories.ScheduleFactory(tenant=extension.tenant, **more)
    for weekday, opens, closes in ranges:
        factories.OfficeHoursFactory(
            schedule=made, weekday=weekday, opens=datetime.time(opens), closes=datetime.time(closes)
        )
    if holiday:
        day = datetime.date.fromisoformat(holiday)
        factories.HolidayFactory(schedule=made, first_day=day, last_day=day, name="Founder's day")
    return made


@pytest.mark.parametrize(
    ("mask", "sender", "matches"),
    [
        ("", "+442071234567", True),
        ("0044**********", "+442071234567", True),
        ("0044**********", "+44207123456", False),
        ("+44 20 ********", "+442071234567", True),
        ("1000-2000;6000", "1500", True),
        ("1000-2000;6000", "2001", False),
        ("1000-2000;6000", "6000", True),
        ("1000-2000", "15000", False),
        ("12025550100-12025550199", "+12025550150", True),
        ("12025550100-12025550199", "+12025550200", False),
        ("ALDERCO", "AlderCo", True),
        ("1000-2000", "ALDERCO", False),
    ],
)
def test_a_caller_mask_lets_through_whom_it_names(
    extension: Extension, mask: str, sender: str, matches: bool
) -> None:
    assert decide(rule(extension, caller_mask=mask), sender=sender).is_routed is matches


def test_without_a_rule_the_reason_says_so() -> None:
    decision = decide()
    assert decision.rule is None
    assert not decision.is_routed
    assert "no enabled rule" in decision.because


def test_the_first_rule_in_order_that_matches_decides(extension: Extension) -> None:
    other = factories.ExtensionFactory(tenant=extension.tenant)
    foreign = rule(extension, to=other, caller_mask="44**********")
    first, second = rule(extension), rule(extension, to=other)
    assert decide(foreign, first, second).extension == extension


def test_a_disabled_rule_is_passed_over(extension: Extension) -> None:
    assert not decide(rule(extension, enabled=False)).is_routed


@pytest.mark.parametrize(
    ("did", "covered"),
    [(DID, True), ("+12025550109", True), ("+12025550110", False), ("+1202555010", False)],
)
def test_a_rule_covers_its_did_range_and_no_more(
    extension: Extension, did: str, covered: bool
) -> None:
    assert decide(rule(extension, did_last="+12025550109"), did=did).is_routed is covered


@pytest.mark.parametrize(
    ("first", "did", "number"),
    [
        ("1001", DID, "1001"),
        ("1001", "+12025550109", "1010"),
        ("0098", "+12025550103", "0101"),
        ("007", "+12025550101", "008"),
    ],
)
def test_an_extension_range_follows_the_did_range_one_to_one(
    extension: Extension, first: str, did: str, number: str
) -> None:
    decision = decide(rule(extension, to=first, did_last="+12025550109"), did=did)
    assert decision.extension_number == number
    assert decision.extension is None


def test_a_group_is_reached_as_a_group(extension: Extension) -> None:
    group = factories.GroupFactory(tenant=extension.tenant)
    assert decide(rule(extension, to=group)).group == group


def test_keep_unrouted_reaches_nobody_and_names_the_rule(extension: Extension) -> None:
    decision = decide(rule(extension, to="", name="night desk"))
    assert not decision.is_routed
    assert decision.rule is not None
    assert "night desk" in decision.because


def at(day: int, hour: int, minute: int = 0) -> datetime.datetime:
    """Return a time of the week from Monday 2 March 2026."""
    return datetime.datetime(2026, 3, 1 + day, hour, minute, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("moment", "when"),
    [
        (at(1, 9), When.OFFICE),
        (at(1, 8, 59), When.OUTSIDE),
        (at(1, 16, 59), When.OFFICE),
        (at(1, 17), When.OUTSIDE),
        (at(2, 12), When.OUTSIDE),
        (at(3, 10), When.OFFICE),
        (at(3, 12), When.OUTSIDE),
        (at(3, 15), When.OFFICE),
    ],
)
def test_office_hours_may_have_several_ranges_a_day(
    extension: Extension, moment: datetime.datetime, when: str
) -> None:
    hours = schedule(extension, (1, 9, 17), (3, 9, 11), (3, 14, 18))
    assert routing.time_of(hours, moment)[0] == when


@pytest.mark.parametrize(
    ("moment", "when"),
    [
        (at(5, 21, 59), When.OUTSIDE),
        (at(5, 22), When.OFFICE),
        (at(6, 0), When.OFFICE),
        (at(6, 5, 59), When.OFFICE),
        (at(6, 6), When.OUTSIDE),
        (at(5, 3), When.OUTSIDE),
    ],
)
def test_hours_may_cross_midnight(
    extension: Extension, moment: datetime.datetime, when: str
) -> None:
    assert routing.time_of(schedule(extension, (5, 22, 6)), moment)[0] == when


def test_sunday_night_goes_on_on_monday_morning(extension: Extension) -> None:
    assert routing.time_of(schedule(extension, (7, 22, 6)), at(1, 5))[0] == When.OFFICE


def test_equal_ends_mean_around_the_clock(extension: Extension) -> None:
    hours = schedule(extension, (1, 8, 8))
    moments = [at(1, 7), at(1, 8), at(1, 23), at(2, 7), at(2, 8)]
    found = [routing.time_of(hours, moment)[0] for moment in moments]
    assert found == [When.OUTSIDE, When.OFFICE, When.OFFICE, When.OFFICE, When.OUTSIDE]


def test_hours_are_those_of_the_wall_clock_on_both_sides_of_a_clock_change(
    extension: Extension,
) -> None:
    hours = schedule(extension, (6, 9, 17), (7, 9, 17))
    # New York's clocks go forward in the night to Sunday, 8 March 2026.
    for utc, when in (
        ("2026-03-07T13:59+00:00", When.OUTSIDE),
        ("2026-03-07T14:00+00:00", When.OFFICE),
        ("2026-03-08T12:59+00:00", When.OUTSIDE),
        ("2026-03-08T13:00+00:00", When.OFFICE),
    ):
        moment = datetime.datetime.fromisoformat(utc).astimezone(NEW_YORK)
        assert routing.time_of(hours, moment)[0] == when


def test_a_night_that_loses_an_hour_stays_open_until_morning(extension: Extension) -> None:
    hours = schedule(extension, (6, 22, 6))
    moment = datetime.datetime(2026, 3, 8, 9, 59, tzinfo=datetime.UTC).astimezone(NEW_YORK)
    assert moment.hour == 5
    assert routing.time_of(hours, moment)[0] == When.OFFICE


def test_holidays_come_before_office_hours(extension: Extension) -> None:
    hours = schedule(extension, (1, 9, 17), holiday="2026-03-02")
    when, why = routing.time_of(hours, MONDAY_NOON)
    assert when == When.HOLIDAY
    assert "Founder's day" in why
    assert routing.time_of(hours, at(8, 12))[0] == When.OFFICE


def test_without_hours_it_is_always_office_hours(extension: Extension) -> None:
    assert routing.time_of(None, at(7, 3))[0] == When.OFFICE
    assert routing.time_of(schedule(extension), at(7, 3))[0] == When.OFFICE


def test_each_time_has_its_own_destination(extension: Extension) -> None:
    night, rest = factories.ExtensionFactory.create_batch(2, tenant=extension.tenant)
    office = schedule(extension, (1, 9, 17), holiday="2026-03-09")
    way = rule(extension, outside=night, holidays=rest)
    found = [decide(way, moment=at(*when), office=office) for when in ((1, 12), (1, 20), (8, 12))]
    assert [decision.extension for decision in found] == [extension, night, rest]


def test_a_time_without_a_destination_follows_office_hours(extension: Extension) -> None:
    office = schedule(extension, (1, 9, 17))
    decision = decide(rule(extension), moment=at(1, 20), office=office)
    assert decision.extension == extension
    assert decision.when == When.OUTSIDE


def test_a_rule_may_have_hours_of_its_own(extension: Extension) -> None:
    office = schedule(extension, (1, 9, 17))
    night = factories.ExtensionFactory(tenant=extension.tenant)
    own = schedule(extension, (1, 18, 23), is_default=False)
    way = rule(extension, outside=night, schedule=own)
    assert decide(way, moment=at(1, 20), office=office).extension == extension
    assert decide(way, moment=at(1, 12), office=office).extension == night

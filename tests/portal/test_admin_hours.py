"""Office hours in the admin: a line for each weekday, and what it means now."""

import datetime as dt

import pytest
import time_machine
from django.test import Client

from portal.models import AuditEntry, OfficeHours, Schedule, Tenant, User
from tests import factories
from tests.estate import person

pytestmark = pytest.mark.django_db

ADD = "/admin/portal/schedule/add/"
MONDAY_NOON = dt.datetime(2026, 1, 5, 17, 0, tzinfo=dt.UTC)  # in New York it is noon


def week(**fields: str) -> dict[str, str]:
    return {
        "name": "Week",
        "holidays-TOTAL_FORMS": "0",
        "holidays-INITIAL_FORMS": "0",
        **fields,
    }


def stored(schedule: Schedule) -> list[str]:
    return [str(entry) for entry in schedule.hours.order_by("weekday", "opens")]


def test_a_week_is_typed_in_lines(boss: Client, tenant: Tenant) -> None:
    boss.post(ADD, week(monday="9am-12:30, 13:30-18:00", saturday="22:00-02:00"))

    schedule = Schedule.objects.get()
    assert stored(schedule) == [
        "Monday 09:00-12:30",
        "Monday 13:30-18:00",
        "Saturday 22:00-02:00",
    ]
    assert set(OfficeHours.objects.values_list("tenant", flat=True)) == {tenant.pk}


def test_the_form_shows_what_is_stored_and_keeps_it(boss: Client) -> None:
    hours = factories.OfficeHoursFactory()
    boss.force_login(person(hours.tenant, "own", User.Role.ADMIN))
    address = f"/admin/portal/schedule/{hours.schedule.pk}/change/"

    form = boss.get(address).context["adminform"].form
    boss.post(address, week(monday=form.initial["monday"]))

    assert form.initial["monday"] == "09:00-17:00"
    assert OfficeHours.objects.get().pk == hours.pk


def test_a_day_that_cannot_be_read_is_named_with_the_range(boss: Client) -> None:
    response = boss.post(ADD, week(tuesday="09:00-12:00, 13:00-99"))

    errors = response.context["adminform"].form.errors
    assert list(errors) == ["tuesday"]
    assert errors["tuesday"] == ["Tuesday: “13:00-99”: there is no time of day 99."]
    assert not Schedule.objects.exists()


def test_ranges_that_overlap_are_saved_with_a_warning(boss: Client) -> None:
    response = boss.post(ADD, week(monday="09:00-13:00, 12:00-18:00"), follow=True)

    assert Schedule.objects.get().hours.count() == 2
    assert "Monday 09:00 and those from Monday 12:00 overlap" in response.content.decode()


def test_the_audit_log_says_which_day_changed(boss: Client) -> None:
    boss.post(ADD, week(monday="9-17"))
    schedule = Schedule.objects.get()

    boss.post(f"/admin/portal/schedule/{schedule.pk}/change/", week(monday="9-17", friday="9-15"))

    entry = AuditEntry.objects.get(action="changed")
    assert entry.detail["changed"] == {"friday": [None, "09:00-15:00"]}


@pytest.mark.parametrize(
    ("monday", "tuesday", "sentence"),
    [
        ("", "", "Open around the clock."),
        ("09:00-18:00", "", "Open now, until 18:00."),
        ("09:00-11:00", "", "Closed now, until Monday 09:00."),
        ("13:00-18:00", "", "Closed now, until 13:00."),
        ("09:00-11:00", "08:00-12:00", "Closed now, until Tuesday 08:00."),
        ("09:00-06:00", "", "Open now, until Tuesday 06:00."),
    ],
)
def test_a_sentence_says_what_the_week_means_now(
    boss: Client, monday: str, tuesday: str, sentence: str
) -> None:
    with time_machine.travel(MONDAY_NOON, tick=False):
        boss.post(ADD, week(monday=monday, tuesday=tuesday))
        schedule = Schedule.objects.get()

        assert sentence in boss.get("/admin/portal/schedule/").content.decode()
        page = boss.get(f"/admin/portal/schedule/{schedule.pk}/change/").content.decode()

    assert sentence in page
    assert "There it is Monday 12:00 (America/New_York)." in page


def test_a_holiday_closes_whatever_the_week_says(boss: Client, tenant: Tenant) -> None:
    day = MONDAY_NOON.date()
    schedule = factories.ScheduleFactory(tenant=tenant)
    factories.HolidayFactory(schedule=schedule, name="Founders", first_day=day, last_day=day)

    with time_machine.travel(MONDAY_NOON, tick=False):
        page = boss.get("/admin/portal/schedule/").content.decode()

    assert "Closed for Founders, up to and including Jan. 5, 2026." in page

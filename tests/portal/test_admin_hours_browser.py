"""The editor of office hours in a real browser: by mouse, by keyboard, on a phone."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.models import OfficeHours, Schedule, User
from tests import factories
from tests.estate import person, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def schedule() -> Schedule:
    hours: OfficeHours = factories.OfficeHoursFactory()
    return hours.schedule


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, schedule: Schedule) -> Iterator[Page]:
    """The form of a week, on a phone; a fault of its scripts fails the test."""
    client = signed_in(person(schedule.tenant, "boss", User.Role.ADMIN))
    name = settings.SESSION_COOKIE_NAME
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844})
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
    )
    page = context.new_page()
    page.goto(f"/admin/portal/schedule/{schedule.pk}/change/")
    yield page
    context.close()
    assert faults == []


def day(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/admin/portal/schedule/")


def stored(schedule: Schedule) -> list[str]:
    return [str(entry) for entry in schedule.hours.order_by("weekday", "opens")]


def test_monday_is_edited_and_copied_to_the_weekdays(page: Page, schedule: Schedule) -> None:
    monday = day(page, "Monday")
    monday.get_by_label("closes").fill("12:30")
    monday.get_by_role("button", name="Add hours").click()
    page.keyboard.type("0130PM")
    monday.get_by_label("closes").last.fill("18:00")
    monday.get_by_role("button", name="Copy to Tuesday").click()
    expect(day(page, "Friday").get_by_label("closes").last).to_have_value("18:00")

    save(page)

    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
    parts = ("09:00-12:30", "13:30-18:00")
    assert stored(schedule) == [f"{name} {part}" for name in names for part in parts]


def test_a_day_is_opened_and_closed_by_keyboard(page: Page, schedule: Schedule) -> None:
    day(page, "Sunday").get_by_label("Open").focus()
    page.keyboard.press("Space")
    expect(day(page, "Sunday").get_by_label("opens", exact=True)).to_have_value("09:00")
    day(page, "Monday").get_by_label("Remove these hours").focus()
    page.keyboard.press("Enter")
    expect(day(page, "Monday").get_by_label("Open")).not_to_be_checked()

    save(page)

    assert stored(schedule) == ["Sunday 09:00-17:00"]


def test_the_picture_the_sentence_and_the_warning_follow_what_is_typed(page: Page) -> None:
    bars = page.locator("[data-track]").first.locator("i")
    expect(bars).to_have_count(1)
    monday = day(page, "Monday")
    monday.get_by_role("button", name="Add hours").click()
    monday.get_by_label("opens", exact=True).last.fill("16:00")
    monday.get_by_label("closes").last.fill("20:00")
    expect(bars).to_have_count(2)
    expect(page.get_by_text("These hours overlap:")).to_be_visible()

    for button in monday.get_by_label("Remove these hours").all()[::-1]:
        button.click()

    expect(bars).to_have_count(0)
    expect(page.get_by_text("These hours overlap:")).to_be_hidden()
    expect(page.locator("#week-standing")).to_have_text("Open around the clock.")


def test_hours_of_half_a_range_are_not_lost_but_asked_for(page: Page, schedule: Schedule) -> None:
    monday = day(page, "Monday")
    monday.get_by_label("closes").fill("")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("Monday: “09:00-” is no range of hours")).to_be_visible()
    expect(page.get_by_label("Monday")).to_have_value("09:00-")
    assert stored(schedule) == ["Monday 09:00-17:00"]

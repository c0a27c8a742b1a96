"""The admin of office hours and holidays: a week as people write it, and what it means now."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import week
from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import Holiday, OfficeHours, Schedule, Tenant

Weekday = OfficeHours.Weekday


class HoursField(forms.CharField):
    """The hours of one weekday, as text; the complaint names the day and the range."""

    def __init__(self, day: Weekday) -> None:
        super().__init__(
            label=day.label,
            required=False,
            max_length=200,
            widget=UnfoldAdminTextInputWidget(
                attrs={
                    "data-weekday": day.value,
                    "placeholder": gettext_lazy("closed"),
                    "autocomplete": "off",
                }
            ),
        )

    def clean(self, value: Any) -> Any:
        """Bring the text to its usual form."""
        text = super().clean(value)
        try:
            return week.write(week.read(text))
        except week.HoursInvalid as error:
            raise forms.ValidationError(
                _("%(day)s: %(why)s"), params={"day": self.label, "why": error}
            ) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Take the same hours, written otherwise, for the same."""
        try:
            return week.read(initial or "") != week.read(data or "")
        except week.HoursInvalid:
            return True


class ScheduleForm(TenantForm[Schedule]):
    """A week in seven lines."""

    monday = HoursField(Weekday.MONDAY)
    tuesday = HoursField(Weekday.TUESDAY)
    wednesday = HoursField(Weekday.WEDNESDAY)
    thursday = HoursField(Weekday.THURSDAY)
    friday = HoursField(Weekday.FRIDAY)
    saturday = HoursField(Weekday.SATURDAY)
    sunday = HoursField(Weekday.SUNDAY)

    class Meta:
        model = Schedule
        fields = ("name", "is_default")
        help_texts = {
            "is_default": gettext_lazy(
                "They hold for every inbound rule that names no hours of its own, and decide which "
                "automatic reply is sent."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            for day, ranges in hours_of(self.instance).items():
                self.initial[Weekday(day).name.lower()] = week.write(ranges)

    def save_hours(self) -> None:
        """Write the days that changed."""
        schedule = self.instance
        days = [day for day in Weekday if day.name.lower() in self.changed_data]
        OfficeHours.objects.filter(schedule=schedule, weekday__in=days).delete()
        OfficeHours.objects.bulk_create(
            OfficeHours(
                tenant=schedule.tenant, schedule=schedule, weekday=day, opens=opens, closes=closes
            )
            for day in days
            for opens, closes in week.read(self.cleaned_data[day.name.lower()])
        )


class HolidayInline(TenantInline):
    """Days on which the office is closed."""

    model = Holiday
    hide_title = False
    verbose_name_plural = gettext_lazy("holidays: closed on these days, whatever the week says")


def hours_of(schedule: Schedule) -> dict[int, list[week.Range]]:
    """Return the ranges of each weekday that has some."""
    found: dict[int, list[week.Range]] = defaultdict(list)
    for entry in schedule.hours.all():
        found[entry.weekday].append((entry.opens, entry.closes))
    return found


def clock(minute: int) -> str:
    """Write a minute of the week as a time of day."""
    return f"{minute % week.DAY // 60:02}:{minute % 60:02}"


def when(minute: int) -> str:
    """Write a minute of the week as a day and a time."""
    return f"{Weekday(minute // week.DAY + 1).label} {clock(minute)}"


def holiday(schedule: Schedule, moment: datetime) -> Holiday | None:
    """Return the holiday that a moment falls into."""
    days = schedule.holidays.all()
    return next((one for one in days if one.first_day <= moment.date() <= one.last_day), None)


def standing(schedule: Schedule, moment: datetime) -> str:
    """Say in a sentence what a schedule means at a moment in the tenant's zone."""
    closed_for = holiday(schedule, moment)
    if closed_for:
        last = date_format(closed_for.last_day, "DATE_FORMAT")
        text = _("Closed for %(name)s, up to and including %(last)s.")
        return text % {"name": closed_for.name, "last": last}
    found = week.standing(hours_of(schedule), moment)
    if found.until is None:
        return _("Open around the clock.")
    midnight = moment.isoweekday() * week.DAY
    is_today = week.minute(moment) < found.until < midnight
    then = clock(found.until) if is_today else when(found.until)
    sentence = _("Open now, until %(then)s.") if found.is_open else _("Closed now, until %(then)s.")
    return sentence % {"then": then}


@admin.register(Schedule, site=site)
class ScheduleAdmin(TenantScopedAdmin[Schedule]):
    """A week and the holidays; one schedule is the tenant's own."""

    form = ScheduleForm
    list_display = ("name", "is_default", "now")
    list_select_related = ("tenant",)
    search_fields = ("name",)
    inlines = (HolidayInline,)
    change_form_before_template = "admin/hours.html"
    fieldsets = (
        (None, {"fields": ("name", "is_default")}),
        (
            gettext_lazy("Hours"),
            {
                "fields": tuple(day.name.lower() for day in Weekday),
                "description": gettext_lazy(
                    "Several ranges a day, such as 09:00-12:30, 13:30-18:00. One that ends before "
                    "it begins, such as 22:00-06:00, ends the next morning. Empty is closed; a "
                    "week without any hours is open around the clock."
                ),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        """Load the week and the holidays along."""
        return super().get_queryset(request).prefetch_related("hours", "holidays")

    @admin.display(description=gettext_lazy("now"))
    def now(self, schedule: Schedule) -> str:
        """Say whether it is open."""
        return standing(schedule, timezone.now().astimezone(schedule.tenant.zone))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write the week, and say where it overlaps: that does no harm, but may be a mistake."""
        super().save_related(request, form, formsets, change)
        form.save_hours()
        ranges = {day.value: week.read(form.cleaned_data[day.name.lower()]) for day in Weekday}
        for first, second in week.overlaps(ranges):
            text = _("The hours from %(first)s and those from %(second)s overlap.")
            messages.warning(request, text % {"first": when(first), "second": when(second)})

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Add the picture of the week and what it means now."""
        tenant = self.working_tenant(request, row) or Tenant()
        moment = timezone.now().astimezone(tenant.zone)
        hours = hours_of(row) if row else {}
        return {
            **super().page_context(request, row),
            "zone": tenant.timezone,
            "minute": week.minute(moment),
            "moment": when(week.minute(moment)),
            "standing": standing(row, moment) if row else _("Open around the clock."),
            "on_holiday": bool(row and holiday(row, moment)),
            "days": [(day.label, week.bars(day, hours)) for day in Weekday],
        }

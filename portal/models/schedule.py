"""When an office is open: weekly hours and holidays, in the tenant's time zone."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.fence import SameTenant, fence_key
from portal.models.tenant import Tenant


class Schedule(models.Model):
    """Office hours and holidays. The default one is the tenant's; a rule may name its own.

    A schedule without hours is open around the clock.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="schedules")
    name = models.CharField(_("name"), max_length=64)
    is_default = models.BooleanField(_("the tenant's own hours"), default=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="schedule_name_once",
                violation_error_message=_("There is a schedule of this name already."),
            ),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=models.Q(is_default=True),
                name="schedule_one_default",
                violation_error_message=_("Another schedule holds the tenant's own hours."),
            ),
            fence_key("schedule_fence"),
        ]

    def __str__(self) -> str:
        return self.name


class OfficeHours(models.Model):
    """One range of one weekday; closing at or before opening means the next morning."""

    class Weekday(models.IntegerChoices):
        """Days as ISO numbers them."""

        MONDAY = 1, _("Monday")
        TUESDAY = 2, _("Tuesday")
        WEDNESDAY = 3, _("Wednesday")
        THURSDAY = 4, _("Thursday")
        FRIDAY = 5, _("Friday")
        SATURDAY = 6, _("Saturday")
        SUNDAY = 7, _("Sunday")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"))

    class Meta:
        ordering = ["weekday", "opens"]
        verbose_name = _("office hours")
        verbose_name_plural = _("office hours")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weekday__gte=1, weekday__lte=7), name="hours_weekday"
            ),
            SameTenant(field="schedule", to="portal.Schedule", name="hours_schedule_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


class Holiday(models.Model):
    """Days on which the office is closed, both ends included."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="holidays")
    name = models.CharField(_("name"), max_length=64)
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))

    class Meta:
        ordering = ["first_day"]
        verbose_name = _("holiday")
        verbose_name_plural = _("holidays")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")),
                name="holiday_not_backwards",
                violation_error_message=_("The last day must not be before the first."),
            ),
            SameTenant(field="schedule", to="portal.Schedule", name="holiday_schedule_fence"),
        ]

    def __str__(self) -> str:
        return self.name

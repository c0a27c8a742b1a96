"""The admin of office hours and holidays."""

from django.contrib import admin

from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.admin.site import site
from portal.models import Holiday, OfficeHours, Schedule


class OfficeHoursInline(TenantInline):
    """Several ranges a day; closing before opening means the next morning."""

    model = OfficeHours


class HolidayInline(TenantInline):
    """Days on which the office is closed."""

    model = Holiday


@admin.register(Schedule, site=site)
class ScheduleAdmin(TenantScopedAdmin[Schedule]):
    """A week and the holidays; one schedule is the tenant's own."""

    list_display = ("name", "is_default")
    search_fields = ("name",)
    inlines = (OfficeHoursInline, HolidayInline)

"""The admin of tenants; a tenant's administrator edits the own one's settings."""

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from portal.admin import trail
from portal.admin.fence import is_system
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.models import Tenant


class SettingsForm(forms.ModelForm[Tenant]):
    """The settings of one tenant."""

    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=lambda: [(name, name) for name in sorted(zoneinfo.available_timezones())],
        initial="America/New_York",
        widget=UnfoldAdminSelectWidget(),
    )


@admin.register(Tenant, site=site)
class TenantAdmin(TenantScopedAdmin[Tenant]):
    """Everything of a tenant for system administrators, its settings for its own."""

    form = SettingsForm
    exclude = None
    tenant_path = "pk"
    asks_tenant = False
    list_display = ("name", "slug", "active", "messaging_enabled", "timezone", "country")
    search_fields = ("name", "slug")
    fieldsets = (
        (None, {"fields": ("name", "slug", ("active", "messaging_enabled"))}),
        (gettext_lazy("Place"), {"fields": ("timezone", "country")}),
        (
            gettext_lazy("Automatic replies"),
            {
                "fields": ("auto_reply", "after_hours_reply", "holiday_reply"),
                "description": gettext_lazy(
                    "Sent once to somebody who texts; empty sends nothing."
                ),
            },
        ),
        (gettext_lazy("Messages"), {"fields": ("default_sender_id", "retention_days")}),
        (
            gettext_lazy("Second factor"),
            {
                "fields": (
                    "second_factor_admins",
                    "second_factor_auditors",
                    "second_factor_extensions",
                ),
                "description": gettext_lazy(
                    "A code of an authenticator app, asked for after the password. Who must have "
                    "one and has none is led to the page that sets it up, and no further."
                ),
            },
        ),
    )

    def tenant_id_of(self, row: Any) -> int | None:
        """Return the tenant itself."""
        pk: int | None = row.pk
        return pk

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep from the tenant's own people what the system administrator decides."""
        return () if is_system(request) else ("slug", "active")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a system administrator makes tenants."""
        return is_system(request) and super().has_add_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a system administrator removes tenants."""
        return is_system(request) and super().has_delete_permission(request, obj)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Keep the entry outside the tenant, whose own entries go with it."""
        for tenant in queryset:
            trail.record(request, "deleted", tenant, tenant_id=None)

"""The admin of tenants; a tenant's administrator edits the own one's settings."""

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from portal import e164
from portal.admin import managing, trail
from portal.admin.acts import Act
from portal.admin.fence import is_system
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.admin.suspension import resume_view, suspend_view
from portal.models import Tenant

REPLIES = ("auto_reply", "after_hours_reply", "holiday_reply")


class SettingsForm(forms.ModelForm[Tenant]):
    """The settings of one tenant."""

    timezone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=lambda: [(name, name) for name in sorted(zoneinfo.available_timezones())],
        initial="America/New_York",
        help_text=gettext_lazy("Office hours, holidays and the times on these pages are in it."),
        widget=UnfoldAdminSelectWidget(),
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Default country"),
        choices=e164.countries,
        initial="US",
        help_text=gettext_lazy(
            "Numbers that somebody types without a country code are read in this country."
        ),
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = Tenant
        fields = ("name", "slug", "messaging_enabled", "default_sender_id")
        help_texts = {
            "name": gettext_lazy("What the customer is called on these pages."),
            "slug": gettext_lazy(
                "Lower-case letters, digits and hyphens. Commands and set-up files call the tenant "
                "by it, so leave it as it is once they do."
            ),
            "messaging_enabled": gettext_lazy(
                "Off: texts that come in are held in quarantine and delivered when it is on again, "
                "texts that wait to be sent are held, new ones are refused."
            ),
            "default_sender_id": gettext_lazy(
                "A word of up to 11 characters. Extensions that may use a Sender ID send from it "
                "on trunks that have none of their own."
            ),
        }
        widgets = {name: UnfoldAdminTextareaWidget(attrs={"rows": 3}) for name in REPLIES}


@admin.register(Tenant, site=site)
class TenantAdmin(TenantScopedAdmin[Tenant]):
    """Everything of a tenant for system administrators, its settings for its own."""

    form = SettingsForm
    exclude = None
    tenant_path = "pk"
    asks_tenant = False
    list_display = ("name", "slug", "standing", "timezone", "country", "enter")
    search_fields = ("name", "slug")
    fieldsets = (
        (None, {"fields": ("name", "slug", "state", "messaging_enabled")}),
        (gettext_lazy("Place"), {"fields": ("timezone", "country")}),
        (
            gettext_lazy("Automatic replies"),
            {
                "fields": REPLIES,
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
    acts = (
        Act("manage", gettext_lazy("Manage"), managing.enter, leads_to="admin:index"),
        Act(
            "suspend",
            gettext_lazy("Suspend"),
            view=suspend_view,
            fits=lambda tenant: tenant.active,
        ),
        Act(
            "resume",
            gettext_lazy("Resume"),
            view=resume_view,
            fits=lambda tenant: not tenant.active,
        ),
    )

    def tenant_id_of(self, row: Any) -> int | None:
        """Return the tenant itself."""
        pk: int | None = row.pk
        return pk

    def get_urls(self) -> list[Any]:
        """Give the way out of a tenant an address."""
        leave = self.admin_site.admin_view(managing.leave)
        return [path("leave/", leave, name="leave_tenant"), *super().get_urls()]

    def get_list_display(self, request: HttpRequest) -> Any:
        """Let in who may go in."""
        columns = super().get_list_display(request)
        return columns if is_system(request) else [name for name in columns if name != "enter"]

    @display(
        description=gettext_lazy("state"),
        label={"on": "success", "off": "warning", "suspended": "danger"},
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def standing(self, tenant: Tenant) -> tuple[str, Any]:
        """Show whether the tenant is in service."""
        if not tenant.active:
            return "suspended", gettext_lazy("suspended")
        if not tenant.messaging_enabled:
            return "off", gettext_lazy("messaging off")
        return "on", gettext_lazy("in service")

    @admin.display(description=gettext_lazy("state"))
    def state(self, tenant: Tenant) -> str:
        """Say whether the tenant is in service."""
        return str(self.standing(tenant)[1])

    @admin.display(description=gettext_lazy("work in it"))
    def enter(self, tenant: Tenant) -> str:
        """Offer to manage the tenant."""
        return managing.button(tenant)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep from the tenant's own people what the system administrator decides."""
        return ("state",) if is_system(request) else ("slug", "state")

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Suggest the short name of a new tenant."""
        return {} if obj else {"slug": ("name",)}

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Leave the acts to system administrators."""
        return is_system(request) and super().may_act(request, row)

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

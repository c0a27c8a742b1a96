"""The sidebar of the admin: what a person may look at, grouped by what it is for."""

from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from portal.admin.certificate import badge
from portal.admin.fence import is_system, own_tenant_id
from portal.admin.site import may_enter, site

# Group, then model (or page of the site) and icon. Models of other applications are named, never
# imported.
GROUPS: tuple[tuple[Any, tuple[tuple[str, str], ...]], ...] = (
    (
        _("Traffic"),
        (
            ("admin:index", "monitoring"),
            ("sms.Message", "chat"),
            ("sms.Conversation", "forum"),
            ("sms.TrunkQueue", "hourglass_top"),
            ("sms.ProviderEvent", "shield"),
            ("sms.OptOut", "do_not_disturb_on"),
            ("sms.MediaFile", "image"),
        ),
    ),
    (
        _("Numbers"),
        (
            ("portal.Trunk", "cell_tower"),
            ("portal.DID", "dialpad"),
            ("portal.SenderID", "badge"),
            ("portal.InboundRule", "alt_route"),
            ("portal.Schedule", "schedule"),
            ("admin:simulator", "route"),
            ("admin:providers", "hub"),
        ),
    ),
    (
        _("People"),
        (
            ("portal.Extension", "call"),
            ("portal.Group", "groups"),
            ("portal.Contact", "contacts"),
            ("portal.User", "person"),
        ),
    ),
    (
        _("Administration"),
        (
            ("portal.Tenant", "apartment"),
            ("portal.ApiToken", "key"),
            ("portal.AuditEntry", "history"),
            ("sms.RefusedCount", "block"),
            ("admin:certificate", "verified_user"),
        ),
    ),
)

TITLES = {
    "sms.Message": _("Message log"),
    "sms.ProviderEvent": _("Quarantine"),
    "portal.AuditEntry": _("Audit log"),
    "admin:index": _("Overview"),
    "admin:simulator": _("Where does a text go?"),
    "admin:providers": _("Providers"),
    "admin:certificate": _("Certificate"),
}
SYSTEM_ONLY = {"admin:certificate"}
BADGES = {"admin:certificate": badge}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups and links that the person may follow."""
    if not may_enter(request.user):
        return []
    groups = [{"title": title, "items": _items(request, entries)} for title, entries in GROUPS]
    return [group for group in groups if group["items"]]


def account(request: HttpRequest) -> list[dict[str, str]]:
    """Return what the menu of the person leads to."""
    del request
    return [{"title": str(_("Account")), "link": reverse("account")}]


def stylesheet(request: HttpRequest) -> str:
    """Return the address of what our pages add to the theme."""
    del request
    return static("portal/admin.css")


def icon(request: HttpRequest) -> str:
    """Return the address of the icon in the browser's tab."""
    del request
    return static("sms/icon.svg")


def _items(request: HttpRequest, entries: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    items = []
    for label, symbol in entries:
        if label in SYSTEM_ONLY and not is_system(request):
            continue
        if label.startswith("admin:"):
            mark = BADGES[label]() if label in BADGES else {}
            link = reverse(label)
            items.append({"title": str(TITLES[label]), "icon": symbol, "link": link, **mark})
            continue
        model = apps.get_model(label)
        if not site.is_registered(model):
            continue
        if not site.get_model_admin(model).has_view_permission(request):
            continue
        options = model._meta
        link = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        title = TITLES.get(label) or capfirst(options.verbose_name_plural)
        if label == "portal.Tenant" and not is_system(request):
            title = _("Settings")
            link = reverse("admin:portal_tenant_change", args=[own_tenant_id(request)])
        items.append({"title": str(title), "icon": symbol, "link": link})
    return items

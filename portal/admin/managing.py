"""Manage: a system administrator enters a tenant and works there as its administrator would."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.admin import fence, trail
from portal.models import Tenant

BUTTON = (
    "border border-base-200 cursor-pointer font-medium px-2.5 py-1 rounded-default shadow-xs "
    "text-important whitespace-nowrap hover:bg-base-100/80 dark:border-base-700 "
    "dark:hover:bg-base-800/80"
)


def enter(page: Any, request: HttpRequest, tenant: Tenant) -> str:
    """Work in the tenant from now on; its log and a banner say so."""
    if not fence.is_system(request):
        raise PermissionDenied
    page.note(request, "entered", tenant)
    fence.manage(request, tenant)
    return _("You now work in %(tenant)s as its administrator would.") % {"tenant": tenant}


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """See every tenant again."""
    tenant = fence.managed(request)
    fence.manage(request, None)
    if tenant is not None:
        trail.record(request, "left", tenant, tenant_id=tenant.pk)
    return HttpResponseRedirect(reverse("admin:portal_tenant_changelist"))


def button(tenant: Tenant) -> str:
    """Return a button for a row of a list: the list's own form carries it."""
    return format_html(
        '<button type="submit" formaction="{}" class="{}" aria-label="{}">{}</button>',
        reverse("admin:portal_tenant_act", args=[tenant.pk, "manage"]),
        BUTTON,
        _("Manage %(tenant)s") % {"tenant": tenant},
        _("Manage"),
    )

"""Numbers of a trunk: added to an own one, given to tenants on a shared one."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.models import DID, Tenant, Trunk


def is_shared(trunk: Trunk) -> bool:
    """Say whether the trunk's numbers are given to tenants one by one."""
    return trunk.tenant_id is None


def is_owned(trunk: Trunk) -> bool:
    """Say whether the trunk's numbers are all its tenant's."""
    return trunk.tenant_id is not None


def add_view(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Go to the form that adds DIDs, with the trunk chosen."""
    del page, request
    query = urlencode({"tenant": trunk.tenant_id, "trunk": trunk.pk})
    return HttpResponseRedirect(f"{reverse('admin:portal_did_add')}?{query}")


def give_view(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Show who has how many numbers on a shared trunk, and lead to giving and taking back."""
    held = (
        DID.objects.filter(trunk=trunk)
        .order_by("tenant__name")
        .values("tenant_id", "tenant__name")
        .annotate(count=Count("pk"))
    )
    listing = reverse("admin:portal_did_changelist")
    rows = [
        {
            "tenant": row["tenant__name"],
            "tenant_id": row["tenant_id"],
            "count": row["count"],
            "url": f"{listing}?tenant__id__exact={row['tenant_id']}&trunk__id__exact={trunk.pk}",
        }
        for row in held
    ]
    context = {
        **page.act_context(request, trunk, _("Give numbers to a tenant")),
        "rows": rows,
        "tenants": Tenant.objects.order_by("name").only("name"),
    }
    return TemplateResponse(request, "admin/give.html", context)

"""The page that imports a trunk's numbers from the provider, with what each of them can do."""

from dataclasses import asdict, dataclass
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import e164
from portal.admin.acts import ActFailed
from portal.admin.did import Taken, add_rows
from portal.models import DID, Tenant, Trunk
from providers.abilities import ListedNumber, ListsNumbers
from providers.errors import ProviderError

_SALT = "portal.numbers"
FRESH_SECONDS = 3600
# So many are offered one by one; more can only be taken all together.
SHOWN = 500


@dataclass(frozen=True)
class Offer:
    """A number of the provider's list, and what we know of it."""

    listed: ListedNumber
    pretty: str
    is_known: bool


def can_import(trunk: Trunk) -> bool:
    """Say whether the provider's adapter can list the account's numbers."""
    return issubclass(trunk.capable, ListsNumbers)


def import_view(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Ask the provider for the account's numbers, and add those that are chosen."""
    if request.method == "POST":
        return _import(page, request, trunk)
    found = _listed(trunk)
    known = set(DID.objects.filter(trunk=trunk).values_list("number", flat=True))
    offers = [
        Offer(listed=one, pretty=e164.pretty(one.number), is_known=one.number in known)
        for one in found
    ]
    context = {
        **page.act_context(request, trunk, _("Import numbers")),
        "offers": offers[:SHOWN],
        "more": max(0, len(offers) - SHOWN),
        "new": sum(not offer.is_known for offer in offers),
        # What was shown is what is imported, whatever the provider says a moment later.
        "list": signing.dumps([asdict(one) for one in found], salt=_SALT, compress=True),
        "tenants": None if trunk.tenant_id else Tenant.objects.order_by("name"),
    }
    return TemplateResponse(request, "admin/numbers.html", context)


def _listed(trunk: Trunk) -> list[ListedNumber]:
    try:
        adapter = trunk.adapter()
        if not isinstance(adapter, ListsNumbers):
            raise ActFailed(_("This provider cannot list its numbers."))
        found = adapter.list_numbers()
    except (ProviderError, ValueError) as error:
        raise ActFailed(str(error)) from error
    if not found:
        raise ActFailed(_("The provider lists no number for this account."))
    return sorted(found, key=lambda one: one.number)


def _import(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    try:
        rows = signing.loads(request.POST.get("list", ""), salt=_SALT, max_age=FRESH_SECONDS)
    except signing.BadSignature as error:
        raise ActFailed(_("The list is too old. Open it again.")) from error
    tenant = trunk.tenant or Tenant.objects.filter(pk=request.POST.get("tenant") or 0).first()
    if tenant is None:
        raise ActFailed(_("Choose the tenant that gets the numbers."))
    known = set(DID.objects.filter(trunk=trunk).values_list("number", flat=True))
    chosen = set(request.POST.getlist("number"))
    wanted = [
        ListedNumber(**row)
        for row in rows
        if row["number"] not in known and ("_all" in request.POST or row["number"] in chosen)
    ]
    if not wanted:
        raise ActFailed(_("No new number was chosen."))
    try:
        added = add_rows([_did(tenant, trunk, one) for one in wanted])
    except Taken as error:
        raise ActFailed(_("Nothing was imported. %(why)s") % {"why": error}) from error
    for row in added:
        page.note(request, "imported", row)
    text = ngettext("%(n)d DID was imported.", "%(n)d DIDs were imported.", len(added))
    messages.success(request, text % {"n": len(added)})
    return HttpResponseRedirect(page.back_to(trunk))


def _did(tenant: Tenant, trunk: Trunk, one: ListedNumber) -> DID:
    return DID.usual(
        tenant=tenant,
        trunk=trunk,
        number=one.number,
        sms=one.sms,
        mms=one.mms,
        label=one.label[:64],
    )

"""The admin of DIDs: added as a pool, kept as they are, removed with a look at who uses them."""

from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from portal import e164
from portal.admin import trail
from portal.admin.acts import Act, ActFailed
from portal.admin.csv_page import export, import_page
from portal.admin.fence import is_system
from portal.admin.filters import ScopedRelatedFilter
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.forms import PoolForm
from portal.models import DID, Tenant, Trunk
from providers.abilities import ReadsWebhook, SetsWebhook
from providers.errors import ProviderError


class Taken(Exception):
    """One of the numbers belongs to somebody else; nothing was added."""


def add_pool(form: PoolForm) -> list[DID]:
    """Add the numbers of a valid form that the trunk does not have yet, all or none."""
    data = form.cleaned_data
    flags = {name: data[name] for name in ("sms", "mms", "label", "campaign_note")}
    known = set(DID.objects.filter(trunk=data["trunk"]).values_list("number", flat=True))
    return add_rows(
        [
            DID.usual(tenant=form.tenant, trunk=data["trunk"], number=number, **flags)
            for number in data["pool"]
            if number not in known
        ]
    )


def add_rows(rows: list[DID]) -> list[DID]:
    """Add DIDs, all or none; ``Taken`` names the number that belongs to somebody else."""
    try:
        with transaction.atomic():
            return DID.objects.bulk_create(rows, batch_size=1000)
    except IntegrityError as error:
        named = next((row for row in rows if row.number in str(error)), None)
        prefix = f"{named}: " if named and len(rows) > 1 else ""
        raise Taken(prefix + _("This number is taken.")) from error


def set_webhook(page: Any, request: HttpRequest, did: DID) -> str:
    """Enter the trunk's address at the provider, for this number."""
    try:
        adapter = did.trunk.adapter()
        if not isinstance(adapter, SetsWebhook):
            raise ActFailed(_("This provider cannot be told the address from here."))
        sentence = adapter.set_webhook(did.number, did.trunk.webhook_url)
    except (ProviderError, ValueError) as error:
        raise ActFailed(str(error)) from error
    page.note(request, "set the webhook of", did)
    return sentence


def read_webhook(page: Any, request: HttpRequest, did: DID) -> str:
    """Look at which address the provider has for this number."""
    del page, request
    try:
        adapter = did.trunk.adapter()
        if not isinstance(adapter, ReadsWebhook):
            raise ActFailed(_("This provider cannot be asked for the address from here."))
        found = adapter.read_webhook(did.number)
    except (ProviderError, ValueError) as error:
        raise ActFailed(str(error)) from error
    if not found:
        raise ActFailed(_("The provider has no address for this number. Enter it there."))
    if found != did.trunk.webhook_url:
        raise ActFailed(
            _("The provider posts this number's texts to another address: %(url)s") % {"url": found}
        )
    return _("The provider posts this number's texts to the address of this trunk.")


def can_read_webhook(did: DID) -> bool:
    """Say whether the provider's adapter can ask for the address."""
    return issubclass(did.trunk.capable, ReadsWebhook)


def can_set_webhook(did: DID) -> bool:
    """Say whether the provider's adapter can enter the address by itself."""
    return issubclass(did.trunk.capable, SetsWebhook)


@admin.register(DID, site=site)
class DIDAdmin(TenantScopedAdmin[DID]):
    """Numbers; which number and which trunk never changes."""

    exclude = ("tenant",)
    list_display = ("pretty", "label", "trunk", "sms", "mms")
    list_display_links = ("pretty",)
    list_filter = (("trunk", ScopedRelatedFilter), "sms", "mms")
    list_select_related = ("trunk",)
    search_fields = ("number", "label")
    readonly_fields = ("pretty", "trunk")
    fields = ("pretty", "trunk", ("sms", "mms"), "messages_per_second", "label", "campaign_note")
    actions = ("export_selected",)
    actions_list = ("import_csv", "export_csv")
    acts = (
        Act("webhook", gettext_lazy("Set webhook"), set_webhook, fits=can_set_webhook),
        Act("look", gettext_lazy("Check the webhook"), read_webhook, fits=can_read_webhook),
    )

    @admin.display(description=gettext_lazy("number"), ordering="number")
    def pretty(self, did: DID) -> str:
        """Write the number the way people read it."""
        return str(did)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show a system administrator whose number it is."""
        return ("tenant", *self.fields) if is_system(request) else self.fields

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Leave a shared trunk to the system administrator."""
        return super().may_act(request, row) and (is_system(request) or bool(row.trunk.tenant_id))

    def trunks(self, request: HttpRequest, tenant: Tenant) -> QuerySet[Trunk]:
        """Return the trunks on which a DID can be given to the tenant."""
        own = Q(tenant=tenant)
        return Trunk.objects.filter(own | Q(tenant=None) if is_system(request) else own)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for the tenant where it is open, then take a pool."""
        if not self.has_add_permission(request) or self.next_step(request):
            return super().add_view(request, form_url, extra_context)
        tenant = self.working_tenant(request)
        if tenant is None:
            return super().add_view(request, form_url, extra_context)
        form = PoolForm(
            request.POST or None,
            initial=request.GET.dict(),
            tenant=tenant,
            trunks=self.trunks(request, tenant),
        )
        preview = ""
        if request.method == "POST" and form.is_valid():
            if "_preview" not in request.POST:
                answer = self._add(request, form)
                if answer:
                    return answer
            else:
                preview = self._preview(form)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Add DIDs"),
            "form": form,
            "preview": preview,
        }
        return TemplateResponse(request, "admin/pool.html", context)

    def _add(self, request: HttpRequest, form: PoolForm) -> HttpResponse | None:
        try:
            rows = add_pool(form)
        except Taken as error:
            form.add_error("pool", str(error))
            return None
        for row in rows:
            self.note(request, "added", row)
        known = len(form.cleaned_data["pool"]) - len(rows)
        text = ngettext("%(n)d DID was added.", "%(n)d DIDs were added.", len(rows))
        there = _(" %(n)d were there already.") % {"n": known} if known else ""
        messages.success(request, text % {"n": len(rows)} + there)
        return HttpResponseRedirect(reverse("admin:portal_did_changelist"))

    def _preview(self, form: PoolForm) -> str:
        numbers, trunk = form.cleaned_data["pool"], form.cleaned_data["trunk"]
        known = DID.objects.filter(trunk=trunk, tenant=form.tenant, number__in=numbers).count()
        ends = dict.fromkeys((e164.pretty(numbers[0]), e164.pretty(numbers[-1])))
        return _("%(numbers)s: %(n)d in all, %(known)d of them there already.") % {
            "numbers": " - ".join(ends),
            "n": len(numbers),
            "known": known,
        }

    @action(description=gettext_lazy("Import CSV"), url_path="import", permissions=["add"])  # type: ignore[untyped-decorator] # unfold carries no types
    def import_csv(self, request: HttpRequest) -> HttpResponse:
        """Ask for the tenant where it is open, then take a file."""
        step = self.next_step(request)
        tenant = self.working_tenant(request)
        if step or tenant is None:
            return self.ask(request, step) if step else HttpResponseRedirect("..")
        return import_page(self, request, tenant, self.trunks(request, tenant))

    @action(description=gettext_lazy("Export CSV"), url_path="export", permissions=["view"])  # type: ignore[untyped-decorator] # unfold carries no types
    def export_csv(self, request: HttpRequest) -> HttpResponse:
        """Return every number that the person may see."""
        trail.exported(request, self.opts.verbose_name_plural)
        return export(self.get_queryset(request))

    @admin.action(description=gettext_lazy("Export the selected DIDs as CSV"), permissions=["view"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[DID]) -> HttpResponse:
        """Return these numbers only."""
        trail.exported(request, self.opts.verbose_name_plural)
        return export(queryset)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Numbers on a shared trunk were given, and only the giver takes them back."""
        given = obj is not None and obj.pk and obj.trunk.tenant_id is None
        return super().has_delete_permission(request, obj) and (is_system(request) or not given)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Refuse given numbers in a selection, too."""
        given = [str(did) for did in objs if not self.has_delete_permission(request, did)]
        if given:
            why = _("%(did)s is on a shared trunk; the system administrator takes it back.")
            return [], {}, set(), [why % {"did": did} for did in given]
        return super().get_deleted_objects(objs, request)

    def mentions(self, row: DID) -> list[str]:
        """Name the rules whose range holds the number: they stay, and no longer get its texts."""
        rules = row.trunk.rules.filter(tenant=row.tenant)
        return [
            _("Inbound rule %(rule)s covers it; the rule stays.") % {"rule": rule.name}
            for rule in rules
            if rule.covers(row.number)
        ]

"""The admin of trunks and of the Sender IDs on them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from portal.admin.acts import Act
from portal.admin.checking import check_view
from portal.admin.fence import is_system, usable_trunks
from portal.admin.filters import ScopedRelatedFilter
from portal.admin.giving import add_view, give_view, is_owned, is_shared
from portal.admin.guide import blocks
from portal.admin.numbers import can_import, import_view
from portal.admin.pausing import is_paused, is_running, pause_view, resume, resume_act
from portal.admin.rehearsal import try_view
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.admin.stepping import Step
from portal.forms import CREDENTIAL, FORGET, TenantForm, TrunkForm, trunk_form
from portal.models import SenderID, Tenant, Trunk
from portal.models.trunk import new_webhook_token
from portal.vault import CredentialsUnreadable
from providers import registry
from providers.contract import Proof
from providers.credentials import credential_fields


def rotate_act(page: Any, request: HttpRequest, trunk: Trunk) -> str:
    """Give the trunk another webhook address."""
    Trunk.objects.filter(pk=trunk.pk).update(
        webhook_token=new_webhook_token(), updated_at=timezone.now()
    )
    page.note(request, "rotated the webhook address of", trunk)
    return _("The trunk has a new webhook address. Enter it at the provider now.")


def _proof(trunk: Trunk | None, provider: str) -> str:
    """Return how well the trunk's webhooks prove themselves, empty where it cannot be told yet."""
    adapter = registry.get(provider)
    if not adapter.capabilities.inbound:
        return "none"
    if trunk is None:
        depends = any(field.generated for field in credential_fields(adapter.credentials_type))
        return "" if depends or adapter.capabilities.signed_webhooks else Proof.ADDRESS.value
    try:
        return trunk.adapter().proof.value
    except (CredentialsUnreadable, ValueError):
        return ""


@admin.register(Trunk, site=site)
class TrunkAdmin(TenantScopedAdmin[Trunk]):
    """A trunk: first the provider is chosen, then the form grows the provider's fields."""

    form = TrunkForm
    shareable = gettext_lazy("Nobody: shared, its DIDs are given to tenants one by one")
    list_display = ("name", "provider", "enabled", "condition", "last_webhook_at", "last_send_at")
    list_filter = ("provider", "enabled")
    search_fields = ("name",)
    change_form_outer_before_template = "admin/trunk.html"
    change_form_outer_after_template = "admin/trunk_guide.html"
    acts = (
        Act("check", gettext_lazy("Check"), view=check_view),
        Act("give", gettext_lazy("Give numbers to a tenant"), view=give_view, fits=is_shared),
        Act("add", gettext_lazy("Add numbers"), view=add_view, fits=is_owned),
        Act("numbers", gettext_lazy("Import numbers"), view=import_view, fits=can_import),
        Act("try", gettext_lazy("Try without sending"), view=try_view),
        Act("pause", gettext_lazy("Pause"), view=pause_view, fits=is_running),
        Act("resume", gettext_lazy("Resume"), resume_act, fits=is_paused),
        Act(
            "rotate",
            gettext_lazy("Rotate the webhook address"),
            rotate_act,
            gettext_lazy(
                "The present address stops working at once: until the new one is entered at the "
                "provider, texts and receipts of this trunk do not arrive."
            ),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Trunk]:
        """Leave the credentials sealed until a form asks for them."""
        return super().get_queryset(request).defer("credentials")

    def next_step(self, request: HttpRequest) -> Step | None:
        """Ask for the tenant, then for the provider."""
        step = super().next_step(request)
        known = registry.choices()
        if step or request.GET.get("provider") in dict(known):
            return step
        return Step("provider", _("At which provider is the account?"), known)

    def _provider(self, request: HttpRequest, obj: Trunk | None) -> str:
        return obj.provider if obj else request.GET.get("provider", "")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with as much as the provider takes from an account."""
        rate = Trunk(provider=self._provider(request, None)).usual_rate
        return {**super().get_changeform_initial_data(request), "messages_per_second": rate}

    def get_form(
        self, request: HttpRequest, obj: Trunk | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Grow the fields of the provider."""
        form = trunk_form(self._provider(request, obj), obj)
        return super().get_form(request, obj, change=change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: Trunk | None = None) -> Any:
        """Group the fields; the address of the provider is the system administrator's matter."""
        grown = trunk_form(self._provider(request, obj), obj).declared_fields
        credentials = [name for name in grown if name.startswith((CREDENTIAL, FORGET))]
        sending = ["messages_per_second"]
        if registry.get(self._provider(request, obj)).capabilities.sender_id:
            sending.append("sender_id")
        if is_system(request):
            sending.append("api_base")
        return (
            (None, {"fields": ["name", "enabled"]}),
            (_("Credentials"), {"fields": credentials}),
            (_("Sending"), {"fields": sending}),
        )

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """Link the name."""
        return ("name",)

    @display(description=gettext_lazy("state"), label={"works": "success", "paused": "danger"})  # type: ignore[untyped-decorator] # unfold carries no types
    def condition(self, trunk: Trunk) -> tuple[str, str]:
        """Show whether the trunk sends."""
        return ("paused", _("paused")) if trunk.paused_since else ("works", _("works"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write only what the form changed: workers write the trunk's health meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        own = {field.name for field in obj._meta.concrete_fields}
        fields = {name for name in form.changed_data if name in own}
        if form.credentials_changed:
            fields.add("credentials")
        if fields:
            obj.save(update_fields=[*fields, "updated_at"])
        if form.credentials_changed and resume(obj):
            messages.info(request, _("The trunk was paused; it sends again."))

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        """Stay on the new trunk's page: it shows the address to enter at the provider."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _("The trunk was added. Now enter its webhook address below."))
        return HttpResponseRedirect(reverse("admin:portal_trunk_change", args=[obj.pk]))

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Add the webhook's address, warnings and the set-up guide."""
        provider = self._provider(request, row)
        url = row.webhook_url if row else _("(the address that is shown after saving)")
        return {
            **super().page_context(request, row),
            "trunk": row,
            "provider_label": registry.get(provider).label,
            "proof": _proof(row, provider),
            "guide": blocks(registry.guide(provider).replace("{webhook_url}", url)),
        }

    def blockers(self, row: Trunk) -> list[str]:
        """Keep a trunk that has numbers."""
        some = ", ".join(str(did) for did in row.dids.order_by("number")[:5])
        dids = row.dids.count()
        found = [_("%(count)d DIDs: %(some)s") % {"count": dids, "some": some}] if dids else []
        return found + super().blockers(row)


class SenderIDForm(TenantForm[SenderID]):
    """A word on a trunk whose provider takes words."""

    def clean(self) -> dict[str, Any]:
        """Refuse a provider that sends from numbers only, and approval where it is not theirs."""
        cleaned = super().clean() or self.cleaned_data
        trunk = cleaned.get("trunk") or getattr(self.instance, "trunk", None)
        if trunk and not trunk.capable.capabilities.sender_id:
            raise forms.ValidationError({"trunk": _("This provider sends from numbers only.")})
        return cleaned


@admin.register(SenderID, site=site)
class SenderIDAdmin(TenantScopedAdmin[SenderID]):
    """Words to send from, and how far their registration is."""

    form = SenderIDForm
    list_display = ("word", "trunk", "state")
    list_filter = ("state", ("trunk", ScopedRelatedFilter))
    list_select_related = ("trunk",)
    search_fields = ("word",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep the trunk; on a shared trunk the approval is the system administrator's."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if obj:
            fields = (*fields, "trunk")
        if is_system(request) or (obj and obj.trunk.tenant_id):
            return fields
        return (*fields, "state")

    def choices_for(self, db_field: Any, request: HttpRequest, tenant: Tenant | None) -> Any:
        """Offer the trunks that can send from words."""
        if db_field.name != "trunk" or tenant is None:
            return super().choices_for(db_field, request, tenant)
        able = [key for key, one in registry.all().items() if one.capabilities.sender_id]
        return usable_trunks(tenant).filter(provider__in=able)

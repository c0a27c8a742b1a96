"""Suspend and resume: what stops for a tenant, what waits meanwhile, and what goes on again."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from portal.admin.acts import ActFailed
from portal.models import Tenant, User


@dataclass(frozen=True)
class Effect:
    """How many of something there are, and what becomes of them."""

    count: int
    what: str
    then: str


def waiting(tenant: Tenant) -> int:
    """Return how many texts wait to be sent; what waits is found trunk by trunk."""
    messages = apps.get_model("sms.Message")._default_manager
    trunks = tenant.dids.order_by().values("trunk")
    queued = messages.filter(tenant=tenant, state="queued", trunk__in=trunks).order_by().count()
    return queued + held(tenant)


def held(tenant: Tenant) -> int:
    """Return how many texts are held because the tenant may not send."""
    messages = apps.get_model("sms.Message")._default_manager
    return messages.filter(tenant=tenant, state="held").order_by().count()


def kept_back(tenant: Tenant) -> int:
    """Return how many webhook requests wait in quarantine for the tenant's return."""
    events = apps.get_model("sms.ProviderEvent")._default_manager
    return events.filter(tenant=tenant, state="quarantined", reason="suspended").order_by().count()


def stops(tenant: Tenant) -> list[Effect]:
    """Return what suspending the tenant does."""
    people = User.objects.filter(tenant=tenant, is_active=True).count()
    return [
        Effect(
            tenant.dids.count(),
            _("DIDs"),
            _("Texts to them are held in quarantine, and delivered after the tenant is resumed."),
        ),
        Effect(
            tenant.extensions.count(),
            _("Extensions"),
            _("New texts from them are refused with the reason."),
        ),
        Effect(
            waiting(tenant),
            _("Texts that wait to be sent"),
            _("They are held. Those whose deadline passes meanwhile fail; the others go out."),
        ),
        Effect(
            people,
            _("People who sign in"),
            _("They stay signed in, read what they have, and cannot send."),
        ),
        Effect(
            tenant.trunks.count(),
            _("Trunks"),
            _("Providers are still answered, so that none of them switches its webhook off."),
        ),
    ]


def goes_on(tenant: Tenant) -> list[Effect]:
    """Return what resuming the tenant does."""
    effects = [
        Effect(
            kept_back(tenant),
            _("Webhook requests in quarantine"),
            _("They are released within seconds, and their texts delivered."),
        ),
        Effect(
            held(tenant),
            _("Texts held"),
            _("They go out within seconds, at the rate of their trunks."),
        ),
    ]
    if not tenant.messaging_enabled:
        off = _("Messaging is switched off in the settings: until it is on, all of this waits.")
        return [Effect(effect.count, effect.what, off) for effect in effects]
    return effects


def suspend_view(page: Any, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Show what stops, and stop it."""
    if request.method == "POST":
        _switch(tenant, active=False)
        page.note(request, "suspended", tenant)
        messages.success(request, _("%(tenant)s is suspended.") % {"tenant": tenant})
        return HttpResponseRedirect(page.back_to(tenant))
    context = {
        **page.act_context(request, tenant, _("Suspend the tenant")),
        "effects": stops(tenant),
        "lead": _("Nothing is lost. This is what stops until the tenant is resumed:"),
        "label": _("Suspend %(tenant)s") % {"tenant": tenant},
        "variant": "danger",
    }
    return TemplateResponse(request, "admin/suspension.html", context)


def resume_view(page: Any, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Show what is released, and release it: the sweep takes up what waited."""
    if request.method == "POST":
        _switch(tenant, active=True)
        page.note(request, "resumed", tenant)
        messages.success(request, _("%(tenant)s is in service again.") % {"tenant": tenant})
        return HttpResponseRedirect(page.back_to(tenant))
    context = {
        **page.act_context(request, tenant, _("Resume the tenant")),
        "effects": goes_on(tenant),
        "lead": _("The tenant's people can send again at once. This is what was kept meanwhile:"),
        "label": _("Resume %(tenant)s") % {"tenant": tenant},
        "variant": "primary",
    }
    return TemplateResponse(request, "admin/suspension.html", context)


def _switch(tenant: Tenant, *, active: bool) -> None:
    if not Tenant.objects.filter(pk=tenant.pk, active=not active).update(active=active):
        raise ActFailed(_("Somebody else did this a moment ago."))

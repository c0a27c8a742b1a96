"""The page that says where a text would go, and why, by the very code that routes texts."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import e164
from portal.admin.fence import ADMIN, is_system, own_tenant, person
from portal.admin.site import site
from portal.memory import memory
from portal.models import DID, InboundRule, Tenant
from sms import addressee, rotation, switchboard
from sms.addressee import Finding, Home
from sms.routing import Fit, fit

OFFERED = 500  # DIDs suggested while typing; others can be typed
PICKED = "%Y-%m-%dT%H:%M"  # how a browser writes a time that somebody picked

WHY_NOT = {
    Fit.OFF: gettext_lazy("It is switched off."),
    Fit.OTHER_DID: gettext_lazy("It is for other DIDs."),
    Fit.OTHER_CALLER: gettext_lazy("Its caller mask %(mask)s does not let this sender through."),
}


class TextForm(forms.Form):
    """Who texts which of the tenant's numbers, and when."""

    sender = forms.CharField(
        label=gettext_lazy("From"),
        max_length=32,
        help_text=gettext_lazy("A phone number, a short code or a Sender ID."),
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    did = forms.CharField(
        label=gettext_lazy("To"),
        max_length=32,
        help_text=gettext_lazy("One of your DIDs."),
        widget=UnfoldAdminTextInputWidget(attrs={"list": "dids", "autocomplete": "off"}),
    )
    moment = forms.DateTimeField(
        label=gettext_lazy("At"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        self.fields["moment"].help_text = _("In %(zone)s. Empty: now.") % {"zone": tenant.timezone}

    def clean_sender(self) -> str:
        """Read a number or a word."""
        sender: str = self.cleaned_data["sender"]
        if e164.is_sender_id(sender):
            return sender
        try:
            return e164.normalize(sender, self.tenant.country)
        except e164.NumberInvalid as error:
            raise forms.ValidationError(str(error)) from error

    def clean_did(self) -> list[DID]:
        """Find the number among the tenant's own; it may be on several trunks."""
        typed, wanted = self.cleaned_data["did"], set()
        for read in (e164.normalize_did, e164.normalize):  # as in a pool, and as people write
            with suppress(e164.NumberInvalid):
                wanted.add(read(typed, self.tenant.country))
        found = list(self.tenant.dids.filter(number__in=wanted))
        if not found:
            wrong = _("%(number)s is not one of your DIDs.") % {"number": typed}
            raise forms.ValidationError(wrong)
        return found


@dataclass(frozen=True)
class Verdict:
    """What one rule has to do with the text."""

    rule: InboundRule
    words: str
    decides: bool = False


@dataclass
class Answer:
    """Where the text goes on one trunk, and what every rule there says to it."""

    trunk: str
    title: str
    because: str
    arrives: bool
    verdicts: list[Verdict] = field(default_factory=list)
    others: list[Verdict] = field(default_factory=list)
    """Rules for other DIDs."""


def answer_for(did: DID, *, sender: str, moment: datetime) -> Answer:
    """Route a text without sending it."""
    # A change that was saved a moment ago counts already.
    memory.refresh(now=True)
    known = switchboard.did(did.trunk_id, did.number) or did
    home = addressee.home(known, sender=sender, received_at=moment)
    because = home.because if isinstance(home, Home) else home.detail
    answer = Answer(str(known.trunk), _title(home), because, isinstance(home, Home))
    rules = InboundRule.objects.filter(trunk=did.trunk_id, tenant=did.tenant_id)
    for fits, verdict in _verdicts(rules, did=did.number, sender=sender):
        (answer.others if fits is Fit.OTHER_DID else answer.verdicts).append(verdict)
    return answer


def _verdicts(rules: Any, *, did: str, sender: str) -> Iterator[tuple[Fit, Verdict]]:
    first: InboundRule | None = None
    for rule in rules:
        fits = fit(rule, did=did, sender=sender)
        if fits is not Fit.YES:
            words = str(WHY_NOT[fits]) % {"mask": rule.caller_mask}
        elif first is None:
            words = _match(rule)
        else:
            words = _("It would match, but %(rule)s comes first.") % {"rule": first.name}
        yield fits, Verdict(rule, words, decides=fits is Fit.YES and first is None)
        if fits is Fit.YES:
            first = first or rule


def _match(rule: InboundRule) -> str:
    if not rule.caller_mask:
        return _("It covers the DID, and is for every sender. It decides.")
    words = _("It covers the DID, and its caller mask %(mask)s lets this sender through.")
    return words % {"mask": rule.caller_mask} + " " + _("It decides.")


def _title(home: Home | Finding) -> str:
    if isinstance(home, Finding):
        return _("Nobody gets it: it is kept in quarantine.")
    if home.group is None:
        return _("It goes to extension %(target)s.") % {"target": home.extension}
    agent = rotation.choose(home.group)
    if agent is None:
        return _("It goes to group %(target)s, where nobody is available: it waits there.") % {
            "target": home.group
        }
    return _("It goes to group %(target)s; a new conversation is given to %(agent)s.") % {
        "target": home.group,
        "agent": agent,
    }


def simulator(request: HttpRequest) -> HttpResponse:
    """Ask for a text, and say where it would go."""
    context = {**site.each_context(request), "title": _("Where does a text go?")}
    tenant = _tenant(request)
    if tenant is None:
        options = [(f"?tenant={pk}", name) for pk, name in Tenant.objects.values_list("pk", "name")]
        context |= {"question": _("For which tenant?"), "options": options}
        return TemplateResponse(request, "admin/step.html", context)
    with timezone.override(tenant.zone):
        asked = "sender" in request.GET
        now = timezone.localtime()
        initial = {"moment": now.strftime(PICKED), "did": request.GET.get("did", "")}
        form = TextForm(request.GET if asked else None, tenant=tenant, initial=initial)
        if asked and form.is_valid():
            data = form.cleaned_data
            moment = data["moment"] or now
            context |= {
                "moment": date_format(moment, "l Y-m-d H:i"),
                "answers": [
                    answer_for(did, sender=data["sender"], moment=moment) for did in data["did"]
                ],
            }
    context |= {
        "form": form,
        "tenant": tenant,
        "picks_tenant": is_system(request),
        "may_edit": is_system(request) or person(request).role in ADMIN,
        "dids": tenant.dids.values_list("number", "label")[:OFFERED],
    }
    return TemplateResponse(request, "admin/simulator.html", context)


def _tenant(request: HttpRequest) -> Tenant | None:
    """Return whose texts are asked about: the person's own, or the system's choice."""
    if not is_system(request):
        return own_tenant(request)
    chosen = request.GET.get("tenant", "")
    return Tenant.objects.filter(pk=chosen).first() if chosen.isdecimal() else None


site.add_page("simulator/", simulator, name="simulator")

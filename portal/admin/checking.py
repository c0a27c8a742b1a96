"""The page on which a trunk is checked, one line after the other."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin import trail, trunk_check
from portal.admin.acts import ActFailed
from portal.admin.asking import ask
from portal.admin.fence import is_system
from portal.admin.trunk_check import Check, Line
from portal.models import DID, Trunk
from providers.abilities import SetsWebhook


def check_view(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Show the checks; a script posts for one at a time, a browser without it for all of them."""
    checks = trunk_check.checks_for(trunk)
    if request.method != "POST":
        return _page(page, request, trunk, [(check, None) for check in checks])
    if "_set" in request.POST:
        return _set(request, trunk)
    only = request.POST.get("only")
    if not only:
        return _page(page, request, trunk, _all(checks, trunk))
    check = next((one for one in checks if one.key == only), None)
    if check is None:
        raise ActFailed(_("There is no such check."))
    is_shut = "shut" in request.POST
    line = trunk_check.not_asked() if is_shut else trunk_check.run(check, trunk)
    return render(request, "admin/trunk_check_line.html", {"check": check, "line": line})


def _all(checks: list[Check], trunk: Trunk) -> list[tuple[Check, Line | None]]:
    found: list[tuple[Check, Line | None]] = []
    is_shut = False
    for check in checks:
        if is_shut and check.asks_provider:
            found.append((check, trunk_check.not_asked()))
            continue
        line = trunk_check.run(check, trunk)
        is_shut = is_shut or (check.gate and line.level == "fault")
        found.append((check, line))
    return found


def _page(
    page: Any, request: HttpRequest, trunk: Trunk, lines: list[tuple[Check, Line | None]]
) -> HttpResponse:
    context = {
        **page.act_context(request, trunk, _("Check")),
        "lines": lines,
        "shows_certificate": is_system(request),
    }
    return TemplateResponse(request, "admin/trunk_check.html", context)


def _set(request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Enter the trunk's address at the provider, for the numbers of the trunk that were named."""
    try:
        adapter = trunk.adapter()
    except ValueError as error:
        raise ActFailed(str(error)) from error
    if not isinstance(adapter, SetsWebhook):
        raise ActFailed(_("This provider cannot be told the address from here."))
    named = request.POST.getlist("number")[: trunk_check.ASKED]
    dids = {did.number: did for did in DID.objects.filter(trunk=trunk, number__in=named)}
    answers = ask(
        {number: partial(adapter.set_webhook, number, trunk.webhook_url) for number in dids}
    )
    for number in answers.good:
        did = dids[number]
        trail.record(request, "set the webhook of", did, tenant_id=did.tenant_id)
    for why, numbers in answers.reasons().items():
        which = trunk_check.some(numbers)
        messages.error(
            request, _("Not set for %(numbers)s: %(why)s") % {"numbers": which, "why": why}
        )
    if answers.good:
        text = ngettext(
            "The provider now posts %(n)d number's texts to this trunk.",
            "The provider now posts %(n)d numbers' texts to this trunk.",
            len(answers.good),
        )
        messages.success(request, text % {"n": len(answers.good)})
    return HttpResponseRedirect(request.path)

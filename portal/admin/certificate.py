"""The page that shows the certificate chain of the public address, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.fence import is_system
from portal.certificate import chain as chains
from portal.certificate import standing
from portal.certificate.findings import SOON
from portal.certificate.report import Report


@dataclass(frozen=True)
class Card:
    """One link as the page draws it; one without dates is the link that is missing."""

    role: str
    title: str
    note: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    used: int = 0
    """How many percent of its time are over."""
    tone: str = "good"


def certificate_view(site: Any, request: HttpRequest) -> HttpResponse:
    """Look now, and show what was found."""
    if not is_system(request):
        raise PermissionDenied
    report = standing.renew()
    context = {
        **site.each_context(request),
        "title": _("Certificate"),
        "report": report,
        "cards": cards(report),
        "spare": [chains.title(one.subject) for one in report.chain.spare] if report.chain else [],
    }
    return TemplateResponse(request, "admin/certificate.html", context)


def cards(report: Report) -> list[Card]:
    """Return the chain, link by link, with the gap where there is one."""
    chain = report.chain
    if chain is None:
        return []
    found = [_card(report, link, _role(n)) for n, link in enumerate(chain.links)]
    if chain.root is not None and chain.root not in chain.links:
        root = _card(report, chain.root, _("Root"), note=_("Known to providers, need not be sent"))
        return [*found, root]
    if chain.root is None and not chain.is_self_signed:
        gap = chains.title(chain.links[-1].issuer)
        missing = Card(_("Missing"), gap, _("Not sent by the server"), tone="gap")
        return [*found, missing]
    return found


def _role(position: int) -> str:
    return _("Intermediate") if position else _("Your server")


def _card(report: Report, link: x509.Certificate, role: str, note: str = "") -> Card:
    starts, ends = link.not_valid_before_utc, link.not_valid_after_utc
    share = (report.at - starts) / (ends - starts) if ends > starts else 1.0
    title = chains.title(link.subject)
    others = [name for name in chains.names(link) if name != title]
    return Card(
        role=role,
        title=title,
        note=note or ", ".join(others[:3]),
        starts=starts,
        ends=ends,
        used=round(100 * min(1.0, max(0.0, share))),
        tone=_tone(report, link),
    )


def _tone(report: Report, link: x509.Certificate) -> str:
    is_leaf = report.chain is not None and link is report.chain.links[0]
    if is_leaf and not chains.is_for(link, report.host):
        return "fault"
    if not chains.is_valid(link, report.at) or chains.weakness(link):
        return "fault"
    return "warning" if link.not_valid_after_utc - report.at <= SOON else "good"


def badge() -> dict[str, str]:
    """Return the mark that the sidebar shows behind the page's link while something is wrong."""
    last = None if settings.PUBLIC_IS_LOOPBACK else standing.last()
    if last is None or not (last.faults or last.is_soon):
        return {}
    if last.faults or last.days_left is None:
        return {"badge": "!", "badge_variant": "danger"}
    left = ngettext("%(n)d day", "%(n)d days", last.days_left) % {"n": last.days_left}
    return {"badge": left, "badge_variant": "warning"}

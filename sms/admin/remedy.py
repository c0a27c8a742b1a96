"""What a request in quarantine suffers from, in plain words, and what helps."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal import e164
from portal.models import Trunk
from sms.models import ProviderEvent

Reason = ProviderEvent.Reason

WORDS: dict[str, tuple[object, object]] = {
    Reason.UNREADABLE: (
        gettext_lazy("The provider sent something that its adapter cannot read."),
        gettext_lazy(
            "Compare the address that is entered at the provider with the one on the trunk's "
            "page, and the format chosen there. After an update, process it again."
        ),
    ),
    Reason.UNKNOWN_DID: (
        gettext_lazy("The text was sent to a number that is no DID of this trunk."),
        gettext_lazy("Add the number to the trunk's DIDs, then process it again."),
    ),
    Reason.NO_RULE: (
        gettext_lazy("No inbound rule says who gets texts to this number from this sender."),
        gettext_lazy("Add a rule, or widen the caller mask of one, then process it again."),
    ),
    Reason.UNROUTED: (
        gettext_lazy("The rule that matched keeps its texts here on purpose."),
        gettext_lazy("To deliver it, change where the rule leads, then process it again."),
    ),
    Reason.EXTENSION_DISABLED: (
        gettext_lazy("The rule leads to an extension that is switched off or does not exist."),
        gettext_lazy("Switch the extension on, or change the rule, then process it again."),
    ),
    Reason.SUSPENDED: (
        gettext_lazy("The trunk is switched off, or messaging is, for the whole tenant."),
        gettext_lazy("Nothing is lost: it is processed by itself once both are on again."),
    ),
    Reason.REFUSED: (
        gettext_lazy("The request did not prove that the provider sent it."),
        gettext_lazy(
            "If it did come from the provider, the secret on the trunk's page is not the one "
            "that the provider signs with: correct it, and the provider's next try comes in. "
            "This one stays out."
        ),
    ),
    Reason.REPEATED: (
        gettext_lazy(
            "The same text came moments before, and this provider gives its texts no ids: it may "
            "be the same one, delivered twice."
        ),
        gettext_lazy("If somebody did write it twice, process it again."),
    ),
    Reason.UNMATCHED: (
        gettext_lazy("A delivery receipt for a message that was not sent from here."),
        gettext_lazy("Nothing needs to be done, unless the account is used by nobody else."),
    ),
    Reason.FAILING: (
        gettext_lazy("Processing failed again and again, by a fault of this product."),
        gettext_lazy("After an update, process it again; its text is safe here until then."),
    ),
}
_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_EXTENSION = re.compile(r"extension ([0-9]+)")
_RECEIPT = re.compile(r"receipt for (\S+):")


@dataclass(frozen=True)
class Remedy:
    """Why it is here, what to do, and where to do it: addresses with their words."""

    why: str
    step: str
    links: list[tuple[str, str]] = field(default_factory=list)


def of(event: ProviderEvent, *, may_fix: bool, sees_detail: bool) -> Remedy:
    """Return what helps an event; links are for those who may follow them."""
    why, step = WORDS.get(event.reason, ("", ""))
    found = []
    if may_fix and sees_detail:
        found = _links(event, event.trunk)
    return Remedy(str(why), str(step), found)


def _links(event: ProviderEvent, trunk: Trunk) -> list[tuple[str, str]]:
    number = _found(_NUMBER, event.detail)
    link: tuple[str, str] | None = None
    match event.reason:
        case Reason.UNKNOWN_DID if number:
            words = _("Add %(number)s to the DIDs") % {"number": e164.pretty(number)}
            link = _add("did", event, pool=number), words
        case Reason.NO_RULE if number:
            words = _("Add a rule for %(number)s") % {"number": e164.pretty(number)}
            link = _add("inboundrule", event, dids=number.lstrip("+")), words
        case Reason.UNROUTED:
            rules = _list("portal_inboundrule", trunk__id__exact=trunk.pk)
            link = rules, _("Look at the rules")
        case Reason.EXTENSION_DISABLED:
            extension = _list("portal_extension", q=_found(_EXTENSION, event.detail))
            link = extension, _("Look at the extension")
        case Reason.UNMATCHED:
            sought = _list("sms_message", q=_found(_RECEIPT, event.detail))
            link = sought, _("Look for it in the message log")
        case Reason.UNREADABLE | Reason.REFUSED | Reason.SUSPENDED:
            page = reverse("admin:portal_trunk_change", args=[trunk.pk])
            link = page, _("Look at the trunk")
    return [link] if link else []


def _found(pattern: re.Pattern[str], detail: str) -> str:
    match = pattern.search(detail)
    return match[match.re.groups] if match else ""


def _add(model: str, event: ProviderEvent, **fields: str) -> str:
    asked = {"tenant": event.tenant_id or event.trunk.tenant_id or "", "trunk": event.trunk_id}
    given = {name: value for name, value in {**asked, **fields}.items() if value}
    return f"{reverse(f'admin:portal_{model}_add')}?{urlencode(given)}"


def _list(name: str, **filters: object) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(filters)}"

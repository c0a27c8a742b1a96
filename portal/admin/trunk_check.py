"""The checks of a trunk: each says in plain words how it stands, and what to do next."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal import e164
from portal.admin.asking import ask
from portal.certificate import standing
from portal.models import DID, Trunk
from providers.abilities import ListsNumbers, ReadsWebhook, SetsWebhook
from providers.errors import ProviderError

ASKED = 200  # numbers whose address is looked up; more take too long
SHOWN = 10


@dataclass(frozen=True)
class Line:
    """How one check went: ``level`` is good, note, warning or fault; ``step`` comes next."""

    level: str
    text: str
    details: Sequence[str] = ()
    step: str = ""
    to_set: Sequence[str] = ()
    """Numbers whose address can be entered at the provider from here."""


@dataclass(frozen=True)
class Check:
    """One question about a trunk. After a ``gate`` that is shut the provider is asked no more."""

    key: str
    label: Any
    run: Callable[[Trunk], Line]
    fits: Callable[[Trunk], bool] = bool
    gate: bool = False
    asks_provider: bool = False


def look_at_state(trunk: Trunk) -> Line:
    """Say whether the trunk sends."""
    if trunk.paused_since:
        text = _("Paused since %(since)s: %(why)s")
        values = {"since": date_format(trunk.paused_since), "why": trunk.paused_reason}
        step = _("Mend the cause, then press Resume on the trunk's page. What waits goes out then.")
        return Line("fault", text % values, step=step)
    if not trunk.enabled:
        return Line("warning", _("Switched off: nothing goes out."), step=_("Enable the trunk."))
    if not trunk.dids.exists():
        step = _("Import them from the provider, or add them as DIDs.")
        return Line("warning", _("It sends, but no number is on it."), step=step)
    return Line("good", _("Switched on, and not paused."))


def look_at_credentials(trunk: Trunk) -> Line:
    """Prove the credentials with one call."""
    answers = ask({"check": trunk.adapter().check})
    for sentence in answers.good.values():
        return Line("good", sentence)
    step = _(
        "If the credentials are refused, copy them again from the provider's portal. If it cannot "
        "be reached, try again in a minute and look at its status page."
    )
    return Line("fault", " ".join(answers.failed.values()), step=step)


def look_at_webhooks(trunk: Trunk) -> Line:
    """Say whether the provider posts to the trunk's address."""
    adapter = trunk.adapter()
    if not isinstance(adapter, ReadsWebhook):
        return _by_experience(trunk)
    numbers, more = _numbers(trunk)
    if not numbers:
        return Line("note", _("There is no number to ask about yet."))
    answers = ask({number: partial(adapter.read_webhook, number) for number in numbers})
    right = [number for number, url in answers.good.items() if url == trunk.webhook_url]
    wrong = {number: url for number, url in answers.good.items() if url != trunk.webhook_url}
    details = [
        f"{e164.pretty(number)}: {url or _('no address at the provider')}"
        for number, url in wrong.items()
    ]
    details += [f"{some(keys)}: {why}" for why, keys in answers.reasons().items()]
    text = ngettext(
        "%(right)d of %(n)d number posts to this trunk.",
        "%(right)d of %(n)d numbers post to this trunk.",
        len(numbers),
    ) % {"right": len(right), "n": len(numbers)}
    if more:
        text += " " + _("%(n)d more were not asked about.") % {"n": more}
    if not details:
        return Line("good", text)
    if not wrong:
        return Line("warning", text, _first(details), _("Try again in a minute."))
    settable = list(wrong) if isinstance(adapter, SetsWebhook) else []
    return Line("fault", text, _first(details), _way(trunk, settable), settable)


def _by_experience(trunk: Trunk) -> Line:
    """Say what can be said where the provider cannot be asked."""
    can_set = issubclass(trunk.capable, SetsWebhook)
    settable = _numbers(trunk)[0] if can_set else []
    if trunk.last_webhook_at:
        when = {"when": date_format(trunk.last_webhook_at, "DATETIME_FORMAT")}
        return Line("good", _("It works: the last webhook came %(when)s.") % when, to_set=settable)
    text = _("The provider cannot be asked for the address, and no webhook has come yet.")
    return Line("warning", text, step=_way(trunk, settable), to_set=settable)


def _way(trunk: Trunk, settable: Sequence[str]) -> str:
    if settable:
        return _("Press the button below, then text one of the numbers.")
    return _("Enter %(url)s at the provider, then text one of the numbers.") % {
        "url": trunk.webhook_url
    }


def look_at_certificate(trunk: Trunk) -> Line:
    """Say whether the provider gets through to us."""
    del trunk
    report = standing.renew()
    if report.findings:
        first, *others = (*report.faults, *report.warnings)
        step = _("For whoever runs this installation: %(remedy)s") % {"remedy": first.remedy}
        level = "fault" if first.is_fault else "warning"
        return Line(level, first.text, [one.text for one in others], step)
    text = _("Providers get through. The certificate is good for %(n)d days more.")
    return Line("good", text % {"n": report.days_left or 0})


def look_at_numbers(trunk: Trunk) -> Line:
    """Compare what our numbers are to do with what the provider says they can."""
    adapter = trunk.adapter()
    if not isinstance(adapter, ListsNumbers):
        raise TypeError("the check is for providers that list their numbers")
    answers = ask({"list": adapter.list_numbers})
    if answers.failed:
        return Line("warning", " ".join(answers.failed.values()), step=_("Try again in a minute."))
    listed = {one.number: one for one in answers.good["list"]}
    absent, no_sms, no_mms = [], [], []
    for did in trunk.dids.order_by("number"):
        one = listed.get(did.number)
        if one is None:
            absent.append(did.number)
        elif did.sms and not one.sms:
            no_sms.append(did.number)
        elif did.mms and not one.mms:
            no_mms.append(did.number)
    details = [
        f"{what}: {some(numbers)}"
        for what, numbers in (
            (_("Not in the provider's account"), absent),
            (_("No SMS at the provider"), no_sms),
            (_("No MMS at the provider"), no_mms),
        )
        if numbers
    ]
    if not details:
        return Line("good", _("Every number can do at the provider what it is to do here."))
    step = _("Change them at the provider, or switch SMS or MMS off for these DIDs.")
    return Line(
        "fault" if absent or no_sms else "warning",
        _("Some numbers can do less at the provider than they are to do here."),
        details,
        step,
    )


def _takes_webhooks(trunk: Trunk) -> bool:
    return trunk.capable.capabilities.inbound


def _comes_from_outside(trunk: Trunk) -> bool:
    return _takes_webhooks(trunk) and not trunk.is_sandbox


def _lists_numbers(trunk: Trunk) -> bool:
    return issubclass(trunk.capable, ListsNumbers)


CHECKS = (
    Check("state", gettext_lazy("Trunk"), look_at_state),
    Check(
        "certificate",
        gettext_lazy("Public address and certificate"),
        look_at_certificate,
        fits=_comes_from_outside,
    ),
    Check("credentials", gettext_lazy("Credentials"), look_at_credentials, gate=True),
    Check(
        "webhooks",
        gettext_lazy("Webhook address"),
        look_at_webhooks,
        fits=_takes_webhooks,
        asks_provider=True,
    ),
    Check(
        "numbers",
        gettext_lazy("What the numbers can do"),
        look_at_numbers,
        fits=_lists_numbers,
        asks_provider=True,
    ),
)


def checks_for(trunk: Trunk) -> list[Check]:
    """Return the checks that make sense at the trunk's provider."""
    return [check for check in CHECKS if check.fits(trunk)]


def run(check: Check, trunk: Trunk) -> Line:
    """Do one check; what the adapter cannot even begin with is a fault, too."""
    try:
        return check.run(trunk)
    except (ProviderError, ValueError) as error:
        return Line("fault", str(error), step=_("Correct the credentials on the trunk's page."))


def not_asked() -> Line:
    """Return the line of a check that has to wait for the credentials."""
    return Line("note", _("Not asked: the credentials come first."))


def _numbers(trunk: Trunk) -> tuple[list[str], int]:
    rows: QuerySet[DID] = trunk.dids.order_by("number")
    found = list(rows.values_list("number", flat=True)[: ASKED + 1])
    more = rows.count() - ASKED if len(found) > ASKED else 0
    return found[:ASKED], more


def some(numbers: Sequence[str]) -> str:
    """Write the first of these numbers, and how many more there are."""
    return ", ".join(_first([e164.pretty(number) for number in numbers]))


def _first(texts: Iterable[str]) -> list[str]:
    every = list(texts)
    rest = len(every) - SHOWN
    return [*every[:SHOWN], _("and %(n)d more") % {"n": rest}] if rest > 0 else every

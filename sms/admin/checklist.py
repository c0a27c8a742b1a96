"""What a new tenant has still to do before it can text, ticked off by facts."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.admin.fence import usable_trunks
from portal.models import DID, CallerID, Extension, InboundRule, Tenant, Trunk
from sms.admin.links import Links
from sms.models import DayCount, Message, State

LEFT = (State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED)
INBOUND, OUTBOUND = Message.Direction.INBOUND, Message.Direction.OUTBOUND
LATEST = 200


@dataclass(frozen=True)
class Step:
    """One thing to do, why, and the page where it is done."""

    name: str
    hint: str
    done: bool
    href: str


def steps(tenant: Tenant, links: Links) -> list[Step]:
    """Return the steps in the order in which they are best done."""
    trunks = list(usable_trunks(tenant).filter(enabled=True).defer("credentials"))
    facts = _facts(tenant)
    extension = tenant.extensions.order_by("pk").first()
    try_out = _try_out(trunks)
    return [
        Step(
            _("Connect a trunk"),
            _("Your account at an SMS provider. The page shows what to enter where."),
            bool(trunks),
            links.new(Trunk),
        ),
        Step(
            _("See its first webhook"),
            _("Enter the trunk's webhook address at the provider; then texts can come in."),
            any(trunk.last_webhook_at for trunk in trunks),
            _page_of(trunks, tenant, links),
        ),
        Step(
            _("Add your numbers"),
            _("The DIDs that people text."),
            facts["has_numbers"],
            links.new(DID),
        ),
        Step(
            _("Say who gets the texts"),
            _("An inbound rule leads from a DID to an extension or a group."),
            facts["has_rule"],
            links.new(InboundRule),
        ),
        Step(
            _("Let an extension send"),
            _("Allow it, and give it a caller ID to send from."),
            facts["has_sender"],
            _form_of(extension, links),
        ),
        Step(
            _("Receive the first text"),
            _("Text one of your numbers from a phone."),
            facts["received"],
            try_out or links.rows(DID),
        ),
        Step(
            _("Send the first text"),
            _("Sign in as the extension's user and answer it."),
            facts["sent"],
            try_out or reverse("client"),
        ),
    ]


def _facts(tenant: Tenant) -> dict[str, bool]:
    """Ask what is set up, and what was texted: long ago by the counts, just now by the log."""
    mine = {"tenant": OuterRef("pk")}
    counts = DayCount.objects.filter(**mine)
    asked: Any = {
        "has_numbers": Exists(DID.objects.filter(**mine)),
        "has_rule": Exists(InboundRule.objects.filter(**mine, enabled=True)),
        "has_sender": Exists(
            CallerID.objects.filter(**mine, extension__enabled=True).exclude(
                extension__sms=Extension.Sms.DISABLE
            )
        ),
        "received": Exists(counts.filter(direction=INBOUND)),
        "sent": Exists(counts.filter(direction=OUTBOUND, state__in=LEFT)),
    }
    facts: dict[str, bool] = Tenant.objects.filter(pk=tenant.pk).values(**asked).get()
    latest = Message.objects.filter(tenant=tenant).order_by("-pk")[:LATEST]
    for direction, state in latest.values_list("direction", "state"):
        facts["received"] |= direction == INBOUND
        facts["sent"] |= direction == OUTBOUND and state in LEFT
    return facts


def _page_of(trunks: list[Trunk], tenant: Tenant, links: Links) -> str:
    own = next((trunk for trunk in trunks if trunk.tenant_id == tenant.pk), None)
    return links.row(Trunk, own.pk) if own else links.new(Trunk)


def _form_of(extension: Extension | None, links: Links) -> str:
    return links.row(Extension, extension.pk) if extension else links.new(Extension)


def _try_out(trunks: list[Trunk]) -> str:
    """Return the address of the phone simulator where there is a trunk for it."""
    return reverse("handset") if any(trunk.is_sandbox for trunk in trunks) else ""

"""Whose conversation a text belongs to, or why it goes nowhere: DID, repeats, rule, extension."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _

from portal.models import DID, Destination, Extension, Group
from providers.contract import InboundMessage
from sms import routing, switchboard
from sms.models import ProviderEvent

Reason = ProviderEvent.Reason

# A provider that gives no ids may deliver again within this time; an equal text inside it is
# kept in quarantine as a repeat, where a person can release it.
REPEAT_WINDOW = timedelta(minutes=2)

_SEE = """
INSERT INTO sms_seenbody AS seen (trunk_id, fingerprint, seen_at, event_id)
VALUES (%s, %s, %s, %s)
ON CONFLICT (trunk_id, fingerprint) DO UPDATE
   SET seen_at = excluded.seen_at, event_id = excluded.event_id
 WHERE seen.event_id = excluded.event_id
    OR seen.seen_at < excluded.seen_at - make_interval(secs => %s)
RETURNING 1
"""


@dataclass(frozen=True)
class Finding:
    """Why a text was not delivered; ``tenant_id`` is who may see it, None when nobody's."""

    reason: Reason
    detail: str
    tenant_id: int | None = None


@dataclass(frozen=True)
class Home:
    """Whose conversation a text belongs to."""

    did: DID
    when: Destination.When
    because: str
    extension: Extension | None = None
    group: Group | None = None


@dataclass(frozen=True)
class Arrival:
    """A text as it arrived: the request that brought it, and its place in there."""

    event: ProviderEvent
    index: int
    text: InboundMessage

    @property
    def provider_id(self) -> str:
        """The provider's id, or one that is ours where it gave none."""
        return (self.text.provider_id or f"event:{self.event.pk}:{self.index}")[:128]


def homes(arrival: Arrival) -> list[Home | Finding]:
    """Return, for each of our numbers that a text is for, who gets it or why nobody does."""
    event, text = arrival.event, arrival.text
    ours = {text.owner} if text.owner else set(text.recipients)
    found = (switchboard.did(event.trunk_id, number) for number in sorted(ours))
    dids = [did for did in found if did is not None]
    if not dids:
        numbers = ", ".join(text.recipients) or "?"
        return [Finding(Reason.UNKNOWN_DID, f"{numbers} is no DID of this trunk")]
    if not text.provider_id and not _is_news(event, text):
        detail = f"the same text from {text.sender} came within {REPEAT_WINDOW.seconds} seconds"
        return [Finding(Reason.REPEATED, detail, dids[0].tenant_id)]
    return [home(did, sender=text.sender, received_at=event.received_at) for did in dids]


def _is_news(event: ProviderEvent, text: InboundMessage) -> bool:
    """Say whether a text without an id is new; the answer is the same when asked again."""
    if event.insist:
        return True
    parts = [text.sender, sorted(text.recipients), text.text, list(text.media_urls)]
    parts += [hashlib.sha256(file.body).hexdigest() for file in text.files]
    fingerprint = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            _SEE,
            [event.trunk_id, fingerprint, event.received_at, event.pk, REPEAT_WINDOW.seconds],
        )
        return cursor.fetchone() is not None


def home(did: DID, *, sender: str, received_at: datetime) -> Home | Finding:
    """Return who gets a text to a DID, or why nobody does."""
    tenant = did.tenant
    if why := _closed(did):
        return Finding(Reason.SUSPENDED, f"{did.number}: out of service: {why}", tenant.pk)
    decision = routing.decide(
        rules=switchboard.rules(did.trunk_id, tenant.pk),
        did=did.number,
        sender=sender,
        moment=received_at.astimezone(tenant.zone),
        office=switchboard.office(tenant.pk),
    )
    if decision.rule is None:
        return Finding(Reason.NO_RULE, f"{did.number}: {decision.because}", tenant.pk)
    if not decision.is_routed:
        return Finding(Reason.UNROUTED, f"{did.number}: {decision.because}", tenant.pk)
    if decision.group:
        return Home(did, decision.when, decision.because, group=decision.group)
    extension = decision.extension or switchboard.extension_of(tenant.pk, decision.extension_number)
    if extension is None or not extension.enabled:
        number = extension.number if extension else decision.extension_number
        detail = f"{did.number}: {decision.because}: extension {number}"
        return Finding(Reason.EXTENSION_DISABLED, detail, tenant.pk)
    return Home(did, decision.when, decision.because, extension=extension)


def _closed(did: DID) -> str:
    """Say why nothing is delivered to a number now, empty if it is in service."""
    if not did.tenant.active:
        return _("the tenant is suspended")
    if not did.tenant.messaging_enabled:
        return _("the tenant's messaging is switched off")
    return "" if did.trunk.enabled else _("its trunk is switched off")

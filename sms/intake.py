"""Accept a provider's request as an event; later turn events into messages and receipts."""

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from portal.memory import memory
from portal.models import Trunk
from providers.contract import (
    Broken,
    Event,
    InboundMessage,
    StatusUpdate,
    WebhookReply,
    WebhookRequest,
)
from providers.errors import Unreadable, WebhookRefused
from providers.exchange import redactor
from sms import bell, inbound, receipts, refusals, switchboard
from sms.addressee import Arrival, Finding
from sms.models import ProviderEvent
from sms.together import Together

log = logging.getLogger(__name__)

Reason, State = ProviderEvent.Reason, ProviderEvent.State

BATCH = 200
SHIFT_SECONDS = 50
# A receipt may overtake the answer to its own send, or wait for a worker that was killed.
PATIENCE = timedelta(hours=1)
MAX_TRIES = 10
NOTICEABLE = timedelta(seconds=1)
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


def most(trunk: Trunk) -> int:
    """Return how many bytes one request of a trunk may have."""
    return max(settings.WEBHOOK_MAX_BYTES, trunk.capable.capabilities.max_body)


def accept(trunk: Trunk, request: WebhookRequest, address: str | None) -> WebhookReply:
    """Store a request that proves itself and ring for it; return the provider's answer.

    Raises ``WebhookRefused`` after counting it; the first of a day are kept for the quarantine.
    """
    if len(request.body) > most(trunk):
        size = len(request.body)
        why = f"the body of {size} bytes is larger than we take"
        refusals.keep(_event(trunk, request, address), why)
        raise WebhookRefused("The body is too large.", code="too_large")
    try:
        adapter = trunk.adapter()
        adapter.authenticate(request)
    except WebhookRefused as error:
        refusals.keep(_event(trunk, request, address), str(error))
        raise
    except ValueError as error:
        refusals.keep(_event(trunk, request, address), str(error))
        raise WebhookRefused("The trunk is not set up completely.") from error
    now = timezone.now()
    query, headers = request.query.replace("\x00", ""), _headers(trunk, request)
    row = (trunk.pk, trunk.tenant_id, now, request.method, query, headers, request.body, address)
    _stored.put(row)
    return adapter.reply(request)


# One statement for any number of rows, so that it is prepared once.
_STORE = """
INSERT INTO sms_providerevent (trunk_id, tenant_id, received_at, method, query, headers, body,
    address, state, reason, detail, due_at, tries, insist)
SELECT g.trunk, g.tenant, g.at, g.method, g.query, g.headers, g.body, g.address, 'due', '', '',
       g.at, 0, false
  FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::jsonb[],
              %s::bytea[], %s::inet[])
    AS g (trunk, tenant, at, method, query, headers, body, address)
"""


def _store(rows: Sequence[tuple[Any, ...]]) -> Sequence[bool]:
    """Keep requests in one statement, which commits by itself."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [list(column) for column in zip(*rows, strict=True)])
    bell.ring("drain_events")
    return [True] * len(rows)


_stored = Together(_store)


def _headers(trunk: Trunk, request: WebhookRequest) -> str:
    """Return the headers as JSON, without what is secret."""
    shown = {name: text for name, text in request.headers.items() if name not in _SECRET_HEADERS}
    return redactor(trunk.secrets)(json.dumps(shown))


def _event(trunk: Trunk, request: WebhookRequest, address: str | None) -> ProviderEvent:
    return ProviderEvent(
        trunk=trunk,
        tenant_id=trunk.tenant_id,
        method=request.method,
        query=request.query.replace("\x00", ""),
        headers=json.loads(_headers(trunk, request)),
        body=request.body,
        address=address,
    )


def drain(_box: bell.Box) -> bool:
    """Process due events, a batch at a time; return whether more are due now."""
    until = time.monotonic() + SHIFT_SECONDS
    quiet = False
    while time.monotonic() < until:
        due = list(_due().values_list("pk", flat=True)[:BATCH])
        if due and not _process_all(due):
            return False  # another worker holds them, and goes on with what is left
        if not due and quiet:
            return False
        # While there is work the bell may as well go on ringing: we look anyway. Only before the
        # last look it has to be quiet, so that no later event stays unheard.
        quiet = not due
        if quiet:
            bell.quieten("drain_events")
    return True


def _due() -> QuerySet[ProviderEvent]:
    return ProviderEvent.objects.filter(
        state=ProviderEvent.State.DUE, due_at__lte=timezone.now()
    ).order_by("id")


def _process_all(ids: list[int]) -> bool:
    """Process a batch in one transaction; when it fails, each event in one of its own.

    Returns whether anything was done.
    """
    try:
        done = process(ids)
    except Exception:
        log.warning("intake.batch_failed events=%d", len(ids), exc_info=True)
    else:
        return done > 0
    for pk in ids:
        try:
            process([pk])
        except Exception as error:
            log.exception("intake.event_failed event=%s", pk)
            _postpone(pk, f"{type(error).__name__}: {error}")
    return True


def process(ids: Iterable[int]) -> int:
    """Turn these events, where they are due and free, into messages; return how many were."""
    memory.refresh(now=True)
    with transaction.atomic(durable=True):
        events = list(
            _due().filter(pk__in=list(ids)).select_for_update(skip_locked=True, of=("self",))
        )
        for event, findings in zip(events, _findings(events), strict=True):
            _conclude(event, findings)
        _write(events)
        _mark_trunks(events)
    return len(events)


def _write(events: list[ProviderEvent]) -> None:
    """Write the verdicts; most of them are the same one."""
    plain = [event.pk for event in events if event.state == State.DONE and not event.reason]
    if plain:
        rows = ProviderEvent.objects.filter(pk__in=plain)
        rows.update(state=State.DONE, reason="", detail="", tries=F("tries") + 1)
    others = [event for event in events if event.pk not in set(plain)]
    if others:
        columns = ["state", "reason", "detail", "due_at", "tries", "tenant"]
        ProviderEvent.objects.bulk_update(others, columns)


def _findings(events: list[ProviderEvent]) -> list[list[Finding]]:
    """Read the events and act on what they bring, in their order; texts go together."""
    findings: list[list[Finding]] = [[] for _event in events]
    arrivals: list[tuple[int, Arrival]] = []
    for place, event in enumerate(events):
        for index, item in _items(event):
            match item:
                case InboundMessage():
                    arrivals.append((place, Arrival(event, index, item)))
                case StatusUpdate():
                    findings[place] += _receipt(event, item)
                case Broken():
                    unreadable = Finding(Reason.UNREADABLE, item.detail, event.tenant_id)
                    findings[place].append(unreadable)
    found = inbound.record([arrival for _place, arrival in arrivals])
    for (place, _arrival), more in zip(arrivals, found, strict=True):
        findings[place] += more
    return findings


def _items(event: ProviderEvent) -> Iterator[tuple[int, Event]]:
    """Yield what an event brings; at what cannot be read it ends with the complaint."""
    trunk = switchboard.trunk(event.trunk_id)
    if trunk is None:
        return
    event.trunk = trunk
    index = -1
    try:
        for index, item in enumerate(trunk.adapter().parse(event.request())):
            yield index, item
    except Unreadable as error:
        yield index + 1, Broken(detail=str(error))


def _receipt(event: ProviderEvent, update: StatusUpdate) -> list[Finding]:
    match receipts.apply(event.trunk, update):
        case receipts.Match.APPLIED:
            return []
        case receipts.Match.AMBIGUOUS:
            why = "several open messages fit, and the receipt does not say which"
        case receipts.Match.NOT_YET:
            why = "no message fits"
    named = update.provider_id or update.reference or f"{update.sender} to {update.recipient}"
    return [Finding(Reason.UNMATCHED, f"receipt for {named}: {why}", event.tenant_id)]


def _conclude(event: ProviderEvent, findings: list[Finding]) -> None:
    """Write the verdict into the event: done, in quarantine, or once more later."""
    event.tries += 1
    event.detail = "\n".join(finding.detail for finding in findings)[:4000]
    # What waits for a suspended tenant is taken up again by itself: that reason must not be hidden.
    findings = sorted(findings, key=lambda finding: finding.reason != Reason.SUSPENDED)
    event.reason = findings[0].reason if findings else ""
    owners = {finding.tenant_id for finding in findings}
    if event.tenant_id is None and len(owners) == 1:
        # What concerns two tenants of a shared trunk is shown to neither.
        event.tenant_id = owners.pop()
    waits = any(finding.reason == Reason.UNMATCHED for finding in findings)
    if waits and timezone.now() - event.received_at < PATIENCE:
        event.due_at = timezone.now() + timedelta(seconds=min(2**event.tries, 300))
    elif findings:
        event.state = ProviderEvent.State.QUARANTINED
    else:
        event.state = ProviderEvent.State.DONE


def _postpone(pk: int, why: str) -> None:
    event = ProviderEvent.objects.get(pk=pk)
    event.tries += 1
    event.detail = why[:4000]
    event.reason = Reason.FAILING
    event.due_at = timezone.now() + timedelta(seconds=min(2**event.tries, 300))
    if event.tries >= MAX_TRIES:
        event.state = ProviderEvent.State.QUARANTINED
    event.save(update_fields=["tries", "detail", "reason", "due_at", "state"])


def _mark_trunks(events: list[ProviderEvent]) -> None:
    latest: dict[int, ProviderEvent] = {}
    for event in events:
        latest[event.trunk_id] = event
    for trunk_id, event in sorted(latest.items()):
        # A moment more or less is not worth a write.
        stale = Q(last_webhook_at=None) | Q(last_webhook_at__lt=event.received_at - NOTICEABLE)
        Trunk.objects.filter(stale, pk=trunk_id).update(last_webhook_at=event.received_at)


def release(event: ProviderEvent) -> bool:
    """Process a quarantined event once more; False when it is not in quarantine any more."""
    return release_all(ProviderEvent.objects.filter(pk=event.pk)) == 1


def release_all(events: QuerySet[ProviderEvent]) -> int:
    """Process those once more that are in quarantine; return how many.

    A refused request never goes in: it did not prove where it came from.
    """
    held = events.filter(state=State.QUARANTINED).exclude(reason=Reason.REFUSED)
    released = held.update(
        state=State.DUE, due_at=timezone.now(), tries=0, insist=Q(reason=Reason.REPEATED)
    )
    if released:
        with transaction.atomic():
            bell.ring("drain_events")
    return released

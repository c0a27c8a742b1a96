"""A text from outside: DID, rule, conversation, message; and why it went nowhere, if it did."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from portal.models import DID, Destination, Extension, Group, InboundRule, Schedule
from providers.contract import InboundMessage
from sms import assignment, autoreply, bell, consent, media, pieces, routing, segments
from sms.models import Conversation, Message, ProviderEvent, State, transition

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


@dataclass
class Book:
    """Rules and hours that were read once and serve a whole batch of events."""

    _rules: dict[tuple[int, int], list[InboundRule]] = field(default_factory=dict)
    _office: dict[int, Schedule | None] = field(default_factory=dict)

    def rules(self, did: DID) -> list[InboundRule]:
        """Return the enabled rules for a DID's trunk and tenant, with all they point at."""
        key = (did.trunk_id, did.tenant_id)
        if key not in self._rules:
            rows = InboundRule.objects.filter(
                trunk_id=did.trunk_id, tenant_id=did.tenant_id, enabled=True
            )
            self._rules[key] = list(
                rows.select_related("schedule").prefetch_related(
                    "schedule__hours",
                    "schedule__holidays",
                    "destinations__extension",
                    "destinations__group",
                )
            )
        return self._rules[key]

    def office(self, tenant_id: int) -> Schedule | None:
        """Return the tenant's own hours."""
        if tenant_id not in self._office:
            self._office[tenant_id] = (
                Schedule.objects.filter(tenant_id=tenant_id, is_default=True)
                .prefetch_related("hours", "holidays")
                .first()
            )
        return self._office[tenant_id]


@dataclass(frozen=True)
class Finding:
    """Why a text was not delivered; ``tenant_id`` is who may see it, None when nobody's."""

    reason: Reason
    detail: str
    tenant_id: int | None = None


@dataclass(frozen=True)
class _Home:
    """Whose conversation a text belongs to."""

    did: DID
    when: Destination.When
    extension: Extension | None = None
    group: Group | None = None


def record(event: ProviderEvent, index: int, text: InboundMessage, book: Book) -> list[Finding]:
    """Deliver one inbound message to every one of our numbers it was sent to.

    A message that is there already is left alone; ``index`` is its place in the event. Returns
    a finding for each number where it went nowhere, empty when all is well.
    """
    dids = list(
        DID.objects.filter(trunk_id=event.trunk_id, number__in=text.recipients).select_related(
            "tenant", "trunk"
        )
    )
    if not dids:
        numbers = ", ".join(text.recipients) or "?"
        return [Finding(Reason.UNKNOWN_DID, f"{numbers} is no DID of this trunk")]
    if not text.provider_id and not _is_news(event, text):
        detail = f"the same text from {text.sender} came within {REPEAT_WINDOW.seconds} seconds"
        return [Finding(Reason.REPEATED, detail, dids[0].tenant_id)]
    findings = []
    for did in dids:
        home = _home(event, did, text.sender, book)
        if isinstance(home, Finding):
            findings.append(home)
        else:
            _deliver(event, index, text, home)
    return findings


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


def _home(event: ProviderEvent, did: DID, sender: str, book: Book) -> _Home | Finding:
    tenant = did.tenant
    if not tenant.can_message or not did.trunk.enabled:
        return Finding(Reason.SUSPENDED, f"{did.number}: out of service", tenant.pk)
    decision = routing.decide(
        rules=book.rules(did),
        did=did.number,
        sender=sender,
        moment=event.received_at.astimezone(tenant.zone),
        office=book.office(tenant.pk),
    )
    if decision.rule is None:
        return Finding(Reason.NO_RULE, f"{did.number}: {decision.because}", tenant.pk)
    if not decision.is_routed:
        return Finding(Reason.UNROUTED, f"{did.number}: {decision.because}", tenant.pk)
    if decision.group:
        return _Home(did, decision.when, group=decision.group)
    extension = (
        decision.extension
        or Extension.objects.filter(tenant=tenant, number=decision.extension_number).first()
    )
    if extension is None or not extension.enabled:
        number = extension.number if extension else decision.extension_number
        detail = f"{did.number}: {decision.because}: extension {number}"
        return Finding(Reason.EXTENSION_DISABLED, detail, tenant.pk)
    return _Home(did, decision.when, extension=extension)


def _deliver(event: ProviderEvent, index: int, text: InboundMessage, home: _Home) -> None:
    provider_id = (text.provider_id or f"event:{event.pk}:{index}")[:128]
    message, is_new = _place(event, provider_id, text, home)
    if message is None:
        return
    media.expect(message, text, event=event, index=index)
    conversation = message.conversation
    if is_new and home.group:
        assignment.designate(conversation, home.group)
    news = {"type": "message", "conversation": conversation.pk, "message": message.pk}
    bell.tell(assignment.audience(conversation), news)
    if is_new:
        # A keyword is a text of its own, never a piece of a longer one.
        whole = text.piece is None or text.piece.total <= 1
        meaning = consent.observe(message) if whole else None
        autoreply.answer(message, did=home.did, when=home.when, meaning=meaning)


def _place(
    event: ProviderEvent, provider_id: str, text: InboundMessage, home: _Home
) -> tuple[Message | None, bool]:
    """Return the message that now holds the text, and whether it is a new one.

    None if everything was there before.
    """
    piece = text.piece
    if piece is None:
        return _insert(event, provider_id, text, home), True
    key = pieces.key_of(event.trunk, home.did, text, piece)
    pieces.hold(key)
    if pieces.is_known(key, provider_id):
        return None, False
    begun = pieces.begun(key, piece, event)
    message = begun or _insert(event, provider_id, text, home)
    if message is not None:
        received = event.received_at
        pieces.add(message, key=key, provider_id=provider_id, text=text, received_at=received)
        pieces.complete(message)
    return message, begun is None


def _insert(
    event: ProviderEvent, provider_id: str, text: InboundMessage, home: _Home
) -> Message | None:
    """Return the new message; None if its provider's id is there already."""
    did = home.did
    known = Message.objects.filter(
        trunk_id=event.trunk_id,
        provider_id=provider_id,
        recipient=did.number,
        direction=Message.Direction.INBOUND,
    )
    if known.exists():
        return None
    measure = segments.measure(text.text)
    message = Message(
        tenant_id=did.tenant_id,
        trunk_id=event.trunk_id,
        conversation=_conversation(event, text, home),
        direction=Message.Direction.INBOUND,
        sender=text.sender[:32],
        recipient=did.number,
        text=text.text,
        encoding=measure.encoding,
        segments=measure.segments,
        state=State.RECEIVED,
        provider_id=provider_id,
        event=event,
        created_at=event.received_at,
        history=[transition(State.RECEIVED, at=event.received_at)],
    )
    # Two workers with the same message: the constraint lets one in, the other adds nothing.
    Message.objects.bulk_create([message], ignore_conflicts=True)
    stored = Message.objects.filter(reference=message.reference).first()
    if stored is not None:
        stored.conversation = message.conversation
    return stored


def _conversation(event: ProviderEvent, text: InboundMessage, home: _Home) -> Conversation:
    """Return the thread, new or reopened, brought to the top of the lists."""
    others = {text.sender, *text.recipients} - {home.did.number}
    row = Conversation(
        tenant_id=home.did.tenant_id,
        trunk_id=event.trunk_id,
        our_number=home.did.number,
        remote=";".join(sorted(others))[:255],
        extension=home.extension,
        group=home.group,
        owner_key=Conversation.key_of(extension=home.extension, group=home.group),
        last_message_at=max(event.received_at, timezone.now()),
        last_text=text.text[:120],
        closed_at=None,
    )
    Conversation.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["tenant", "our_number", "remote", "owner_key"],
        update_fields=["trunk", "last_message_at", "last_text", "closed_at"],
    )
    return row

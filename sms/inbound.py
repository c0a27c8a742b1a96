"""A text from outside: DID, rule, conversation, message; and why it went nowhere, if it did."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from portal.models import DID, Destination, Extension, Group
from providers.contract import InboundMessage, Piece
from sms import (
    assignment,
    autoreply,
    bell,
    consent,
    media,
    pieces,
    routing,
    segments,
    switchboard,
)
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


@dataclass(frozen=True)
class _Delivery:
    """A text on its way to one of our numbers."""

    arrival: Arrival
    home: _Home

    @property
    def key(self) -> tuple[int, str, str]:
        """What no two inbound messages share."""
        return self.arrival.event.trunk_id, self.arrival.provider_id, self.home.did.number


def record(arrivals: Sequence[Arrival]) -> list[list[Finding]]:
    """Deliver inbound messages to every one of our numbers they were sent to.

    A message that is there already is left alone. Returns, for each arrival, a finding for every
    number where it went nowhere, empty when all is well.
    """
    findings: list[list[Finding]] = []
    plain: list[_Delivery] = []
    for arrival in arrivals:
        found: list[Finding] = []
        findings.append(found)
        for home in _homes(arrival):
            if isinstance(home, Finding):
                found.append(home)
            elif arrival.text.piece:
                _deliver(plain)
                plain = []
                _deliver_piece(_Delivery(arrival, home), arrival.text.piece)
            else:
                plain.append(_Delivery(arrival, home))
    _deliver(plain)
    return findings


def _homes(arrival: Arrival) -> list["_Home | Finding"]:
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
    return [_home(event, did, text.sender) for did in dids]


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


def _home(event: ProviderEvent, did: DID, sender: str) -> _Home | Finding:
    tenant = did.tenant
    if not tenant.can_message or not did.trunk.enabled:
        return Finding(Reason.SUSPENDED, f"{did.number}: out of service", tenant.pk)
    decision = routing.decide(
        rules=switchboard.rules(did.trunk_id, tenant.pk),
        did=did.number,
        sender=sender,
        moment=event.received_at.astimezone(tenant.zone),
        office=switchboard.office(tenant.pk),
    )
    if decision.rule is None:
        return Finding(Reason.NO_RULE, f"{did.number}: {decision.because}", tenant.pk)
    if not decision.is_routed:
        return Finding(Reason.UNROUTED, f"{did.number}: {decision.because}", tenant.pk)
    if decision.group:
        return _Home(did, decision.when, group=decision.group)
    extension = decision.extension or switchboard.extension_of(tenant.pk, decision.extension_number)
    if extension is None or not extension.enabled:
        number = extension.number if extension else decision.extension_number
        detail = f"{did.number}: {decision.because}: extension {number}"
        return Finding(Reason.EXTENSION_DISABLED, detail, tenant.pk)
    return _Home(did, decision.when, extension=extension)


def _deliver(deliveries: Sequence[_Delivery]) -> None:
    """Keep whole messages, all in a few statements, and do what follows from each."""
    new = _unknown(deliveries)
    if not new:
        return
    conversations = _conversations(new)
    messages = [_message(one, conversations[_thread(one)]) for one in new]
    # Two workers with the same message: the constraint lets one in, the other adds nothing.
    Message.objects.bulk_create(messages, ignore_conflicts=True)
    stored = Message.objects.ids_of(messages)
    news: list[bell.News] = []
    for delivery, message in zip(new, messages, strict=True):
        if message.reference in stored:
            message.pk = stored[message.reference]
            _follow_up(delivery, message, is_new=True)
            news.append(_news(message))
    bell.tell_all(news)


def _unknown(deliveries: Sequence[_Delivery]) -> list[_Delivery]:
    """Return those that are not there yet, each once."""
    if not deliveries:
        return []
    known = set(
        Message.objects.filter(
            trunk_id__in={one.key[0] for one in deliveries},
            provider_id__in=[one.key[1] for one in deliveries],
            direction=Message.Direction.INBOUND,
        ).values_list("trunk_id", "provider_id", "recipient")
    )
    return list({one.key: one for one in reversed(deliveries) if one.key not in known}.values())[
        ::-1
    ]


def _deliver_piece(delivery: _Delivery, piece: Piece) -> None:
    """Let a piece begin a message, or complete the one that it belongs to."""
    arrival, home = delivery.arrival, delivery.home
    event, text = arrival.event, arrival.text
    key = pieces.key_of(event.trunk, home.did, text, piece)
    pieces.hold(key)
    if pieces.is_known(key, arrival.provider_id):
        return
    begun = pieces.begun(key, piece, event)
    message = begun
    if message is None:
        if not _unknown([delivery]):
            return
        message = _message(delivery, _conversations([delivery])[_thread(delivery)])
        message.save(force_insert=True)
    pieces.add(
        message,
        key=key,
        provider_id=arrival.provider_id,
        text=text,
        received_at=event.received_at,
    )
    pieces.complete(message)
    _follow_up(delivery, message, is_new=begun is None)
    bell.tell_all([_news(message)])


def _follow_up(delivery: _Delivery, message: Message, *, is_new: bool) -> None:
    """Do what a text asks for beside being shown."""
    arrival, home = delivery.arrival, delivery.home
    media.expect(message, arrival.text, event=arrival.event, index=arrival.index)
    if not is_new:
        return
    if home.group:
        assignment.designate(message.conversation, home.group)
    # A keyword is a text of its own, never a piece of a longer one.
    whole = arrival.text.piece is None or arrival.text.piece.total <= 1
    meaning = consent.observe(message) if whole else None
    autoreply.answer(message, did=home.did, when=home.when, meaning=meaning)


def _news(message: Message) -> bell.News:
    news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
    return assignment.audience(message.conversation), news


def _message(delivery: _Delivery, conversation: Conversation) -> Message:
    event, text, did = delivery.arrival.event, delivery.arrival.text, delivery.home.did
    measure = segments.measure(text.text)
    return Message(
        tenant_id=did.tenant_id,
        trunk_id=event.trunk_id,
        conversation=conversation,
        direction=Message.Direction.INBOUND,
        sender=text.sender[:32],
        recipient=did.number,
        text=text.text,
        encoding=measure.encoding,
        segments=measure.segments,
        state=State.RECEIVED,
        provider_id=delivery.arrival.provider_id,
        event=event,
        created_at=event.received_at,
        history=[transition(State.RECEIVED, at=event.received_at)],
    )


Thread = tuple[int, str, str, str]


def _thread(delivery: _Delivery) -> Thread:
    """Return what makes the conversation of a text: tenant, our number, the others, the owner."""
    text, home = delivery.arrival.text, delivery.home
    others = {text.sender, *text.recipients} - {home.did.number}
    owner = Conversation.key_of(extension=home.extension, group=home.group)
    return home.did.tenant_id, home.did.number, ";".join(sorted(others))[:255], owner


def _conversations(deliveries: Sequence[_Delivery]) -> dict[Thread, Conversation]:
    """Return the threads, new or reopened, brought to the top of the lists."""
    rows: dict[Thread, Conversation] = {}
    for one in deliveries:
        tenant_id, our_number, remote, owner_key = _thread(one)
        event, home = one.arrival.event, one.home
        rows[_thread(one)] = Conversation(
            tenant_id=tenant_id,
            trunk_id=event.trunk_id,
            our_number=our_number,
            remote=remote,
            extension=home.extension,
            group=home.group,
            owner_key=owner_key,
            last_message_at=max(event.received_at, timezone.now()),
            last_text=one.arrival.text.text[:120],
            closed_at=None,
        )
    Conversation.objects.bulk_create(
        # In one order everywhere, so that two workers do not wait for each other.
        [rows[thread] for thread in sorted(rows)],
        update_conflicts=True,
        unique_fields=["tenant", "our_number", "remote", "owner_key"],
        update_fields=["trunk", "last_message_at", "last_text", "closed_at"],
    )
    return rows

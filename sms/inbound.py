"""A text from outside becomes a message in its conversation, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from providers.contract import Piece
from sms import addressee, assignment, autoreply, bell, consent, media, pieces, segments
from sms.addressee import Arrival, Finding, Home
from sms.models import Conversation, Message, State, transition


@dataclass(frozen=True)
class _Delivery:
    """A text on its way to one of our numbers."""

    arrival: Arrival
    home: Home

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
        for home in addressee.homes(arrival):
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

"""A text from outside becomes a message in its conversation, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from providers.contract import Piece
from sms import (
    addressee,
    assignment,
    autoreply,
    bell,
    consent,
    media,
    pieces,
    placing,
    segments,
    switchboard,
)
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
    """Keep whole messages, all in one statement, and do what follows from each."""
    # Of repeats the first counts, in its place: the order of the others hangs on it.
    first: dict[tuple[int, str, str], _Delivery] = {}
    for one in deliveries:
        first.setdefault(one.key, one)
    if not first:
        return
    new = list(first.values())
    entries = [_entry(one) for one in new]
    news: list[bell.News] = []
    for delivery, entry, verdict in zip(new, entries, placing.place(entries), strict=True):
        if verdict.kept:
            _follow_up(delivery, entry.message, is_new=True)
            news.append(_news(entry.message))
    bell.tell_all(news)


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
        entry = _entry(delivery)
        if not placing.place([entry])[0].kept:
            return
        message = entry.message
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
    # A keyword is a text of its own, never a piece of a longer one; a file may come before it.
    piece = arrival.text.piece
    whole = piece is None or piece.total <= 1
    meaning = consent.observe(message) if whole and (is_new or arrival.text.text) else None
    if home.group and meaning is consent.Keyword.STOP:
        assignment.settle(message.conversation)  # nobody may answer it
    elif home.group and is_new and not meaning:
        assignment.designate(message.conversation, home.group)
    if is_new or meaning:
        autoreply.answer(message, did=home.did, when=home.when, meaning=meaning)


def _news(message: Message) -> bell.News:
    news = {"type": "message", "conversation": message.conversation_id, "message": message.pk}
    return switchboard.audience(message.conversation), news


def _entry(delivery: _Delivery) -> placing.Entry:
    """Return the message that a text becomes, and the thread it belongs to."""
    event, text, home = delivery.arrival.event, delivery.arrival.text, delivery.home
    did, measure = home.did, segments.measure(text.text)
    others = {text.sender, *text.recipients} - {did.number}
    message = Message(
        tenant_id=did.tenant_id,
        trunk_id=event.trunk_id,
        direction=Message.Direction.INBOUND,
        sender=text.sender[:32],
        recipient=did.number,
        text=text.text,
        encoding=measure.encoding,
        segments=measure.segments,
        state=State.RECEIVED,
        provider_id=delivery.arrival.provider_id,
        event_id=event.pk,
        created_at=event.received_at,
        history=[transition(State.RECEIVED, at=event.received_at, note=home.because)],
    )
    thread = Conversation(
        tenant_id=did.tenant_id,
        trunk_id=event.trunk_id,
        our_number=did.number,
        remote=";".join(sorted(others))[:255],
        extension=home.extension,
        group=home.group,
        owner_key=Conversation.key_of(extension=home.extension, group=home.group),
        last_message_at=max(event.received_at, timezone.now()),
    )
    return placing.Entry(message, thread)

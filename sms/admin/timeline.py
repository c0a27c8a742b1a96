"""The way of one message, moment by moment: from the first byte to the last reader."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from portal.admin.fence import is_system
from sms.admin import again, elapsed, standing
from sms.models import Attempt, MediaFile, Message, OptOut, ProviderEvent, ReadMark, State

AUTOMATIC_WITHIN = 60  # seconds in which an automatic reply follows what it answers
ARROWS = {
    Message.Direction.INBOUND: "↓",
    Message.Direction.OUTBOUND: "↑",
    Message.Direction.INTERNAL: "⇄",
    Message.Direction.NOTE: "✎",
}
# Symbol and tone of a state, of an attempt's outcome, of a file.
SIGNS: dict[str, tuple[str, str]] = {
    State.QUEUED: ("schedule", ""),
    State.SENDING: ("outgoing_mail", ""),
    State.ACCEPTED: ("check", "info"),
    State.SENT: ("check", "info"),
    State.DELIVERED: ("done_all", "good"),
    State.UNDELIVERED: ("error", "bad"),
    State.FAILED: ("error", "bad"),
    State.UNCONFIRMED: ("help", "warn"),
    State.HELD: ("pause_circle", "warn"),
    State.CANCELLED: ("cancel", ""),
    State.RECEIVED: ("move_to_inbox", "good"),
    MediaFile.State.WAITING: ("hourglass_top", "warn"),
    MediaFile.State.READY: ("attach_file", ""),
}
ATTEMPTS = {Attempt.Outcome.ACCEPTED: "good", Attempt.Outcome.REJECTED: "bad"}


@dataclass
class Moment:
    """One thing that happened, as the page shows it."""

    at: datetime
    title: str
    symbol: str
    tone: str = ""
    lines: list[str] = field(default_factory=list)
    provider_at: datetime | None = None
    """The time on the provider's clock, where it told one."""
    link: tuple[str, str] | None = None
    """Address and words."""
    exchange: tuple[str, str] | None = None
    """What was sent and what was answered."""
    after: str = ""
    """How long after the moment before."""


def arrow(message: Message) -> str:
    """Return the direction as a sign."""
    return ARROWS[Message.Direction(message.direction)]


def of(message: Message, request: HttpRequest) -> list[Moment]:
    """Return everything that is known of a message, in the order in which we learned it."""
    found = [
        *_beginning(message, is_system(request)),
        *_history(message),
        *_attempts(message, is_system(request)),
        *_pieces(message),
        *_media(message),
        *_consequences(message),
        *_repetitions(message),
        *_readers(message),
    ]
    found.sort(key=lambda moment: moment.at)
    found += [Moment(timezone.now(), *waits) for waits in standing.of(message)]
    for before, moment in itertools.pairwise(found):
        moment.after = elapsed.between(before.at, moment.at)
    return found


def _page(model: str, pk: int) -> str:
    return reverse(f"admin:sms_{model}_change", args=[pk])


def _beginning(message: Message, sees_shared: bool) -> Iterator[Moment]:
    """The webhook request that brought it."""
    if message.direction != Message.Direction.INBOUND:
        return
    link = None
    events = ProviderEvent.objects.filter(pk=message.event_id or 0)
    # One that brought texts to several tenants is no single tenant's to look at.
    if message.event_id and (sees_shared or events.filter(tenant=message.tenant_id).exists()):
        words = _("Request #%(number)d") % {"number": message.event_id}
        link = (_page("providerevent", message.event_id), words)
    via = [str(message.trunk)] if message.trunk else []
    yield Moment(message.created_at, _("Webhook request received"), "webhook", "", via, link=link)


def _history(message: Message) -> Iterator[Moment]:
    for place, line in enumerate(message.history):
        state, note = line["state"], line.get("note", "")
        at = datetime.fromisoformat(line["at"])
        heard = datetime.fromisoformat(line["heard"]) if "heard" in line else None
        symbol, tone = SIGNS.get(state, ("circle", ""))
        if state == State.RECEIVED:
            # What waited in quarantine came in later than it was received.
            at = max(at, message.due_at)
        yield Moment(
            heard or at,
            _title(message, state, place),
            symbol,
            tone,
            [note] if note else [],
            provider_at=at if heard else None,
        )


def _title(message: Message, state: str, place: int) -> str:
    talk = message.conversation
    if state == State.RECEIVED:
        return _("Delivered to %(whom)s") % {"whom": talk.extension or talk.group}
    if state == State.SENDING:
        return _("Taken by a worker")
    if state == State.QUEUED and place:
        return _("Back in the queue")
    if place == 0 and message.direction != Message.Direction.INBOUND:
        return _author(message)
    return str(capfirst(State(state).label)) if state in State.values else state


def _author(message: Message) -> str:
    if message.extension:
        return _("Written by %(whom)s") % {"whom": message.extension}
    gone = _("Written by an extension that is gone")
    return gone if message.client_key else _("Written by the automatic reply")


def _attempts(message: Message, sees_shared: bool) -> Iterator[Moment]:
    for attempt in message.attempts.select_related("trunk"):
        facts = [_("took %(time)s") % {"time": elapsed.of(attempt.started_at, attempt.ended_at)}]
        facts += [attempt.code] if attempt.code else []
        shared = attempt.trunk is None or attempt.trunk.tenant_id is None
        hidden = _("Went over a shared trunk; only the system administrator sees it.")
        withheld = shared and not sees_shared
        yield Moment(
            attempt.started_at,
            _("Call to the provider: %(outcome)s") % {"outcome": attempt.get_outcome_display()},
            "call_made",
            ATTEMPTS.get(Attempt.Outcome(attempt.outcome), "warn"),
            [" · ".join(facts), *filter(None, [attempt.detail, hidden if withheld else ""])],
            exchange=None if withheld else (attempt.request, attempt.response),
        )


def _pieces(message: Message) -> Iterator[Moment]:
    for piece in message.pieces.all():
        words = {"place": piece.index, "total": piece.total or "?"}
        title = _("Piece %(place)s of %(total)s arrived") % words
        yield Moment(piece.received_at, title, "extension")


def _media(message: Message) -> Iterator[Moment]:
    for file in message.media.all():
        symbol, tone = SIGNS.get(file.state, ("error", "bad"))
        facts = [file.content_type, _("%(size)d bytes") % {"size": file.size}] if file.size else []
        tries = [_("tried %(count)d times") % {"count": file.tries}] if file.tries > 1 else []
        yield Moment(
            file.created_at,
            _("File %(name)s: %(state)s") % {"name": file, "state": file.get_state_display()},
            symbol,
            tone,
            [line for line in (" · ".join([*facts, *tries]), file.error) if line],
        )


def _consequences(message: Message) -> Iterator[Moment]:
    """What followed from an inbound text: an opt-out, an automatic reply."""
    if message.direction != Message.Direction.INBOUND:
        return
    for opt_out in OptOut.objects.filter(message=message):
        title = _("Asked not to be texted")
        lines = [_("The number is on the opt-out list.")] if not opt_out.lifted_at else []
        link = (_page("optout", opt_out.pk), _("Opt-out"))
        yield Moment(opt_out.since, title, "do_not_disturb_on", "warn", lines, link=link)
    thread = Message.objects.filter(conversation_id=message.conversation_id, pk__gt=message.pk)
    reply = thread.order_by("pk").first()
    automatic = reply and reply.direction == Message.Direction.OUTBOUND and not reply.client_key
    if reply is None or not automatic or reply.extension_id is not None:
        return
    if (reply.created_at - message.due_at).total_seconds() < AUTOMATIC_WITHIN:
        link = (_page("message", reply.pk), f"#{reply.pk}")
        yield Moment(reply.created_at, _("Answered automatically"), "reply", "", [], link=link)


def _repetitions(message: Message) -> Iterator[Moment]:
    first, later = again.first_of(message), again.repetition_of(message)
    if first is not None:
        link = (_page("message", first.pk), f"#{first.pk}")
        yield Moment(message.created_at, _("Repeats an earlier message"), "replay", link=link)
    if later is not None:
        link = (_page("message", later.pk), f"#{later.pk}")
        yield Moment(later.created_at, _("Sent again"), "replay", link=link)


def _readers(message: Message) -> Iterator[Moment]:
    """Who read it; of a mark that has moved on, only the latest possible time is known."""
    if message.direction == Message.Direction.OUTBOUND:
        return
    marks = ReadMark.objects.filter(
        conversation_id=message.conversation_id, message_id__gte=message.pk
    ).exclude(extension_id=message.extension_id or 0)
    for mark in marks.select_related("extension"):
        exact = mark.message_id == message.pk
        lines = [] if exact else [_("At this time at the latest; later texts were read with it.")]
        yield Moment(
            mark.at, _("Read by %(whom)s") % {"whom": mark.extension}, "visibility", "good", lines
        )

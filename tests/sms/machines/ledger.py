"""What a machine knows of its messages beside the rows: who called, what arrived, what was said.

The provider of the story is nothing but this: it has a message or not, and it said something of it
or not. What must hold is asked of both, the ledger and the rows.
"""

from dataclasses import dataclass, field

from django.db.models import QuerySet

from providers.contract import SendResult, Status
from providers.errors import (
    CredentialsRefused,
    Rejected,
    SendError,
    Throttled,
    Unavailable,
    Unconfirmed,
)
from sms.models import MOVES, Message, State

ENDED = {State.DELIVERED, State.UNDELIVERED, State.FAILED, State.CANCELLED}
# How far each state is on its way; what a receipt says never takes a message back.
RANKS = {State.ACCEPTED: 1, State.SENT: 2} | dict.fromkeys(ENDED, 3)
GOOD = {State.ACCEPTED, State.SENT, State.DELIVERED}
# What a call comes to: whether the provider has it afterwards, and what the worker is told.
ANSWERS: dict[str, tuple[bool, SendError | None]] = {
    "accepted": (True, None),
    "rejected": (False, Rejected("The handset blocks this sender.", code="21")),
    "credentials refused": (False, CredentialsRefused("The login is wrong.")),
    "throttled": (False, Throttled("Not so fast.", retry_after=30.0)),
    "unavailable": (False, Unavailable("It refused the connection.")),
    "lost on its way": (False, Unconfirmed("It never answered.")),
    "answer lost": (True, Unconfirmed("It never answered.")),
}
# Whether the provider has it when the worker is gone.
KILLED = {"killed before the call": False, "killed before the answer": True}


@dataclass
class Call:
    """One claim of a message, and what came of it as far as anybody knows."""

    arrived: bool = False
    answer: SendResult | SendError | None = None
    # Whether its outcome was written while the claim still held.
    settled: bool = False

    @property
    def surely_failed(self) -> bool:
        """Whether the provider's answer leaves no doubt that it did not take the message."""
        return isinstance(self.answer, SendError) and not isinstance(self.answer, Unconfirmed)


@dataclass
class Entry:
    """One message that was accepted from its author."""

    pk: int
    drops_repeats: bool
    calls: list[Call] = field(default_factory=list)
    receipts: set[Status] = field(default_factory=set)
    history: list[dict[str, str]] = field(default_factory=list)

    @property
    def provider_id(self) -> str:
        """What the provider calls it, however often it was handed over."""
        return f"p{self.pk}"

    @property
    def arrived(self) -> bool:
        """Whether the provider has it."""
        return any(call.arrived for call in self.calls)

    @property
    def taken(self) -> bool:
        """Whether the provider said that it has it, in an answer or in a receipt."""
        answered = any(isinstance(call.answer, SendResult) for call in self.calls)
        return answered or bool(self.receipts)

    @property
    def refused(self) -> bool:
        """Whether the provider said that it will not deliver it."""
        answered = any(isinstance(call.answer, Rejected) for call in self.calls)
        return answered or Status.FAILED in self.receipts

    @property
    def in_doubt(self) -> bool:
        """Whether it was handed over, perhaps, and nobody knows what came of it."""
        return not all(call.surely_failed and call.settled for call in self.calls)


class Ledger:
    """All messages of a run."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    def add(self, message: Message, *, drops_repeats: bool) -> None:
        """Note a message that was accepted."""
        self.entries[message.pk] = Entry(message.pk, drops_repeats)

    def rows(self) -> QuerySet[Message]:
        """Return the rows of the messages."""
        return Message.objects.filter(direction=Message.Direction.OUTBOUND)

    def check(self) -> None:
        """Compare every row with what is known of it."""
        rows = {row.pk: row for row in self.rows()}
        assert rows.keys() == self.entries.keys(), "a message was lost, or made of nothing"
        for pk, entry in self.entries.items():
            check_history(entry, rows[pk])
            check_honesty(entry, rows[pk])
            entry.history = rows[pk].history


def check_history(entry: Entry, row: Message) -> None:
    """See that the history grew only, by moves that are allowed, and leads to the state."""
    told = row.history[: len(entry.history)]
    assert told == entry.history, "a line of the history was changed"
    state = State(row.history[0]["state"])
    assert state == State.QUEUED
    for line in row.history[1:]:
        # What is no move came too late to be one, and is kept as a remark.
        heard = State(line["state"])
        if heard in MOVES[state]:
            assert state not in ENDED, f"{state} is the end, and then it was {heard}"
            assert RANKS.get(heard, 0) >= RANKS.get(state, 0), f"{heard} is behind {state}"
            state = heard
    assert state == row.state, f"the history leads to {state}, the row says {row.state}"


def check_honesty(entry: Entry, row: Message) -> None:
    """See that the state says no more than the provider did, and no less."""
    state = State(row.state)
    if state in GOOD | {State.UNDELIVERED}:
        assert entry.taken, f"it is {state}, and the provider never said that it has it"
    if state == State.FAILED and entry.arrived:
        assert entry.refused, "it is called failed, and the provider has it"
    if state in {State.QUEUED, State.HELD} and entry.in_doubt:
        assert row.in_doubt, "nobody remembers that it may have been sent"
    if state == State.UNCONFIRMED:
        assert entry.in_doubt, "it is called unknown, and every try surely failed"
    if state in GOOD:
        assert row.error == "", f"it is {state}, and shows the error {row.error!r}"

"""A machine that receives: posts in any order and mixture, again and again, and what hinders them.

The events are the ledger: each knows which texts it brought. A worker that is killed leaves a
transaction that is taken back.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from portal.models import CallerID, InboundRule, Tenant
from providers.contract import WebhookRequest
from sms import consent, intake, outbound, permission, sweep
from sms.drafts import Draft
from sms.models import Conversation, InboundPiece, Message, OptOut, ProviderEvent
from tests.sms.machines.arrivals import ALL, BATCHED, LONG, PIECES, Key, Lines, Text
from tests.sms.machines.stage import Stage

State, Reason = ProviderEvent.State, ProviderEvent.Reason
NONSENSE = "nonsense"
OBSTACLES = ["suspend", "unroute"]
# Pieces stay together within minutes, and a run must not take longer.
MOMENT = 5


def joined(whole: str, idents: set[str]) -> str:
    """Return what those pieces come to that are there."""
    if whole == "picture":
        return ALL["h1"].words if "h1" in idents else ""
    words = [LONG[n - 1] if f"1A{n}" in idents else " … " for n in (1, 2, 3)]
    return "".join(words).strip() if " … " in words else "".join(words)


class Incoming(Stage):
    """The texts of three providers on their way to four numbers."""

    # Made by the test, once for all runs.
    lines: ClassVar[Lines]

    def __init__(self) -> None:
        super().__init__()
        self.brought: dict[int, Sequence[Text | str]] = {}
        self.stopped: dict[tuple[str, str], bool] = {}

    # Providers

    @rule(items=st.lists(st.sampled_from([*BATCHED, NONSENSE]), min_size=1, max_size=4))
    def post(self, items: list[Text | str]) -> None:
        """Post several texts in one request."""
        self.accept("first", self.lines.batch(items), items)

    @rule(text=st.sampled_from(PIECES))
    def post_piece(self, text: Text) -> None:
        """Post one text, or a piece of one."""
        self.accept(text.to[0], self.lines.piece(text), [text])

    # Workers

    @rule(which=st.sampled_from(["all", "all", "first", "last"]), killed=st.booleans())
    def work(self, which: str, killed: bool) -> None:
        """Process what is due, or part of it; a worker that is killed commits nothing."""
        due = self.due()
        ids = {"all": due, "first": due[:1], "last": due[-1:]}[which]
        if killed:
            point = transaction.savepoint()
            intake.process(ids)
            transaction.savepoint_rollback(point)
        else:
            self.process(ids)

    # Administrators, authors, time

    @rule(
        what=st.sampled_from([*["restore"] * len(OBSTACLES), *OBSTACLES]),
        name=st.sampled_from(["first", "second"]),
    )
    def administer(self, what: str, name: str) -> None:
        """Put something in the way of a tenant's texts, or take everything out of it again."""
        tenant = self.lines.dids[name].tenant_id
        Tenant.objects.filter(pk=tenant).update(active=what != "suspend")
        InboundRule.objects.filter(tenant_id=tenant).update(enabled=what != "unroute")

    @precondition(lambda self: self.quarantined())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """Let somebody release what is in quarantine."""
        place = data.draw(st.integers(0, len(self.quarantined()) - 1))
        assert intake.release(self.quarantined()[place])

    @rule(name=st.sampled_from(["first", "pieces", "halves"]))
    def answer(self, name: str) -> None:
        """Let an extension write; who said STOP gets nothing."""
        row = CallerID.objects.select_related("extension__tenant").get(did=self.lines.dids[name])
        to = BATCHED[0].remote
        may = row.extension.tenant.active and not self.stopped.get((row.did.number, to))
        try:
            outbound.submit(Draft(extension=row.extension, to=to, text="We write"))
        except permission.Refused:
            assert not may
        else:
            assert may

    @rule(sweeps=st.booleans())
    def wait(self, sweeps: bool) -> None:
        """Let a moment pass, and perhaps the sweep look around."""
        self.clock.shift(MOMENT)
        if sweeps:
            sweep.sweep()

    # What must hold

    @invariant()
    def nothing_is_lost_doubled_or_shown_wrongly(self) -> None:
        """Look at events, messages, threads and opt-outs."""
        self.every_event_is_accounted_for()
        self.one_text_is_one_message()
        self.a_thread_shows_its_newest_message()
        self.who_said_stop_is_left_alone()

    def every_event_is_accounted_for(self) -> None:
        """See that what an event brought is there, or that the event waits or says why not."""
        there = self.there()
        events = {event.pk: event for event in ProviderEvent.objects.all()}
        assert events.keys() == self.brought.keys()
        for pk, items in self.brought.items():
            match events[pk].state:
                case State.DONE:
                    assert NONSENSE not in items
                    assert self.keys(items) <= there, "it is done, and something is missing"
                case State.QUARANTINED:
                    assert events[pk].reason
                    assert events[pk].detail

    def one_text_is_one_message(self) -> None:
        """See that each message is one that was posted, with its own words, and there once."""
        rows = list(Message.objects.filter(direction="inbound"))
        found = [(row.provider_id, row.recipient) for row in rows]
        assert len(found) == len(set(found))
        posted = self.keys([text for items in self.brought.values() for text in items])
        assert set(found) <= posted
        begun = [ALL[row.provider_id].whole for row in rows if ALL[row.provider_id].whole]
        assert len(begun) == len(set(begun)), "the pieces of one message are two"
        idents = {ident for ident, _number in self.there()}
        for row in rows:
            text = ALL[row.provider_id]
            assert row.text == (joined(text.whole, idents) if text.whole else text.words)

    def a_thread_shows_its_newest_message(self) -> None:
        """See that the list of threads shows what was written last, and when."""
        written = Message.objects.filter(Q(direction="inbound") | Q(extension__isnull=False))
        newest_of = {row.conversation_id: row for row in written.order_by("id")}
        for thread in Conversation.objects.all():
            newest = newest_of[thread.pk]
            assert thread.last_text == newest.text[:120]
            assert newest.created_at <= thread.last_message_at <= timezone.now()

    def who_said_stop_is_left_alone(self) -> None:
        """See that of STOP and START the last word counts."""
        active = OptOut.objects.filter(lifted_at=None).values_list("our_number", "remote")
        assert set(active) == {line for line, stopped in self.stopped.items() if stopped}

    def end(self) -> None:
        """Take every obstacle away: what waited for it comes by itself, the rest when released."""
        for name in ("first", "second"):
            self.administer("restore", name)
        self.clock.shift(sweep.LOOK_AGAIN + timedelta(seconds=1))
        sweep.sweep()
        self.process(self.due())
        for event in self.quarantined():
            assert "out of service" not in event.detail, "nobody took it up again"
            assert intake.release(event)
        self.process(self.due())
        self.nothing_is_lost_doubled_or_shown_wrongly()
        posted = self.keys([text for items in self.brought.values() for text in items])
        assert self.there() == posted, "something that was accepted is gone"

    # How it is done

    def accept(self, name: str, request: WebhookRequest, items: Sequence[Text | str]) -> None:
        """Take a request, and note what is in it."""
        intake.accept(self.lines.dids[name].trunk, request, "192.0.2.7")
        self.brought[ProviderEvent.objects.latest("id").pk] = items

    @staticmethod
    def due() -> list[int]:
        """Return what a worker would take now."""
        rows = ProviderEvent.objects.filter(state=State.DUE, due_at__lte=timezone.now())
        return list(rows.order_by("id").values_list("pk", flat=True))

    @staticmethod
    def quarantined() -> list[ProviderEvent]:
        """Return what an administrator sees in quarantine."""
        return list(ProviderEvent.objects.filter(state=State.QUARANTINED).order_by("id"))

    def keys(self, items: Sequence[Text | str]) -> set[Key]:
        """Return what the texts among these make."""
        return {key for text in items if isinstance(text, Text) for key in self.lines.keys(text)}

    @staticmethod
    def there() -> set[Key]:
        """Return the whole texts and the pieces that arrived."""
        plain = Message.objects.filter(direction="inbound", pieces=None)
        pieces = InboundPiece.objects.values_list("provider_id", "message__recipient")
        return {*plain.values_list("provider_id", "recipient"), *pieces}

    def process(self, ids: Sequence[int]) -> None:
        """Process events; see that new texts come in their order, and obey the keywords."""
        before = self.there()
        intake.process(ids)
        fresh = self.there() - before
        plain = Message.objects.filter(direction="inbound", pieces=None)
        places = {(row.provider_id, row.recipient): row.pk for row in plain}
        order: list[int] = []
        for text in [text for pk in sorted(ids) for text in self.brought[pk]]:
            new = [key for key in self.keys([text]) if key in fresh]
            if isinstance(text, Text) and new:
                fresh.difference_update(new)
                order += sorted(places[key] for key in new if key in places)
                self.obey(text)
        assert not fresh
        assert order == sorted(order), "texts came in another order than they were posted"

    def obey(self, text: Text) -> None:
        """Note what a keyword asks for."""
        meaning = consent.keyword(text.words)
        if meaning:
            line = self.lines.dids[text.to[0]].number, text.remote
            self.stopped[line] = meaning == consent.Keyword.STOP

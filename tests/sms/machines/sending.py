"""A machine that sends: authors, workers, providers, administrators and the clock in any order.

Two extensions text through two trunks: the provider of one drops a repeated reference, that of the
other sends whatever it is given. A worker is a claim that somebody holds: it may call or not, learn
the answer or not, and write it at once, late, twice, or never.
"""

import datetime
from collections.abc import Callable, Iterator
from typing import ClassVar

from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from portal.models import CallerID, Extension, Tenant, Trunk
from providers import registry
from providers.contract import SendResult, Status, StatusUpdate
from providers.errors import SendError
from sms import consent, outbound, outcome, permission, receipts, sweep
from sms.drafts import Draft, KeyReused
from sms.models import Message, OptOut, State
from sms.outcome import Outcome
from sms.receipts import Match
from tests import factories
from tests.sms import flows
from tests.sms.machines.choices import (
    DAY,
    DROPPING,
    FATES,
    LONG,
    MOST,
    PLAIN,
    RECEIPT,
    REMOTES,
    SUBMIT,
    WAIT,
    WORK,
    Choices,
    When,
)
from tests.sms.machines.ledger import ANSWERS, ENDED, KILLED, RANKS, Call, Ledger
from tests.sms.machines.stage import Stage


def two_lines() -> dict[str, CallerID]:
    """Make one tenant's two lines; the provider of the second drops what it has already."""
    tenant = factories.TenantFactory()
    lines: dict[str, CallerID] = {name: factories.line(tenant=tenant) for name in (PLAIN, DROPPING)}
    keys = [key for key, one in registry.all().items() if one.capabilities.idempotent_send]
    Trunk.objects.filter(pk=lines[DROPPING].did.trunk_id).update(provider=keys[0])
    return lines


Act = tuple[Callable[..., None], Choices]


class Sending(Stage):
    """Two trunks, their messages, and all that can happen to them."""

    # Made by the test, once for all runs.
    lines: ClassVar[dict[str, CallerID]]

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.keys: dict[tuple[str, str], tuple[int, str]] = {}
        # Claims whose worker has not called yet, and outcomes, which may be written again.
        self.open: list[Message] = []
        self.heard: list[Outcome] = []
        # What came of a claim, by the moment at which it was made.
        self.calls: dict[tuple[int, datetime.datetime], Call] = {}
        for name in self.lines:
            self.submit(name, REMOTES[0], "")

    # One rule for everything: of several, most runs would leave most out, and little would meet.
    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """Let one of the things happen that can happen now."""
        acts = list(self.acts())
        act, how = acts[data.draw(st.sampled_from(range(len(acts))))]
        act(**data.draw(st.fixed_dictionaries(how), label=act.__name__))

    def acts(self) -> Iterator[Act]:
        """Yield what can happen now, with its choices; what should happen often comes twice."""
        yield from [(self.work, WORK)] * 3
        yield from [(self.wait, WAIT)] * 3
        if len(self.ledger.entries) < MOST:
            yield self.submit, SUBMIT
        if self.open:
            yield self.call, {"place": st.sampled_from(range(len(self.open))), "answer": FATES}
        if self.heard:
            places = st.sampled_from(range(len(self.heard)))
            yield self.settle, {"places": st.lists(places, min_size=1, max_size=3, unique=True)}
        known = [entry.pk for entry in self.ledger.entries.values() if entry.arrived]
        if known:
            yield from [(self.receipt, RECEIPT | {"pk": st.sampled_from(known)})] * 2

    # Authors

    def submit(self, name: str, to: str, key: str) -> None:
        """Accept a text, or refuse it for one of the reasons there are."""
        line = self.lines[name]
        extension = Extension.objects.select_related("tenant").get(pk=line.extension_id)
        draft = Draft(extension=extension, to=to, text="Hello", key=key)
        first = self.keys.get((name, key))
        refused = first is None and self.forbidden(line, to)
        try:
            message = outbound.submit(draft)
        except KeyReused:
            assert first is not None
            assert first[1] != to
            return
        except permission.Refused:
            assert refused
            return
        assert not refused
        if first is not None:
            assert (message.pk, to) == first
            return
        self.ledger.add(message, drops_repeats=name == DROPPING)
        if key:
            self.keys[name, key] = (message.pk, to)

    # Workers

    def work(self, name: str, limit: int, answer: str, when: When) -> None:
        """Let a worker take what is due, and perhaps call, and perhaps write what it heard."""
        claimed = self.take(name, limit)
        if when == When.OPEN:
            self.open += claimed
            return
        heard = [one for message in claimed for one in self.ask(message, answer)]
        self.heard += heard
        if when == When.AT_ONCE and heard:
            self.write(heard)

    def call(self, place: int, answer: str) -> None:
        """Let a worker that took its time call at last."""
        self.heard += self.ask(self.open.pop(place), answer)

    def settle(self, places: list[int]) -> None:
        """Write what calls came to: late, and perhaps not for the first time."""
        self.write([self.heard[place] for place in places])

    # The provider

    def receipt(self, pk: int, status: Status, by: str) -> None:
        """Let the provider say something of a message that it has."""
        entry = self.ledger.entries[pk]
        row = Message.objects.get(pk=entry.pk)
        update = StatusUpdate(
            status=status,
            provider_id="" if by == "reference" else entry.provider_id,
            reference="" if by == "id" else row.reference.hex,
        )
        assert row.trunk is not None
        match = receipts.apply(row.trunk, update)
        named = by != "id" or row.provider_id == entry.provider_id
        assert match == (Match.APPLIED if named else Match.NOT_YET)
        if match == Match.APPLIED:
            entry.receipts.add(status)
            self.compare(row, State(status) if status != Status.QUEUED else None)

    def compare(self, before: Message, said: State | None) -> None:
        """See that a receipt took its message as far as it says, and never back."""
        after = Message.objects.get(pk=before.pk)
        reached = RANKS.get(State(after.state), 0)
        assert reached >= RANKS.get(State(before.state), 0)
        if said is None:
            assert after.state == before.state
        else:
            assert reached >= RANKS[said]

    # Administrators, people, time

    def wait(self, what: str, name: str, seconds: float, sweeps: bool) -> None:
        """Let time pass; perhaps an administrator was busy, and perhaps the sweep looks around."""
        if what != "nothing":
            self.administer(what, self.lines[name])
        self.clock.shift(seconds)
        if sweeps:
            self.swept()

    @staticmethod
    def administer(what: str, line: CallerID) -> None:
        """Put something in the way of a line, or take everything out of it again."""
        Tenant.objects.filter(pk=line.tenant_id).update(active=what != "suspend")
        sms = Extension.Sms.DISABLE if what == "forbid" else Extension.Sms.ALLOW
        Extension.objects.filter(pk=line.extension_id).update(sms=sms)
        since = timezone.now() if what == "pause" else None
        Trunk.objects.filter(pk=line.did.trunk_id).update(paused_since=since)
        number = line.did.number
        OptOut.objects.filter(our_number=number).update(lifted_at=timezone.now())
        if what == "stop":
            OptOut.objects.create(tenant=line.tenant, our_number=number, remote=REMOTES[0])

    # What must hold

    @invariant()
    def nothing_is_lost_doubled_or_told_wrongly(self) -> None:
        """Compare the rows with the ledger."""
        self.ledger.check()

    def end(self) -> None:
        """Let time pass: nothing waits for ever, whatever the administrators left behind."""
        # In half of the runs the providers work again, in the others nobody is left but the sweep.
        if len(self.heard) % 2:
            self.work_off()
        self.clock.shift(DAY + 1)
        self.swept()
        waiting = [State.QUEUED, State.SENDING, State.HELD]
        assert not self.ledger.rows().filter(state__in=waiting).exists()
        self.ledger.check()

    # How it is done

    def work_off(self) -> None:
        """Let all that can go be taken; then nothing waits where nothing is in the way."""
        for _round in range(3):
            self.clock.shift(LONG)
            self.swept()
            held = self.ledger.rows().filter(state=State.HELD)
            assert not held.filter(tenant__active=True).exists()
            for name in self.lines:
                while taken := self.take(name, MOST):
                    self.write([one for message in taken for one in self.ask(message, "accepted")])
        open_trunks = self.ledger.rows().filter(trunk__enabled=True, trunk__paused_since=None)
        assert not open_trunks.filter(state__in=[State.QUEUED, State.SENDING]).exists()
        self.ledger.check()

    def forbidden(self, line: CallerID, to: str) -> bool:
        """Say whether the line may not text this number now."""
        extension = Extension.objects.select_related("tenant").get(pk=line.extension_id)
        stopped = consent.find(line.tenant_id, line.did.number, [to])
        return not extension.tenant.active or not extension.may_send or stopped is not None

    def take(self, name: str, limit: int) -> list[Message]:
        """Claim as a worker does that looked at the trunk before; see that all of it may go."""
        self.moment()
        line = self.lines[name]
        trunk = Trunk.objects.get(pk=line.did.trunk_id)
        if trunk.paused_since:
            return []
        claimed = flows.claim(trunk, limit)
        assert len(claimed) <= limit
        for message in claimed:
            assert not self.forbidden(line, message.recipient)
            assert message.deadline is not None
            assert message.deadline >= timezone.now()
            call = Call()
            self.ledger.entries[message.pk].calls.append(call)
            self.calls[self.key(message)] = call
        return claimed

    @staticmethod
    def key(message: Message) -> tuple[int, datetime.datetime]:
        """Return what tells one claim from the next."""
        assert message.claimed_at is not None
        return message.pk, message.claimed_at

    def ask(self, message: Message, answer: str) -> list[Outcome]:
        """Hand a claimed message to the provider; return what the worker lived to hear."""
        entry, call = self.ledger.entries[message.pk], self.calls[self.key(message)]
        if answer in KILLED and not KILLED[answer]:
            return []
        if not entry.drops_repeats:
            earlier = [one for one in entry.calls if one is not call]
            assert all(one.surely_failed for one in earlier), "it may have been sent twice"
        if answer in KILLED:
            call.arrived = True
            return []
        call.arrived, error = ANSWERS[answer]
        call.answer = error or SendResult(provider_id=entry.provider_id)
        now = timezone.now()
        return [Outcome(message=message, started_at=now, ended_at=now, result=call.answer)]

    def write(self, batch: list[Outcome]) -> None:
        """Settle outcomes; one whose claim was taken over moves nothing but what arrived."""
        before = {row.pk: row for row in self.ledger.rows()}
        outcome.settle(batch)
        after = {row.pk: row for row in self.ledger.rows()}
        for one in batch:
            was, now = before[one.message.pk], after[one.message.pk]
            own = was.claimed_at == one.message.claimed_at
            holds = own and was.state == State.SENDING
            self.calls[self.key(one.message)].settled |= holds
            others = [each for each in batch if each.message.pk == was.pk and each is not one]
            if isinstance(one.result, SendError) and not holds and not others:
                # A refusal that comes after the sweep still counts.
                allowed = {was.state} | (ENDED if own else set())
                assert now.state in allowed, "it was another worker's"

    def swept(self) -> None:
        """Sweep twice."""
        sweep.sweep()
        once = list(self.ledger.rows().order_by("pk").values_list("state", "history"))
        sweep.sweep()
        assert once == list(self.ledger.rows().order_by("pk").values_list("state", "history"))

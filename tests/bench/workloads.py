"""The workloads: what is sent in, what counts as arrived, and what is counted on the way."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from django.conf import settings

from tests.bench import figures, processes
from tests.bench.figures import Figures, Spread
from tests.bench.generator import Job, Replayed, Stamp
from tests.bench.installation import Installation
from tests.bench.ledger import Row, doubled
from tests.bench.listeners import Browser, Listener, Radio, wait_for_news
from tests.stack import wait_until

# How long nothing may arrive before what is missing counts as lost.
PATIENCE = 25.0
DRAINED_WITHIN = 600.0
DOWN_SECONDS = 1.0
RATE = 100
# Shown, and so not lost, although it is not with the provider.
VISIBLE = {"unconfirmed", "failed"}


@dataclass(frozen=True)
class Size:
    """How much of each workload: messages, and seconds of those at a fixed rate."""

    messages: int = 20_000
    seconds: int = 20
    warm_up: int = 200


def inbound(place: Installation, size: Size) -> Figures:
    """Take signed webhooks; arrived is a row the extension can read and news on the broker."""
    _warm_up(place, place.mail.webhooks, size)
    keys = place.keys(size.messages)
    job = Job(place.stack.port, place.mail.webhooks(keys))
    after = place.ledger.last_id()
    radio = Radio(place.stack.env["REDIS_URL"])
    with radio, processes.measured(place.stack) as cost:
        replayed = place.generator.start(job).result()
        wait_for_news(radio, _accepted(replayed), PATIENCE)
        _drain(place)
    return _of_inbound("IN", place, keys, replayed, radio, after=after, cost=cost)


def to_the_browser(place: Installation, size: Size) -> Figures:
    """Take webhooks at a fixed rate for one extension whose browser is open."""
    only = replace(place.mail, lines=place.mail.lines[:1])
    _warm_up(place, only.webhooks, size)
    keys = place.keys(RATE * size.seconds)
    job = Job(place.stack.port, only.webhooks(keys), rate=RATE)
    after = place.ledger.last_id()
    browser = Browser(place.listener_api)
    with browser, processes.measured(place.stack) as cost:
        replayed = place.generator.start(job).result()
        wait_for_news(browser, _accepted(replayed), PATIENCE)
        _drain(place)
    return _of_inbound("IN to the browser", place, keys, replayed, browser, after=after, cost=cost)


def outbound(place: Installation, size: Size) -> Figures:
    """Take texts by the API as fast as they are answered; arrived is a call at the provider."""
    return _outbound("OUT", place, size, count=size.messages)


def paced(place: Installation, size: Size) -> Figures:
    """Take texts by the API at a fixed rate: latency without a backlog."""
    return _outbound("OUT paced", place, size, count=RATE * size.seconds, rate=RATE)


def restart(place: Installation, size: Size) -> Figures:
    """OUT, with the worker killed when the provider has a third, and started a second later."""
    _warm_up(place, place.mail.texts, size)
    keys = place.keys(size.messages)
    job = Job(place.stack.port, place.mail.texts(keys))
    after, calls = place.ledger.last_id(), place.provider.seen.calls
    reached = len(calls) + size.messages // 3
    with processes.measured(place.stack) as cost:
        running = place.generator.start(job)
        wait_until(lambda: len(calls) >= reached, DRAINED_WITHIN, "a third at the provider")
        place.stack.kill("worker")
        threading.Event().wait(DOWN_SECONDS)
        place.stack.launch("worker")
        replayed = running.result()
        _drain(place)
    rows = place.ledger.messages("outbound", after)
    unsure = [row.key for row in rows if row.state == "unconfirmed"]
    notes: dict[str, float] = {
        "unconfirmed": len(unsure),
        "unconfirmed, not with the provider": sum(1 for key in unsure if key not in calls),
        "longest silence at the provider, seconds": _longest_silence(
            call.first for key, call in calls.items() if key in keys
        ),
    }
    cost.seconds.clear()  # what the killed worker spent is not known
    return _of_outbound("RESTART", place, keys, replayed, rows, cost=cost, notes=notes)


def _outbound(
    name: str, place: Installation, size: Size, *, count: int, rate: float = 0.0
) -> Figures:
    _warm_up(place, place.mail.texts, size)
    keys = place.keys(count)
    job = Job(place.stack.port, place.mail.texts(keys), rate=rate)
    after = place.ledger.last_id()
    with processes.measured(place.stack) as cost:
        replayed = place.generator.start(job).result()
        _drain(place)
    rows = place.ledger.messages("outbound", after)
    done = _of_outbound(name, place, keys, replayed, rows, cost=cost, notes={})
    if rate:
        return done
    # By Little's law: the calls that were open on average, of those that could be.
    share = done.end_rate * place.provider.delay / settings.SENDER_THREADS
    return replace(done, notes={**done.notes, "share of threads / delay": share})


def _longest_silence(arrivals: Iterable[int]) -> float:
    ordered = sorted(arrivals)
    return max((after - before for before, after in pairwise(ordered)), default=0) / 1e9


def _of_inbound(
    name: str,
    place: Installation,
    keys: range,
    replayed: Replayed,
    listener: Listener,
    *,
    after: int,
    cost: processes.Cost,
) -> Figures:
    owners = {key: place.mail.line(key).extension for key in keys}
    if isinstance(listener, Browser):
        owners = dict.fromkeys(keys, place.mail.lines[0].extension)
    rows = [
        row
        for row in place.ledger.messages("inbound", after)
        if owners.get(row.key) == row.extension
    ]
    heard = listener.arrivals()
    arrivals = {row.key: heard[row.id] for row in rows if row.id in heard}
    since = dict(zip(keys, (stamp.sent for stamp in replayed.stamps), strict=True))
    return _figures(
        name,
        keys,
        replayed,
        arrivals,
        waits=[arrived - since[key] for key, arrived in arrivals.items()],
        missing=lambda key: key not in arrivals,
        twice=doubled([row.key for row in rows]),
        cost=cost,
        notes={},
    )


def _of_outbound(
    name: str,
    place: Installation,
    keys: range,
    replayed: Replayed,
    rows: list[Row],
    *,
    cost: processes.Cost,
    notes: dict[str, float],
) -> Figures:
    calls = {key: call for key, call in place.provider.seen.calls.items() if key in keys}
    arrivals = {key: call.first for key, call in calls.items()}
    visible = {row.key for row in rows if row.state in VISIBLE}
    confirmed = dict(zip(keys, (stamp.answered for stamp in replayed.stamps), strict=True))
    return _figures(
        name,
        keys,
        replayed,
        arrivals,
        waits=[arrived - confirmed[key] for key, arrived in arrivals.items()],
        missing=lambda key: key not in arrivals and key not in visible,
        twice=sum(1 for call in calls.values() if call.times > 1),
        cost=cost,
        notes=notes,
    )


def _figures(
    name: str,
    keys: range,
    replayed: Replayed,
    arrivals: dict[int, int],
    *,
    waits: list[int],
    missing: Callable[[int], bool],
    twice: int,
    cost: processes.Cost,
    notes: dict[str, float],
) -> Figures:
    stamps = replayed.stamps
    taken = [stamp for stamp in stamps if stamp.accepted]
    start = figures.first_sent(stamps)
    held = [key for key, stamp in zip(keys, stamps, strict=True) if stamp.accepted]
    return Figures(
        workload=name,
        messages=len(keys),
        accepted=len(taken),
        accept_rate=figures.rate([stamp.answered for stamp in taken], start),
        accept=Spread.of(stamp.answered - stamp.sent for stamp in taken),
        arrived=len(arrivals),
        end_rate=figures.rate(list(arrivals.values()), start),
        arrive=Spread.of(waits),
        lost=sum(1 for key in held if missing(key)),
        doubled=twice,
        cpu=cost.per_thousand(len(keys)) if cost.seconds else {},
        memory=cost.peak,
        notes={**_refusals(stamps), **notes},
    )


def _refusals(stamps: list[Stamp]) -> dict[str, float]:
    """Count the answers that were no acceptance, by their status."""
    statuses = Counter(stamp.status for stamp in stamps if not stamp.accepted)
    return {f"answered {status}": count for status, count in sorted(statuses.items())}


def _accepted(replayed: Replayed) -> int:
    return sum(1 for stamp in replayed.stamps if stamp.accepted)


def _warm_up(place: Installation, make: Callable[[range], list[bytes]], size: Size) -> None:
    """Open connections, load code and fill caches; nothing of it is measured."""
    place.generator.start(Job(place.stack.port, make(place.keys(size.warm_up)))).result()
    _drain(place)


def _drain(place: Installation) -> None:
    """Wait until nothing waits, or until nothing has moved for long."""
    seen, moved = -1, time.monotonic()

    def is_over() -> bool:
        nonlocal seen, moved
        if len(place.provider.seen.calls) != seen:
            seen, moved = len(place.provider.seen.calls), time.monotonic()
        return not place.ledger.waits() or time.monotonic() - moved > PATIENCE

    wait_until(is_over, DRAINED_WITHIN, "the end of what waits")


ALL: dict[str, Callable[[Installation, Size], Figures]] = {
    "in": inbound,
    "out": outbound,
    "paced": paced,
    "browser": to_the_browser,
    "restart": restart,
}

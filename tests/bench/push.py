"""How many open browsers one push process keeps, and how soon each of them hears of a message.

`python -m tests.bench.push` starts the broker and the push process alone, as the stack does, opens
a thousand streams, and publishes a message to the channel of each and one to the channel of all:
at once, and again after a minute. It fails if a stream was lost, or if a message was, or was late.
"""

import argparse
import asyncio
import contextlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from redis import Redis

from sms import push
from tests.bench import report
from tests.bench.__main__ import say
from tests.bench.figures import Spread
from tests.bench.processes import families, proportional_megabytes, roots
from tests.stack import Stack, status_of, wait_until

CONNECTIONS = 1000
SECONDS = 60.0
LATE = 1000.0  # milliseconds
AT_ONCE = 100  # connections that are being opened at the same time
PATIENCE = 30.0
# As Redis carries the channels of the stack's own broker, which has the database 0.
ON_AIR = "push:0:"
EVERYBODY = "tenant:1"


@dataclass(frozen=True)
class Wave:
    """Messages that were published in one go: how many were heard, and how soon."""

    name: str
    expected: int
    heard: int
    spread: Spread
    latest: float

    @property
    def is_good(self) -> bool:
        """Whether all were heard, each once and in time."""
        return self.heard == self.expected and self.latest < LATE


@dataclass
class Outcome:
    """What a run measured."""

    connections: int
    greeted: int
    seconds: float
    stayed: int = 0
    pings: int = 0
    opened_in: float = 0.0
    memory: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    waves: list[Wave] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether every stream stayed and heard everything in time."""
        return self.stayed == self.connections and all(wave.is_good for wave in self.waves)


class Ear(asyncio.Protocol):
    """One open stream: stamps each piece of news that comes."""

    def __init__(self, number: int, target: str, host: str) -> None:
        self.number = number
        self.request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.greeted = asyncio.get_running_loop().create_future()
        self.is_open = False
        self.rest = b""
        self.pings = 0
        self.heard: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.is_open = True
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Stamp what came."""
        now = time.monotonic_ns()
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            if line == b"event: hello" and not self.greeted.done():
                self.greeted.set_result(None)
            elif line == b"event: ping":
                self.pings += 1
            elif line.startswith(b'data: {"wave"'):
                self.heard.append((json.loads(line[6:])["wave"], now))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the stream is gone."""
        self.is_open = False
        if not self.greeted.done():
            self.greeted.set_exception(exc or ConnectionResetError("closed before it was greeted"))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Run the broker and the push process, with a secret that this process can sign with."""
    own = {"SECRET_KEY": settings.SECRET_KEY, "DATABASE_URL": settings.DATABASE_URL}
    stack = Stack(folder, DEBUG="false", **own)
    try:
        stack.servers["valkey"].start()
        stack.env["REDIS_URL"] = stack.servers["valkey"].url()
        stack.launch("push")
        wait_until(lambda: status_of(stack.push_port, "/healthz") == 200, what="push alive")
        yield stack
    finally:
        stack.stop()


def megabytes(stack: Stack) -> float:
    """Return the memory of the push process and its children."""
    return sum(map(proportional_megabytes, stack.pids("push")))


def spent(stack: Stack) -> float:
    """Return the processor seconds of the push process and its children so far."""
    return sum(families(roots(stack))["push"].values())


def room_for(connections: int) -> None:
    """Let this process open as many files as it may; each connection is one."""
    _soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < most < connections + 100:
        raise SystemExit(f"the limit of open files is {most}: raise it (ulimit -Hn) and try again")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def opened(stack: Stack, connections: int) -> list[Ear]:
    """Open the streams, a channel of its own and that of all for each, until all were greeted."""
    host, turn = urlsplit(stack.push_url).netloc, asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Ear:
        token = push.make_token([f"extension:{number}", EVERYBODY])
        ear = Ear(number, f"/events?token={token}", host)
        async with turn:
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: ear, "127.0.0.1", stack.push_port)
            await asyncio.wait_for(ear.greeted, PATIENCE)
        return ear

    return list(await asyncio.gather(*map(one, range(connections))))


async def wave(stack: Stack, ears: Sequence[Ear], name: str, channels: Sequence[str]) -> Wave:
    """Publish to all channels in one go, and wait until every stream has heard its message."""
    body = json.dumps({"wave": name})
    with Redis.from_url(stack.env["REDIS_URL"]) as client:
        pipe = client.pipeline(transaction=False)
        for channel in channels:
            pipe.publish(ON_AIR + channel, body)
        sent = time.monotonic_ns()
        await asyncio.to_thread(pipe.execute)

    def arrivals() -> list[int]:
        return [stamp for ear in ears for heard, stamp in ear.heard if heard == name]

    deadline = time.monotonic() + PATIENCE
    while len(arrivals()) < len(ears) and time.monotonic() < deadline:
        await pause(0.02)
    waits = [stamp - sent for stamp in arrivals()]
    latest = max(waits, default=0) / 1e6
    return Wave(name, len(ears), len(waits), Spread.of(waits), latest)


async def pause(seconds: float) -> None:
    """Let the streams be read for so long."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


@contextlib.asynccontextmanager
async def streams(stack: Stack, connections: int) -> AsyncIterator[list[Ear]]:
    """Keep the streams open until the block ends."""
    ears = await opened(stack, connections)
    try:
        yield ears
    finally:
        for ear in ears:
            ear.transport.close()


async def measured(stack: Stack, connections: int, seconds: float) -> Outcome:
    """Open the streams, send both waves, wait, send them again."""
    outcome = Outcome(connections, 0, seconds, memory={"without streams": megabytes(stack)})
    marks, began = [spent(stack)], time.monotonic()
    async with streams(stack, connections) as ears:
        outcome.greeted, outcome.opened_in = len(ears), time.monotonic() - began
        marks.append(spent(stack))
        each = [f"extension:{ear.number}" for ear in ears]
        for moment in ("at once", f"after {seconds:.0f} s"):
            for name, channels in (("one to each", each), ("one to all", [EVERYBODY])):
                outcome.waves.append(await wave(stack, ears, f"{name}, {moment}", channels))
            if moment == "at once":
                marks.append(spent(stack))
                await pause(seconds)
                marks.append(spent(stack))
        outcome.memory["with them"] = megabytes(stack)
        outcome.stayed = sum(ear.is_open for ear in ears)
        outcome.pings = min(ear.pings for ear in ears)
    names = ("opening", "both waves", "keeping")
    outcome.cpu = {name: marks[at + 1] - marks[at] for at, name in enumerate(names)}
    return outcome


def run(connections: int, seconds: float) -> Outcome:
    """Measure on a push process of its own."""
    room_for(connections)
    with (
        tempfile.TemporaryDirectory(prefix="sms-channel-push-") as folder,
        running(Path(folder)) as stack,
    ):
        return asyncio.run(measured(stack, connections, seconds))


def table(outcome: Outcome) -> str:
    """Return the figures in Markdown."""
    rows = [["messages", "streams", "heard", "p50, ms", "p95, ms", "latest, ms"]]
    for one in outcome.waves:
        times = (one.spread.p50, one.spread.p95, one.latest)
        rows.append([one.name, str(one.expected), str(one.heard), *map(report.number, times)])
    empty, full = outcome.memory["without streams"], outcome.memory["with them"]
    each = 1024 * (full - empty) / outcome.connections
    opening, waves, keeping = map(report.number, outcome.cpu.values())
    facts = {
        "Streams": f"{outcome.connections:,} opened in {outcome.opened_in:.1f} s, "
        f"{outcome.stayed:,} still open after {outcome.seconds:.0f} s and at least "
        f"{outcome.pings} pings each",
        "Memory (PSS)": f"{full:.0f} MB, without streams {empty:.0f} MB: {each:.0f} kB a stream",
        "Processor": f"{opening} s for opening them, {waves} s for a message to each and one to"
        f" all, {keeping} s for keeping them {outcome.seconds:.0f} s",
    }
    return f"{report.facts(facts)}\n\n{report.aligned(rows)}"


def main(words: Sequence[str] | None = None) -> int:
    """Measure, show, and write where that is wanted; fail if anything was lost or late."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.push", description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="to keep them open")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document to bring up")
    given = parser.parse_args(words)
    outcome = run(given.connections, given.seconds)
    say(table(outcome))
    if given.write:
        report.write_block(given.write, "push", table(outcome))
    return 0 if outcome.is_good else 1


if __name__ == "__main__":
    sys.exit(main())

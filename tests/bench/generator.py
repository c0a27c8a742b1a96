"""Replays ready-made requests over keep-alive connections and stamps each of them.

Closed loop: every connection has one request open. Open loop: requests start at a fixed rate, and
their time counts from when they were due, so that a product that stalls cannot hide it. It runs
in a process of its own, on asyncio's bare protocols, because it shares the product's processors.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from types import TracebackType
from typing import Self, cast

from tests.bench.framing import is_whole

CONNECTIONS = 32
PATIENCE = 60.0  # seconds without any answer after which the rest counts as not answered


@dataclass(frozen=True)
class Job:
    """What to replay and where; with a rate (requests a second) in an open loop."""

    port: int
    requests: Sequence[bytes]
    rate: float = 0.0
    connections: int = CONNECTIONS


@dataclass(frozen=True)
class Stamp:
    """When a request was sent or due, and answered (nanoseconds); status 0 is no answer."""

    sent: int
    answered: int
    status: int

    @property
    def accepted(self) -> bool:
        """Whether the product took responsibility."""
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Replayed:
    """One stamp per request, and what the replay itself cost."""

    stamps: list[Stamp]
    cpu_seconds: float


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request open."""

    def __init__(self, replay: "_Replay") -> None:
        self.replay = replay
        self.index = -1
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.replay.free(self)

    def send(self, index: int) -> None:
        """Send one request."""
        self.index = index
        if self._transport is not None:
            self._transport.write(self.replay.job.requests[index])

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not is_whole(self._buffer):
            return
        answer, self._buffer = self._buffer, b""
        self._conclude(int(answer[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self.index >= 0:
            self._conclude(0)
        self.replay.gone(self)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _conclude(self, status: int) -> None:
        index, self.index = self.index, -1
        if index >= 0:
            self.replay.answered(index, status)
        if status:
            self.replay.free(self)


class _Replay:
    """The requests, who is idle, and what is still to be answered."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.stamps: list[Stamp] = [Stamp(0, 0, 0)] * len(job.requests)
        self._sent = [0] * len(job.requests)
        self._due = deque(range(0 if job.rate else len(job.requests)))
        self._idle: deque[_Connection] = deque()
        self._open: set[_Connection] = set()
        self._left = len(job.requests)
        self._over = asyncio.Event()
        self._moved = time.monotonic()

    async def run(self) -> list[Stamp]:
        """Replay everything; return when all is answered or nothing moves any more."""
        loop = asyncio.get_running_loop()
        for _each in range(self.job.connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.job.port)
        if self.job.rate:
            start = time.monotonic()
            for index in range(len(self.job.requests)):
                loop.call_at(start + index / self.job.rate, self._fall_due, index)
        self._moved = time.monotonic()
        while self._left and time.monotonic() - self._moved < PATIENCE:
            try:
                await asyncio.wait_for(self._over.wait(), 1.0)
            except TimeoutError:
                continue
        for connection in list(self._open):
            connection.close()
        return self.stamps

    def _fall_due(self, index: int) -> None:
        self._sent[index] = time.monotonic_ns()
        self._moved = time.monotonic()
        self._due.append(index)
        if self._idle:
            self._idle.popleft().send(self._due.popleft())

    def free(self, connection: _Connection) -> None:
        """Give an idle connection its next request."""
        self._open.add(connection)
        if not self._due:
            self._idle.append(connection)
            return
        index = self._due.popleft()
        if not self.job.rate:
            self._sent[index] = time.monotonic_ns()
        connection.send(index)

    def answered(self, index: int, status: int) -> None:
        """Stamp a request."""
        self.stamps[index] = Stamp(self._sent[index], time.monotonic_ns(), status)
        self._left -= 1
        self._moved = time.monotonic()
        if not self._left:
            self._over.set()

    def gone(self, connection: _Connection) -> None:
        """Replace a connection that broke while there is work."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._left:
            self._again = asyncio.ensure_future(self._reconnect())

    async def _reconnect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.job.port)
        except OSError:
            # A server that is not there: the others go on, or the patience ends.
            return


def replay(job: Job) -> Replayed:
    """Run one job in this process."""
    before = time.process_time()
    stamps = asyncio.run(_Replay(job).run())
    return Replayed(stamps, time.process_time() - before)


class Generator:
    """The process that replays; a context manager."""

    def __init__(self) -> None:
        # Spawned and not forked: whoever measures has threads.
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def start(self, job: Job) -> Future[Replayed]:
        """Begin a replay and return at once."""
        return self._pool.submit(replay, job)

"""A provider at its HTTP edge, cheap enough to stand beside the product on the same processors.

It answers every message like Twilio after a fixed delay, and remembers for each key how often and
when it came.
"""

import asyncio
import itertools
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

from tests.bench.framing import is_whole
from tests.bench.prepared import KEY

DELAY = 0.05
STARTS_WITHIN = 10.0


@dataclass
class Call:
    """How often a message came, and when first (nanoseconds)."""

    first: int
    times: int = 0


@dataclass
class Seen:
    """Everything that came since the provider opened, by key."""

    calls: dict[int, Call] = field(default_factory=dict)
    nameless: int = 0

    def note(self, request: bytes) -> None:
        """Count one request."""
        found = KEY.search(request)
        if found is None:
            self.nameless += 1
            return
        call = self.calls.setdefault(int(found[1]), Call(time.monotonic_ns()))
        call.times += 1


class _Caller(asyncio.Protocol):
    """One connection of the product: a request at a time."""

    def __init__(self, provider: "Provider") -> None:
        self._provider = provider
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not is_whole(self._buffer):
            return
        request, self._buffer = self._buffer, b""
        self._provider.seen.note(request)
        asyncio.get_running_loop().call_later(self._provider.delay, self._answer)

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._provider.answer())


class Provider:
    """The stub on a loopback port, in a thread of its own; a context manager."""

    def __init__(self, delay: float = DELAY) -> None:
        self.delay = delay
        self.seen = Seen()
        self._numbers = itertools.count(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._open = threading.Event()
        self.host = ""

    @property
    def url(self) -> str:
        """The API base that the trunks are given."""
        return f"http://{self.host}"

    def answer(self) -> bytes:
        """Return what is said to an accepted message."""
        body = b'{"sid":"SM%032x","status":"queued","num_segments":"1"}' % next(self._numbers)
        head = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "
        return head + b"%d\r\n\r\n" % len(body) + body

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._open.wait(STARTS_WITHIN):
            raise OSError("the provider's stub did not open its port")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STARTS_WITHIN)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Caller(self), "127.0.0.1", 0)
        )
        self.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._open.set()
        self._loop.run_forever()
        server.close()
        self._loop.close()

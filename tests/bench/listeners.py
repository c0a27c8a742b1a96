"""Who waits at the far end of an inbound text: news on the broker, and a browser with its stream.

Both stamp what they hear and read it only afterwards.
"""

import contextlib
import json
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from redis import Redis

from tests.stack import wait_until
from tests.web import Api

HEARS_WITHIN = 10.0


class Listener(ABC):
    """Keeps pairs of a stamp (nanoseconds) and a piece of news; a context manager."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self._ready = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(HEARS_WITHIN):
            raise AssertionError("nobody let us listen")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(HEARS_WITHIN)

    def arrivals(self) -> dict[int, int]:
        """Return when each new message was first heard of, by its id."""
        found: dict[int, int] = {}
        for stamp, raw in self.heard:
            news = json.loads(raw)
            if news.get("type") == "message":
                found.setdefault(int(news["message"]), stamp)
        return found

    def _listen(self) -> None:
        for line in self._lines():
            self.heard.append((time.monotonic_ns(), line))
            if self._over.is_set():
                return

    @abstractmethod
    def _lines(self) -> Iterator[bytes]:
        """Yield the news as they come, once the listener is ready."""


class Radio(Listener):
    """Hears everything that workers publish, without a push process in between."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def _lines(self) -> Iterator[bytes]:
        with Redis.from_url(self._url) as client, client.pubsub() as line:
            line.psubscribe("push:*")
            while not self._over.is_set():
                said = line.get_message(timeout=0.2)
                if said and said["type"] == "psubscribe":
                    self._ready.set()
                elif said:
                    yield from said["data"].splitlines()


class Browser(Listener):
    """An open client of one extension: asks where to listen, and reads the stream of events."""

    def __init__(self, api: Api) -> None:
        super().__init__()
        self._url = urlsplit(api.get("events").json()["url"])

    def _lines(self) -> Iterator[bytes]:
        address = (self._url.hostname or "", self._url.port or 80)
        with socket.create_connection(address, timeout=0.2) as wire:
            wire.sendall(
                f"GET {self._url.path}?{self._url.query} HTTP/1.1\r\n"
                f"Host: {self._url.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode()
            )
            rest = b""
            while not self._over.is_set():
                with contextlib.suppress(TimeoutError):
                    rest += wire.recv(65536)
                *lines, rest = rest.split(b"\n")
                yield from self._data(lines)

    def _data(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            if line == b"event: hello":
                self._ready.set()
            elif line.startswith(b"data: ") and line != b"data: {}":
                yield line.removeprefix(b"data: ")


def wait_for_news(listener: Listener, count: int, patience: float) -> None:
    """Wait for so many pieces of news, or until none has come for ``patience`` seconds."""
    last, moved = -1, time.monotonic()

    def is_over() -> bool:
        nonlocal last, moved
        if len(listener.heard) != last:
            last, moved = len(listener.heard), time.monotonic()
        return last >= count or time.monotonic() - moved > patience

    wait_until(is_over, seconds=3600, what="the end of the news")

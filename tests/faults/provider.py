"""A provider that does what a script says, message by message, and logs what it read.

It answers as Twilio does, who takes every request for a new message, and as Telnyx does, who drops
a repeated key.
"""

import contextlib
import itertools
import json
import select
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from tests.journeys.carrier import Heard

HOLDS_AT_MOST = 30.0
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(2_000_000)


@dataclass(frozen=True)
class Step:
    """What happens to one request that was read; as it stands: it is taken, and answered so.

    ``takes``: it becomes a message at the provider, whatever is answered. ``first`` happens before
    the answer. ``held``: no answer until the gate opens. ``cut``: a reset in place of the answer.
    """

    status: int = 0
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    takes: bool = True
    ident: str = ""
    first: Callable[[Heard], object] | None = None
    held: bool = False
    cut: bool = False


TAKE = Step()


@dataclass(frozen=True)
class Call:
    """One request that was read: its text, its key where the provider has such, what it became."""

    text: str
    key: str
    taken: bool
    heard: Heard


@dataclass
class Script:
    """What is still to happen to requests of one text; after the last step they are taken."""

    steps: list[Step] = field(default_factory=list)

    def following(self) -> Step:
        """Return the next step."""
        return self.steps.pop(0) if self.steps else TAKE


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other side sees a reset."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


class Provider:
    """The stub on a loopback port; ``calls`` is its log, ``messages`` what it will deliver."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.messages: Counter[str] = Counter()
        self.gate = threading.Event()
        self.hears = threading.Event()
        self.greets = threading.Event()
        self.be_well()
        self._lock = threading.Lock()
        self._scripts: dict[str, Script] = {}
        self._ids: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._open: set[socket.socket] = set()
        self.port = 0
        self.listen()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.be_well()
        self.refuse()

    def be_well(self) -> None:
        """Answer everything again."""
        for event in (self.gate, self.hears, self.greets):
            event.set()

    def listen(self) -> None:
        """Take connections, on the same port every time."""
        self._server = _Server(("127.0.0.1", self.port), self)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def refuse(self) -> None:
        """Refuse connections, and end those that are open."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def without(self, event: threading.Event) -> Iterator[None]:
        """Do without the gate, hearing or greeting for a while."""
        event.clear()
        try:
            yield
        finally:
            event.set()

    def script(self, text: str, *steps: Step) -> None:
        """Say what happens to the next requests with this text."""
        self._scripts[text] = Script(list(steps))

    def read(self, text: str) -> list[Call]:
        """Return what was read of this text."""
        return [call for call in self.calls if call.text == text]

    def take(self, heard: Heard) -> tuple[Step, str]:
        """Log a request and return what is to happen, and the id that the provider gives it."""
        text, key = heard.text, heard.headers.get("idempotency-key", "")
        with self._lock:
            step = self._scripts.get(text, Script()).following()
            repeats = key in self._ids
            if step.takes and not repeats:
                self.messages[text] += 1
                ident = step.ident or f"{next(self._numbers):032x}"
                self._ids[key or ident] = ident
            self.calls.append(Call(text, key, step.takes and not repeats, heard))
            return step, self._ids.get(key, "") if key else (ident if step.takes else "")

    @contextlib.contextmanager
    def connected(self, connection: socket.socket) -> Iterator[None]:
        """Know a connection while it is open."""
        self._open.add(connection)
        try:
            yield
        finally:
            self._open.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], provider: Provider) -> None:
        self.provider = provider
        super().__init__(address, _Handler)

    def handle_error(self, *_: Any) -> None:
        """A caller that was killed while we answered is what some cases are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle(self) -> None:
        """Serve one connection; look before each request whether it is to be read at all."""
        provider = self.server.provider
        with provider.connected(self.connection):
            self.close_connection = False
            while not self.close_connection:
                select.select([self.connection], [], [], HOLDS_AT_MOST)
                if not provider.greets.is_set():
                    reset(self.connection)
                    return
                if not provider.hears.is_set():
                    provider.hears.wait(HOLDS_AT_MOST)
                    reset(self.connection)
                    return
                self.handle_one_request()

    def do_POST(self) -> None:
        """Log the request and do what the script says."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard("POST", parts.path, parts.query, headers, body)
        step, ident = self.server.provider.take(heard)
        if step.first:
            step.first(heard)
        if step.held:
            self.server.provider.gate.wait(HOLDS_AT_MOST)
        if step.cut:
            self.close_connection = True
            reset(self.connection)
            return
        self.answer(step, heard, ident)

    def do_GET(self) -> None:
        """Serve the picture, whatever is asked for."""
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE)

    def answer(self, step: Step, heard: Heard, ident: str) -> None:
        """Answer as the step says, else as the provider does that was called."""
        status, body = step.status, step.body
        if not status:
            status, body = accepted(heard.path, ident)
        self.send_response(status)
        for name, value in step.headers or (("Content-Type", "application/json"),):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test reads ``calls``."""


def accepted(path: str, ident: str) -> tuple[int, bytes]:
    """Return what a provider says to a message that it took."""
    if path.endswith("/Messages.json"):
        return 201, json.dumps({"sid": f"SM{ident}", "status": "queued"}).encode()
    to = [{"phone_number": "+16175550188", "status": "queued"}]
    return 200, json.dumps({"data": {"id": ident, "to": to, "parts": 1}}).encode()

"""A provider at its HTTP edge: answers as QuestBlue, Twilio and Telnyx do, and remembers."""

import itertools
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.stack import wait_until


@dataclass(frozen=True)
class Heard:
    """One request as it arrived. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)

    def form(self) -> dict[str, list[str]]:
        """Read the body as a form."""
        return parse_qs(self.body.decode(), keep_blank_values=True)

    @property
    def text(self) -> str:
        """The message's text, in whichever of the three shapes."""
        if self.headers.get("content-type", "").startswith("application/json"):
            data = self.json()
            return str(data.get("text") or data.get("msg"))
        return self.form()["Body"][0]


class Carrier:
    """The stub on a loopback port. Closed gates let requests arrive and keep their answers."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.numbers = itertools.count(18_000_001)
        self.gate = threading.Event()
        self.gate.set()
        carrier = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Remember the request, wait for the gate, answer."""
                length = int(self.headers.get("Content-Length", 0))
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                carrier.heard.append(Heard("POST", parts.path, parts.query, headers, body))
                carrier.gate.wait(60)
                status, answer = carrier.answer(parts.path)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                """Tell the balance: the question that checks credentials."""
                answer = json.dumps({"data": {"balance": "25.00"}}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the test reads ``heard``."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                """A caller that was killed while we answered is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.url = f"http://{self.host}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path: str) -> tuple[int, bytes]:
        """Return what the provider whose path this is answers to an accepted message."""
        number = next(self.numbers)
        if path.endswith("/smsv2"):
            return 200, json.dumps({"data": [{"msg_id": str(number)}]}).encode()
        if path.endswith("/Messages.json"):
            sid = f"SM{number:032x}"
            return 201, json.dumps({"sid": sid, "status": "queued", "num_segments": "1"}).encode()
        ident = f"40317fa2-5e6d-4c7b-8a90-{number:012d}"
        to = [{"phone_number": "+16175550188", "status": "queued"}]
        return 200, json.dumps({"data": {"id": ident, "to": to, "parts": 1}}).encode()

    def wait_for(self, count: int, *, seconds: float = 20.0) -> list[Heard]:
        """Wait until so many requests have arrived and return them all."""
        wait_until(lambda: len(self.heard) >= count, seconds, f"{count} requests at the provider")
        return list(self.heard)

    def texts(self) -> list[str]:
        """Return the text of every request, in the order of arrival."""
        return [heard.text for heard in self.heard]

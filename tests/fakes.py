"""The sandbox carrier, played at its HTTP edge: what it answers, what reached it, what it posts.

Nothing of ours is replaced: calls end in ``responses``, and webhooks are signed as the carrier's.
"""

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import responses
from django.conf import settings
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from portal.models import Trunk
from providers.contract import WebhookRequest

REMOTE = "+16175550188"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Call:
    """One message as it reached the carrier; several recipients are joined with ``;``."""

    reference: str
    sender: str
    recipient: str
    text: str
    media: tuple[str, ...]
    status_url: str
    secret: str


HttpAnswer = tuple[int, Mapping[str, str], str]
Answer = Callable[[Call], HttpAnswer]


def accepted(provider_id: str = "") -> Answer:
    """Take the message, under an id of its own unless one is given."""

    def answer(_call: Call) -> HttpAnswer:
        return 201, {}, json.dumps({"id": provider_id or f"fake-{next(_numbers)}"})

    return answer


def accepted_without_id() -> Answer:
    """Take the message and forget to say its id."""
    return lambda _call: (201, {}, "{}")


def rejected(code: str = "21", detail: str = "The handset blocks this sender") -> Answer:
    """Refuse the message for good."""
    body = json.dumps({"error": {"code": code, "detail": detail}})
    return lambda _call: (422, {}, body)


def credentials_refused() -> Answer:
    """Refuse the trunk's secret."""
    return lambda _call: (401, {}, "{}")


def throttled(retry_after: int | None = None) -> Answer:
    """Ask to wait."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return lambda _call: (429, headers, "{}")


def bad_gateway() -> Answer:
    """Answer with a page of something in between."""
    return lambda _call: (502, {"Content-Type": "text/html"}, "<h1>502 Bad Gateway</h1>")


def unreachable() -> Answer:
    """Refuse the connection: surely nothing was sent."""
    return _fails(
        requests.ConnectionError(NewConnectionError(HTTPConnection("sandbox"), "refused"))
    )


def connect_timeout() -> Answer:
    """Never open the connection: surely nothing was sent."""
    return _fails(requests.ConnectTimeout(ConnectTimeoutError()))


def lost() -> Answer:
    """Take the message, perhaps, and never answer."""
    return _fails(requests.ReadTimeout())


def _fails(error: Exception) -> Answer:
    def answer(_call: Call) -> HttpAnswer:
        raise error

    return answer


def then(act: Callable[[Call], object], answer: Answer) -> Answer:
    """Do something while the call is open, then answer."""

    def acting(call: Call) -> HttpAnswer:
        act(call)
        return answer(call)

    return acting


class FakeProvider:
    """The carrier behind every sandbox trunk. It takes all messages unless a script says else."""

    def __init__(self, edge: responses.RequestsMock) -> None:
        self.calls: list[Call] = []
        self._script: deque[Answer] = deque()
        self._lock = threading.Lock()
        url = f"{settings.SANDBOX_URL}/messages"
        edge.add_callback(responses.POST, url, callback=self._answer)

    def will(self, *answers: Answer) -> None:
        """Answer the next calls like this, one each."""
        self._script.extend(answers)

    @property
    def texts(self) -> list[str]:
        """The texts that arrived, in order."""
        return [call.text for call in self.calls]

    def _answer(self, request: requests.PreparedRequest) -> HttpAnswer:
        body = json.loads(request.body or b"{}")
        call = Call(
            reference=body["reference"],
            sender=body["from"],
            recipient=body["to"] if isinstance(body["to"], str) else ";".join(body["to"]),
            text=body["text"],
            media=tuple(body["media"]),
            status_url=body["status_url"],
            secret=request.headers["Authorization"].removeprefix("Bearer "),
        )
        with self._lock:
            self.calls.append(call)
            answer = self._script.popleft() if self._script else accepted()
        return answer(call)


def text(
    to: str | list[str], words: str = "Hello", *, sender: str = REMOTE, **more: Any
) -> dict[str, Any]:
    """Return one message of a handset, as the carrier reports it; its id is new unless given."""
    recipients = [to] if isinstance(to, str) else to
    ident = f"mo-{next(_numbers)}"
    return {
        "type": "message", "id": ident, "from": sender, "to": recipients, "text": words, **more
    }  # fmt: skip


def receipt(status: str, *, provider_id: str, **more: Any) -> dict[str, Any]:
    """Return one delivery receipt, as the carrier reports it."""
    return {"type": "status", "id": provider_id, "status": status, **more}


def pack(*items: object) -> bytes:
    """Return the body of one post of the carrier."""
    return json.dumps({"events": items}).encode()


def signed(trunk: Trunk, body: bytes) -> dict[str, str]:
    """Return the headers by which a post proves that the carrier sent it."""
    now = str(int(time.time()))
    mac = hmac.digest(
        trunk.credentials["secret"].encode(), now.encode() + b"." + body, hashlib.sha256
    )
    return {
        "content-type": "application/json",
        "x-sandbox-timestamp": now,
        "x-sandbox-signature": mac.hex(),
    }


def webhook(trunk: Trunk, *items: object, body: bytes | None = None) -> WebhookRequest:
    """Return a signed post of these items, or of a raw body, to the trunk's webhook."""
    raw = pack(*items) if body is None else body
    return WebhookRequest(
        method="POST", url=trunk.webhook_url, headers=signed(trunk, raw), query="", body=raw
    )


def questblue_text(to: str, words: str = "Hello", *, sender: str = "6175550188") -> bytes:
    """Return the post of a QuestBlue message: no id, no signature."""
    return json.dumps({"from": sender, "to": [to], "text": words, "media": []}).encode()


def questblue_receipt(sender: str, recipient: str, status: str) -> bytes:
    """Return the post of a QuestBlue receipt: only the pair of numbers says for what."""
    return json.dumps({"from": sender, "to": recipient, "status": status}).encode()


def unsigned(trunk: Trunk, body: bytes) -> WebhookRequest:
    """Return a post without any proof."""
    headers = {"content-type": "application/json"}
    return WebhookRequest(
        method="POST", url=trunk.webhook_url, headers=headers, query="", body=body
    )

"""The raw bodies of ``fixtures/<key>/`` and the table ``cases.json`` beside them.

``cases.json`` holds ``credentials`` (those of every case, which a case may amend) and ``cases``:

- ``inbound``, ``status``: ``file`` is the body of a webhook request; ``expect`` lists the events,
  of which ``{"broken": "..."}`` is an unreadable element, or is ``{"error": "Unreadable"}``. A
  ``piece`` has ``key``, ``index`` and ``total``; ``files`` have ``content_type``, ``name`` and the
  ``body`` in Base64.
- ``signature``: the same with ``url``, ``at`` (Unix seconds) and ``valid``.
- ``send_response``: ``file`` (or null) and ``http_status`` answer a send; ``expect`` holds fields
  of the result, or ``error``, ``code``, ``retry_after`` and ``limit``.
- ``send_request``: ``message`` is sent; ``expect`` is the request that must have left: ``method``,
  ``path`` with its query, ``headers``, and the body as ``json``, ``form``, ``multipart`` (pairs) or
  ``body`` (the name of a file that it equals).
- ``call``: any other method with its ``args``; ``exchanges`` are requests and their answers, in
  order; ``expect`` is what it returns, or ``error`` and ``code``. What ``poll_receipts`` is asked
  about stands in ``sent``.

``sender``, for the whole table, sends the plain text of ``send_response`` where the provider does
not take it from a number.

``before``, in a case or for the whole table, lists the exchanges that precede a send, such as the
call for a token. Every case has a ``name`` and a ``source``; ``method``, ``content_type`` and
``headers`` have defaults.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from providers import registry
from providers.abilities import Sent
from providers.contract import OutboundMessage, Provider, WebhookRequest

FIXTURES = Path(__file__).parent / "fixtures"
WEBHOOK_URL = "https://sms.example.com/webhooks/k3JtQ9/"


@dataclass(frozen=True)
class Case:
    """One line of a table."""

    key: str
    kind: str
    name: str
    data: dict[str, Any]
    credentials: dict[str, str]
    before: list[dict[str, Any]]
    sender: str

    def __str__(self) -> str:
        return f"{self.key}: {self.kind}: {self.name}"

    @property
    def body(self) -> bytes:
        """The raw body, empty where the case has none."""
        return self.read(self.data["file"])

    def read(self, name: str | None) -> bytes:
        """Return the bytes of a fixture."""
        return (FIXTURES / self.key / name).read_bytes() if name else b""

    def adapter(self) -> Provider[Any]:
        """Build the adapter that the case is about."""
        return registry.build(self.key, self.credentials)

    def request(self) -> WebhookRequest:
        """Return the webhook request of the case."""
        url = self.data.get("url", WEBHOOK_URL)
        headers = {"content-type": self.data["content_type"], **self.data.get("headers", {})}
        return WebhookRequest(
            method=self.data.get("method", "POST"),
            url=url,
            headers={name.lower(): value for name, value in headers.items()},
            query=urlsplit(url).query,
            body=self.body,
        )

    def arguments(self) -> list[Any]:
        """Return what the method of a ``call`` is given."""
        if "sent" in self.data:
            at = datetime.fromisoformat
            return [[Sent(**{**row, "at": at(row["at"])}) for row in self.data["sent"]]]
        return list(self.data["args"])

    def plain(self, text: str = "Hello") -> OutboundMessage:
        """Return a text that every account can send."""
        return OutboundMessage(
            reference="r-1", sender=self.sender, recipient="+16175550188", text=text
        )

    def message(self) -> OutboundMessage:
        """Return the message of the case."""
        fields = dict(self.data["message"])
        return OutboundMessage(**{**fields, "media_urls": tuple(fields["media_urls"])})


def load(*kinds: str) -> list[Case]:
    """Return the cases of these kinds, of every adapter."""
    return [case for key in sorted(registry.all()) for case in of(key) if case.kind in kinds]


def of(key: str) -> list[Case]:
    """Return every case of one adapter."""
    table = json.loads((FIXTURES / key / "cases.json").read_text(encoding="utf-8"))
    return [
        Case(
            key=key,
            kind=data["kind"],
            name=data["name"],
            data=data,
            credentials={**table["credentials"], **data.get("credentials", {})},
            before=data.get("before", table.get("before", [])),
            sender=table.get("sender", "+12025550123"),
        )
        for data in table["cases"]
    ]

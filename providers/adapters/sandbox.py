"""Sandbox: the built-in handset simulator, a provider without an account, a contract or a bill.

It plays the outside world on the Handset page, so that everything can be tried before a real
trunk exists. Nothing leaves this machine.

Set-up:

1. Make a trunk with the provider "Sandbox" and any secret; a long random one is best.
2. Give it at least one DID. Any number will do, for it exists only here.
3. Nothing has to be entered anywhere else: the Handset posts to {webhook_url} by itself.
4. Open the Handset page, text the DID, and watch the message arrive.

What it speaks: JSON in both directions. Calls carry the secret as a bearer token. Webhooks carry
``x-sandbox-timestamp`` (Unix seconds, 300 s of tolerance) and ``x-sandbox-signature``, the
hexadecimal HMAC-SHA256 of ``<timestamp>.<body>`` under the secret. One post may hold several
events. A group text has a list as ``to``, both ways; each of its receipts names one of them as
``to``. A repeated reference is a second message, so an unknown outcome stays unknown, as it does
with most providers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from providers import signing
from providers.answer import Answer
from providers.contract import (
    Broken,
    Capabilities,
    Event,
    InboundMessage,
    OutboundMessage,
    Provider,
    SendResult,
    Status,
    StatusUpdate,
    WebhookRequest,
)
from providers.credentials import credential
from providers.errors import Rejected, Unreadable
from providers.payload import Payload

STATUSES = {str(status): status for status in Status}


@dataclass(frozen=True)
class Credentials:
    """The only thing that the two ends share."""

    secret: str = credential(
        "Secret", secret=True, help="Any long random text; it signs both directions."
    )


class Sandbox(Provider[Credentials]):
    """Translates for the handset simulator."""

    key = "sandbox"
    label = "Sandbox (built-in handset simulator)"
    api_base = "http://127.0.0.1:8000/handset/gateway"
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=10, max_text=1600, sender_id=True, receipts=True,
        signed_webhooks=True, group=9,
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Put one message on the simulated handset."""
        people = [self.render(number) for number in message.recipients]
        body = {
            "reference": message.reference,
            "from": self.render(message.sender),
            "to": people if people[1:] else people[0],
            "text": message.text,
            "media": list(message.media_urls),
            "status_url": message.status_url,
        }
        answer = self.http.post(
            "/messages", bearer=self.credentials.secret, json=body, explain=_explain
        )
        return SendResult(
            provider_id=answer.ident("id"),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the HMAC over time-stamp and body, then the time-stamp."""
        timestamp = request.headers.get("x-sandbox-timestamp", "")
        signature = request.headers.get("x-sandbox-signature", "")
        signed = timestamp.encode(errors="replace") + b"." + request.body
        signing.require_hmac(self.credentials.secret, signature, signed)
        signing.require_recent(timestamp)

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the events of one post; kinds that we do not know yield nothing."""
        for item in Payload.json(request.body).children("events"):
            try:
                event = self._event(item)
            except Unreadable as error:
                event = Broken(detail=str(error))
            if event is not None:
                yield event

    def check(self) -> str:
        """Ask for the name of the simulated account."""
        answer = self.http.get("/account", bearer=self.credentials.secret, explain=_explain)
        return f"The sandbox answers as {answer.text('name')!r}."

    def _event(self, item: Payload) -> Event | None:
        match item.text("type"):
            case "message":
                recipients = tuple(self.read(number) for number in item.strings("to"))
                if not recipients:
                    raise item.wrong("to", "empty")
                return InboundMessage(
                    provider_id=item.ident("id"),
                    sender=self.read(item.text("from")),
                    recipients=recipients,
                    text=item.text("text", ""),
                    media_urls=tuple(item.strings("media")),
                    sent_at=item.moment("at"),
                )
            case "status":
                status = item.choice("status", STATUSES)
                word = "" if status else item.text("status")
                return StatusUpdate(
                    status=status,
                    provider_id=item.ident("id"),
                    reference=item.text("reference", ""),
                    recipient=self.read(item.text("to")) if item.text("to", "") else "",
                    error_code=item.text("code", ""),
                    detail=item.text("detail", "") or word,
                    at=item.moment("at"),
                )
            case _:
                return None


def _explain(answer: Answer) -> None:
    refused = 400 <= answer.status < 500 and answer.status not in {401, 403, 429}
    if refused and "error" in answer:
        error = answer.child("error")
        raise Rejected(error.text("detail"), code=error.text("code", ""))


ADAPTER = Sandbox

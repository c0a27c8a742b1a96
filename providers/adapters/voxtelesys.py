"""Voxtelesys: US carrier, SMS and MMS from the numbers of a trunk group.

Set-up:

1. In the portal (portal.voxtelesys.net), under API Keys, Keys, press "Create Key". A key sends only
   from numbers whose service trunk group is the key's own.
2. Under APIs, Messaging Applications, create an application: the same trunk group, HTTP Method
   POST, Events "Inbound Messages (MOs)", MO Webhook {webhook_url}, Authentication None, numbers in
   E.164. If you choose a user name and password there, enter them here too.
3. Under Phone Numbers, Numbers, edit every number: SMS Enabled, Service Trunk "SMS | Fax2Email",
   the Messaging Application, and a Campaign; without one US numbers are not delivered.

Oddities, and what we do about them:

- No signature is known: the secret path of the webhook URL is the proof, and the user name and
  password where the application has them. The address must be HTTPS with a public certificate.
- Messages must be posted. A bare GET, by which the portal may try the address, is answered and
  ignored; one with fields is refused, because its form is not known.
- Receipts are asked for with every message, so the application need not send them. They come out
  of order and for every step. "unknown" is an end without news: it counts as sent.
- Documents and real posts differ: ids, lists and numbers are read in either form, and the newer
  API (v2) is used for sending.
- The form of refusals is not known; their words are shown as they come. A 403 may be a bad key or
  a number outside the key's trunk group.
- An answer without an id leaves the message unconfirmed until its receipt, which bears our tag.
- A file needs a text with it; where there is none we send one space.
- Unknown: limits of text and files, alphanumeric senders (so we offer none), a list of numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from providers import signing
from providers.answer import Answer
from providers.contract import (
    Capabilities,
    Event,
    InboundMessage,
    OutboundMessage,
    Proof,
    Provider,
    SendResult,
    Status,
    StatusUpdate,
    WebhookRequest,
)
from providers.credentials import credential
from providers.errors import CredentialsRefused, Rejected, WebhookRefused
from providers.exchange import basic_token
from providers.payload import Payload

# "sent" and "undelivered" are not in the official list, but were seen.
STATUSES = {
    "queued": Status.QUEUED,
    "delivering": Status.SENT,
    "sent": Status.SENT,
    "unknown": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "expired": Status.FAILED,
}
ADVICE = {"4505": "The carrier finds the text too long. Send it in shorter parts."}
REGIONS = ("slc", "dfw", "pit")
REGION_URL = "https://smsapi.{}.voxtelesys.net"


@dataclass(frozen=True)
class Credentials:
    """One key calls; a login for the webhooks is the administrator's choice."""

    api_key: str = credential("API key", secret=True, help="API Keys, Keys.")
    region: str = credential(
        "Region",
        required=False,
        choices=(("", "Any"), *((region, region.upper()) for region in REGIONS)),
        help="Where the calls go; leave it unless Voxtelesys names one.",
    )
    webhook_username: str = credential(
        "Webhook user name", required=False, help="Messaging Application, Authentication."
    )
    webhook_password: str = credential("Webhook password", secret=True, required=False)


class Voxtelesys(Provider[Credentials]):
    """Translates for Voxtelesys's messaging API, version 2."""

    key = "voxtelesys"
    label = "Voxtelesys"
    api_base = "https://smsapi.voxtelesys.net"
    other_bases = tuple(REGION_URL.format(region) for region in REGIONS)
    credentials_type = Credentials
    capabilities = Capabilities(mms=True, receipts=True)

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; our reference comes back as the tag of its receipts."""
        body: dict[str, Any] = {
            "from": self.render(message.sender),
            "to": self.render(message.recipient),
            "body": message.text or " ",
            "tag": message.reference,
        }
        if message.media_urls:
            body["media"] = list(message.media_urls)
        if message.status_url:
            body["status_callback"] = {"url": message.status_url, "method": "POST"}
        key = self.credentials.api_key
        answer = self.http.post(self._url("/api/v2/sms"), bearer=key, json=body, explain=_explain)
        return SendResult(
            provider_id=answer.ident("id"),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    @property
    def proof(self) -> Proof:
        """A password where the application has one."""
        return Proof.PASSWORD if self.credentials.webhook_password else Proof.ADDRESS

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the login where there is one; nothing is signed."""
        if _is_bare_get(request):
            return
        if request.method != "POST":
            raise WebhookRefused("Set the HTTP Method of the Messaging Application to POST.")
        own, given = self.credentials, request.headers.get("authorization", "")
        expected = f"Basic {basic_token(own.webhook_username, own.webhook_password)}"
        if own.webhook_password and not signing.same(given, expected):
            raise WebhookRefused("The request lacks the user name and password of this trunk.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt of the body."""
        if _is_bare_get(request):
            return
        body = Payload.json(request.body)
        if body.text("type", "").lower() == "mo":
            yield self._inbound(body)
        else:
            yield self._receipt(body)

    def check(self) -> str:
        """List one message; where this version of the API has no list, the applications."""
        try:
            self._get("/api/v2/sms", {"page_size": "1"})
        except Rejected:
            self._get("/api/v1/apps", {})
        return "Voxtelesys accepts this key."

    def _get(self, path: str, params: dict[str, str]) -> Answer:
        key = self.credentials.api_key
        return self.http.get(
            self._url(path), bearer=key, params=params, reads="list", explain=_explain
        )

    def _url(self, path: str) -> str:
        region = self.credentials.region
        return f"{REGION_URL.format(region)}{path}" if region else path

    def _inbound(self, body: Payload) -> InboundMessage:
        recipients = tuple(self.read(number) for number in body.strings("to"))
        if not recipients:
            raise body.wrong("to", "missing")
        return InboundMessage(
            # The official table has no id, real posts do.
            provider_id=body.ident("id") if "id" in body else "",
            sender=self.read(body.text("from")),
            recipients=recipients,
            text=body.text("body", ""),
            media_urls=tuple(body.strings("media", inside="url")),
            sent_at=body.moment("received_at"),
        )

    def _receipt(self, body: Payload) -> StatusUpdate:
        status = body.choice("status", STATUSES)
        code, said = _error(body)
        return StatusUpdate(
            status=status,
            provider_id=body.ident("message_id" if "message_id" in body else "id"),
            reference=body.text("tag", ""),
            error_code=code,
            detail=ADVICE.get(code, said) or ("" if status else body.text("status")),
            at=body.moment("time"),
        )


def _is_bare_get(request: WebhookRequest) -> bool:
    return request.method == "GET" and not (request.query or request.body)


def _error(body: Payload) -> tuple[str, str]:
    """Return code and words of a receipt's error; there are several ways to write "none"."""
    if "error" not in body:
        return "", ""
    if body.is_text("error"):
        return "", body.text("error")
    error = body.child("error")
    code, said = error.text("code", ""), error.text("description", "")
    return "" if code == "0" else code, "" if said.lower() == "none" else said


def _explain(answer: Answer) -> None:
    """Find refusals, also under a 2xx; a message that got an id was taken."""
    if answer.status == 403:
        why = "Voxtelesys refuses the key, or the sender is not on the key's trunk group."
        raise CredentialsRefused(f"{why} {answer.words}".strip())
    if answer.status < 300 and "error" in answer and "id" not in answer:
        raise Rejected(f"Voxtelesys refused: {answer.words}")


ADAPTER = Voxtelesys

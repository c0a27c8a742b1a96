"""QuestBlue: US wholesale carrier, SMS and MMS from US numbers to US numbers.

Set-up:

1. Sign in at customer.questblue.com. Under API Management, API Users, create an API user; its
   name and password are asked for here (the account's own login works too).
2. Under API Management copy the "QB API Key"; this is the Security Key. The row "3CX API Key" is
   another thing.
3. Under Messaging, SMS Settings, press the pencil beside the DID, choose "Post SMS to URL", paste
   {webhook_url} and press "Update Settings". Repeat this for every DID, or press "Set webhook"
   on the DIDs here.
4. Register brand and campaign (10DLC) for the DIDs with QuestBlue, or nothing will be delivered.
   A DID that is "offnet" must be ordered for SMS first.

Oddities, and what we do about them:

- Nothing is signed and no source addresses are published: the secret path of the webhook URL is
  the only proof. Use HTTPS and keep the URL to yourself.
- A refusal comes as HTTP 206, sometimes as 200, with ``{"error": "..."}``; there are no codes.
- Neither messages nor receipts carry an id or a time. Equal posts within minutes count as one
  message; receipts are matched by the pair of numbers.
- ``to`` is a list in a message (all numbers of a group) and a text in a receipt, of which everybody
  in a group has one. A group goes out as a list, too, as a sample call of QuestBlue's has it. How
  many it may have is not documented: we stop at nine.
- Numbers are written with ten digits on the way out; every way in is understood.
- The specification calls the fields of a send query parameters; the official client sends JSON,
  and so do we, because query strings end up in access logs.
- Unknown: limits of text and media, retries, repeated sends. We send once and never guess: a lost
  answer, like HTTP 409, leaves the message unconfirmed. Media alone go with one space as text.
- The old forms (``from``, ``to``, ``msg``, uploaded files) are understood, the old XML is not.
- Numbers outside North America are refused before anything is sent.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from providers import embedded
from providers.abilities import ListedNumber
from providers.answer import Answer
from providers.contract import (
    Capabilities,
    Event,
    InboundMessage,
    NumberFormat,
    OutboundMessage,
    Provider,
    SendResult,
    Status,
    StatusUpdate,
    WebhookRequest,
)
from providers.credentials import credential
from providers.download import Media
from providers.errors import Rejected, Unconfirmed, WebhookRefused
from providers.http import Parts
from providers.payload import Payload

# Only sent, delivered and failed are named officially, followed by "etc."
STATUSES = {
    "queued": Status.QUEUED,
    "accepted": Status.QUEUED,
    "pending": Status.QUEUED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
}
PAGE_SIZE = 200
MAX_PAGES = 100


@dataclass(frozen=True)
class Credentials:
    """Two proofs go with every call: a login and a key."""

    username: str = credential("API user", help="API Management, API Users; or the account login.")
    password: str = credential("Password", secret=True, help="The password of that user.")
    security_key: str = credential(
        "Security Key", secret=True, help='API Management, the row "QB API Key".'
    )


class QuestBlue(Provider[Credentials]):
    """Translates for QuestBlue's API, second version."""

    key = "questblue"
    label = "QuestBlue"
    api_base = "https://api.questblue.com"
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, receipts=True, message_ids=False, group=9, number_format=NumberFormat.NATIONAL
    )

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; the answer means accepted and nothing more."""
        people = [self.render(number) for number in message.recipients]
        if any(number.startswith("+") for number in people):
            raise Rejected("QuestBlue texts US numbers only. Use another trunk for this one.")
        did, text = self.render(message.sender), message.text or " "
        to: str | list[str] = people if people[1:] else people[0]
        body: dict[str, Any] = {"did": did, "did_to": to, "msg": text}
        if message.media_urls:
            body["file_url"] = list(message.media_urls)
        answer = self.http.post("/smsv2", **self._proofs({"json": body}))
        row = next(iter(answer.children("data")), answer)
        return SendResult(
            provider_id=row.ident("msg_id"),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Nothing is signed; beside the secret path only the method can be wrong."""
        if request.method != "POST":
            raise WebhookRefused("QuestBlue posts; this request does not.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt of the body."""
        body, files = _read(request)
        if "status" in body and body.is_text("to"):
            yield self._receipt(body)
            return
        recipients = tuple(self.read(number) for number in body.strings("to"))
        if not recipients:
            raise body.wrong("to", "missing")
        yield InboundMessage(
            provider_id="",
            sender=self.read(body.text("from")),
            recipients=recipients,
            text=body.text("text", "") or body.text("msg", ""),
            media_urls=tuple(url for url in body.strings("media") if url),
            files=files,
        )

    def check(self) -> str:
        """Ask for the balance."""
        answer = self.http.get("/account/getbalance", **self._proofs({}))
        balance = answer.child("data").text("balance")
        return f"QuestBlue accepts these credentials; the balance is {balance}."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the DIDs that QuestBlue can text with."""
        found: list[ListedNumber] = []
        for page in range(1, MAX_PAGES + 1):
            answer = self._listing({"per_page": str(PAGE_SIZE), "page": str(page)})
            for row in answer.children("data", optional=True):
                enabled = row.text("sms_enabled", "").lower() == "on"
                found.append(
                    ListedNumber(number=self.read(row.text("did")), sms=enabled, mms=enabled)
                )
            if page >= answer.whole("total_pages", 1):
                break
        return found

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL for one DID, and read the DID's mode back."""
        did = self.render(number)
        # The official client's form; the specification names the same fields differently.
        order = {"did": did, "sms_mode": "url", "value": url, "secret": ""}
        if not self.http.put("/smsv2", **self._proofs({"json": order})).flag("success"):
            raise Rejected("QuestBlue did not enter the URL; use its portal.")
        rows = self._listing({"did": did}).children("data", optional=True)
        mode = next((row.text("sms_mode", "") for row in rows), "")
        return f"QuestBlue took the URL for {number}; its mode now reads {mode or 'unknown'!r}."

    def _listing(self, params: dict[str, str]) -> Answer:
        return self.http.get("/sms", **self._proofs({"params": params}))

    def _proofs(self, parts: Parts) -> Parts:
        return {
            **parts,
            "basic": (self.credentials.username, self.credentials.password),
            "headers": {"Security-Key": self.credentials.security_key},
            "explain": _explain,
        }

    def _receipt(self, body: Payload) -> StatusUpdate:
        status = body.choice("status", STATUSES)
        return StatusUpdate(
            status=status,
            sender=self.read(body.text("from")),
            recipient=self.read(body.text("to")),
            detail=body.text("reason", "") or ("" if status else body.text("status")),
        )


def _read(request: WebhookRequest) -> tuple[Payload, tuple[Media, ...]]:
    content_type = request.headers.get("content-type", "")
    if "multipart" in content_type.lower():
        return embedded.multipart(content_type, request.body)
    is_form = "form" in content_type.lower()
    return Payload.form(request.body) if is_form else Payload.json(request.body), ()


def _explain(answer: Answer) -> None:
    """Find refusals in the body: their status is a 2xx, mostly 206."""
    if answer.status == 409:
        raise Unconfirmed(f"QuestBlue may have taken this before: {answer.words}")
    if "error" in answer and answer.status < 500 and answer.status not in {401, 403, 408, 429}:
        raise Rejected(f"QuestBlue refused: {answer.text('error')}")


ADAPTER = QuestBlue

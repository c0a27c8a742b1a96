"""Wavix: SMS world-wide, MMS within North America, alphanumeric senders where allowed.

Set-up:

1. At app.wavix.com, under Administration, API Keys, press "Create new" and copy the key. If it is
   limited to source addresses, add that of this server. A restricted key needs "messages: write",
   "account: read" for the balance, and "numbers: write" to import numbers and set webhooks.
2. Under Numbers & Trunks, My Numbers, press "Activate" beside "Inbound SMS" at each number.
3. Press "Set webhook" on each DID here; or paste {webhook_url} into "Inbound SMS Endpoint" of the
   number, or for all numbers under My Account, Default Destinations, "Inbound SMS webhook".
4. Under SMS, Sender IDs, register every DID and every word that is to send, with the countries
   that it sends to. Else messages are refused with "Sender ID not found".

Oddities, and what we do about them:

- Nothing is signed: the secret path of the webhook URL is the only proof. Use HTTPS and keep it
  to yourself. Wavix publishes 62.212.73.112 as its source address, if your firewall wants one.
- Refusals have no codes: we know them by some words of their titles, and show what Wavix wrote.
- ``dlr_expired`` says that the carrier never confirmed anything: it counts as sent.
- Sources disagree about repeated sends: a lost answer leaves the message unconfirmed.
- One phone gets at most 20 messages in 24 hours, which a lively conversation can reach.
- Attachments are asked for without the key, and with it only if Wavix's own API refuses.
- Only "Flex Pro" accounts may list and change numbers from here; else do it by hand.
- STOP is handled by Wavix; whether it is also passed on is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from providers import wavix_words
from providers.abilities import ListedNumber
from providers.answer import Answer
from providers.contract import (
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
from providers.download import Media
from providers.errors import (
    CredentialsRefused,
    Rejected,
    WebhookRefused,
)
from providers.pace import Pace
from providers.payload import Payload

STATUSES = {
    "accepted": Status.ACCEPTED,
    **dict.fromkeys(("pending", "queued"), Status.QUEUED),
    **dict.fromkeys(("sent", "dlr_expired"), Status.SENT),
    "delivered": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    **dict.fromkeys(("expired", "rejected"), Status.FAILED),
}
MEDIA_TYPES = (
    "image/jpeg", "image/png", "image/bmp", "image/gif", "audio/wav", "audio/x-wav", "audio/mpeg",
    "audio/amr", "audio/aac", "audio/midi", "video/3gpp", "text/vcard", "text/x-vcard",
)  # fmt: skip


@dataclass(frozen=True)
class Credentials:
    """One key for everything."""

    api_key: str = credential("API key", secret=True, help="Administration, API Keys.")


class Wavix(Provider[Credentials]):
    """Translates for Wavix's messaging API, version 3."""

    key = "wavix"
    label = "Wavix"
    api_base = "https://api.wavix.com"
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=5, max_file_bytes=1_000_000, media_types=MEDIA_TYPES,
        max_segments=10, sender_id=True, receipts=True, pace=Pace(account=20),
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; the reference comes back in its receipts."""
        body: dict[str, Any] = {
            # It is looked up among the Sender IDs, which are digits or words.
            "from": message.sender.removeprefix("+"),
            "to": self.render(message.recipient),
            "message_body": {"text": message.text, "media": list(message.media_urls) or None},
            "tag": message.reference,
        }
        if message.status_url:
            body["callback_url"] = message.status_url
        key = self.credentials.api_key
        answer = self.http.post("/v3/messages", bearer=key, json=body, explain=wavix_words.explain)
        return SendResult(
            provider_id=answer.ident("message_id"),
            segments=answer.whole("segments", 0),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Nothing is signed; beside the secret path only the method can be wrong."""
        if request.method != "POST":
            raise WebhookRefused("Wavix posts; this request does not.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt; events about 10DLC registrations yield nothing."""
        body = Payload.json(request.body)
        if "message_body" in body:
            yield self._inbound(body)
        elif "message_id" in body or not ("brand_id" in body or "campaign_id" in body):
            yield _receipt(body)

    def check(self) -> str:
        """Ask for the balance; a key for messages alone is asked for one of these."""
        try:
            balance = self._get("/v1/profile/config").text("balance")
        except CredentialsRefused:
            self._get("/v3/messages", type="outbound", per_page="1").children("items")
            return "Wavix accepts this key, which may not see the balance."
        return f"Wavix accepts this key; the balance is {balance} USD."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers of the account."""
        return [self._listed(row) for row in self._numbers()]

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL at one number; receipts get theirs with each message."""
        path, body = f"/v1/numbers/{self._number(number).ident('id')}", {"sms_relay_url": url}
        key = self.credentials.api_key
        answer = self.http.patch(path, bearer=key, json=body, explain=wavix_words.explain)
        if answer.text("sms_relay_url", "") != url:
            raise Rejected(f"Wavix did not enter the URL for {number}; use its portal.")
        return f"Wavix posts messages for {number} here."

    def read_webhook(self, number: str) -> str:
        """Return the number's URL; without one that of the account counts."""
        if url := self._number(number).text("sms_relay_url", ""):
            return url
        rows = self._get("/v1/profile").children("default_destinations", optional=True)
        return next((one.text("value", "") for one in rows if one.text("transport") == "sms"), "")

    def fetch_media(self, url: str) -> Media:
        """Download an attachment, with the key only where it is Wavix's and asks for one."""
        try:
            return self.http.download(url)
        except Rejected as error:
            if error.code not in {"401", "403"} or not self.http.owns(url):
                raise
        return self.http.download(url, bearer=self.credentials.api_key)

    def _get(self, path: str, **params: str) -> Answer:
        return self.http.get(
            path, params=params, bearer=self.credentials.api_key, explain=wavix_words.explain
        )

    def _numbers(self) -> Iterator[Payload]:
        for page in range(1, 101):
            answer = self._get("/v1/numbers", page=str(page), per_page="100")
            yield from answer.children("items")
            pages = answer.child("pagination") if "pagination" in answer else answer
            if page >= pages.whole("total_pages", 1):
                return

    def _number(self, number: str) -> Payload:
        for row in self._numbers():
            if self.read(row.text("number")) == number:
                return row
        raise Rejected(f"{number} is not a number of this Wavix account.")

    def _listed(self, row: Payload) -> ListedNumber:
        able, number = row.flag("sms_enabled"), self.read(row.text("number"))
        # Only US numbers can send files.
        mms = able and row.text("country_short_name", "") == "US"
        return ListedNumber(number=number, sms=able, mms=mms, label=row.text("label", ""))

    def _inbound(self, body: Payload) -> InboundMessage:
        content = body.child("message_body")
        return InboundMessage(
            provider_id=body.ident("message_id"),
            sender=self.read(body.text("from")),
            recipients=(self.read(body.text("to")),),
            text=content.text("text", ""),
            media_urls=tuple(content.strings("media")),
            sent_at=body.moment("received_at"),
        )


def _receipt(body: Payload) -> StatusUpdate:
    word, status = body.text("status"), body.choice("status", STATUSES)
    said = wavix_words.reason(body.text("error", ""))[1] if status else word
    return StatusUpdate(
        status=status,
        provider_id=body.ident("message_id"),
        reference=body.text("tag", ""),
        detail=said or ("" if word == status else word),
        at=body.moment("delivered") or body.moment("sent"),
    )


ADAPTER = Wavix

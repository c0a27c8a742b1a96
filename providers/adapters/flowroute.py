"""Flowroute: US and Canadian carrier, SMS and MMS from long codes and toll-free numbers.

Set-up:

1. Sign in at manage.flowroute.com. Under Preferences, API Control, type a name and press
   "Add New"; copy the Access Key and the Secret Key that appear.
2. Under DIDs, press Manage beside the number and do "Enable Messaging".
3. Press "Set webhook" on each DID here. By hand it is DIDs, Manage, messaging webhook: paste
   {webhook_url}. Texts, MMS and the receipts of both are four separate settings, and all four
   want this URL; a number with only the first never gets an MMS.
4. Set the trunk to at most 5 messages per second, and 1 if you mostly send MMS: those are
   Flowroute's limits unless it agreed to more.
5. US numbers need a 10DLC registration, else carriers may slow down or drop what you send.

Oddities, and what we do about them:

- Nothing is signed, and the two source addresses were last published in 2016: the secret path of
  the webhook URL is the only proof. Use HTTPS and keep the URL to yourself.
- Webhooks come in two shapes, with an outer ``data`` and without; why is not documented. Both are
  understood; the older one has neither time nor media.
- Two receipts follow a message. The first (level 1) is only about the way to the carrier and never
  counts as delivered; nor does "message buffered", which means that the carrier took it.
- Only two words of receipts are documented. The others are guessed from the software that uses
  these; a word beyond them changes nothing and is shown. Landlines give no receipts.
- Nothing makes a repeated send one message, so a lost answer leaves the message unconfirmed, and
  so does a fault or maintenance of Flowroute's.
- Flowroute bills 70 characters per part as soon as one is not plain ASCII, and 140 per part of a
  long plain text: that can be more parts than are shown here. The longest text is not known.
- The files and the text of an MMS may have 750 kB together; how many files is not documented.
- Links to received files work without credentials for some days; we fetch them at once.
- STOP and UNSTOP are handled by Flowroute; whether it also passes them on is not known.
- The list of numbers does not say which of them may text.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
from providers.errors import CredentialsRefused, Rejected, Throttled, Unconfirmed, WebhookRefused
from providers.http import Parts
from providers.pace import Pace
from providers.payload import Payload

JSON_API = "application/vnd.api+json"

# "smsc submit" and "message buffered" are documented. The last three complete the set of Kannel,
# whose words these are.
STATUSES = {
    **dict.fromkeys(("smsc submit", "message buffered"), Status.SENT),
    **dict.fromkeys(("delivered", "delivery success"), Status.DELIVERED),
    "delivery failure": Status.UNDELIVERED,
    "smsc reject": Status.FAILED,
}
ADVICE = {
    401: "Flowroute refuses the keys. Copy both again from Preferences, API Control.",
    403: "Flowroute does not allow this. The number must be on this account, with messaging"
    " enabled under DIDs, Manage.",
    429: "Flowroute wants fewer messages per second, or takes them for spam.",
}
REFUSED = "Flowroute refuses this."
CALLBACKS = ("sms_callback", "mms_callback", "sms_dlr_callback", "mms_dlr_callback")
# What most carriers show, by its several names.
MEDIA_TYPES = (
    "image/png", "image/jpeg", "image/gif", "image/bmp", "video/3gpp", "video/mp4", "video/mpeg",
    "video/x-msvideo", "video/avi", "audio/amr", "audio/midi", "audio/x-midi", "audio/wav",
    "audio/x-wav", "audio/ac3", "audio/mpeg", "audio/mp3", "text/plain",
)  # fmt: skip
MAX_PAGES = 100


@dataclass(frozen=True)
class Credentials:
    """Both halves of one API key."""

    access_key: str = credential("Access Key", secret=True, help="Preferences, API Control.")
    secret_key: str = credential("Secret Key", secret=True, help="Shown beside the Access Key.")


class Flowroute(Provider[Credentials]):
    """Translates for Flowroute's messaging API, version 2.2."""

    key = "flowroute"
    label = "Flowroute"
    api_base = "https://api.flowroute.com"
    credentials_type = Credentials
    # The refusals of Flowroute name 767,840 bytes, which leaves room for the text.
    capabilities = Capabilities(
        mms=True, max_media_bytes=750_000, media_types=MEDIA_TYPES, receipts=True,
        pace=Pace(account=5),
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; HTTP 202 with an id means accepted."""
        told: dict[str, Any] = {
            "to": self.render(message.recipient),
            "from": self.render(message.sender),
        }
        if message.text or not message.media_urls:
            told["body"] = message.text
        if message.media_urls:
            told |= {"is_mms": True, "media_urls": list(message.media_urls)}
        if message.status_url:
            told["dlr_callback"] = message.status_url
        body = {"data": {"type": "message", "attributes": told}}
        answer = self.http.post("/v2.2/messages", **self._parts(body))
        return SendResult(
            provider_id=answer.child("data").ident("id"),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Nothing is signed; beside the secret path only the method can be wrong."""
        if request.method != "POST":
            raise WebhookRefused("Flowroute posts; this request does not.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt; other things, such as portings, yield nothing."""
        body = Payload.json(request.body)
        if "data" not in body:
            yield self._inbound(body, body, files=[])
            return
        data = body.child("data")
        match data.text("type"):
            case "message":
                included = body.children("included", optional=True)
                yield self._inbound(data, data.child("attributes"), files=included)
            case "delivery_receipt":
                yield _receipt(data, Payload.form(request.query).text("ref", ""))

    def check(self) -> str:
        """List one number; there is no call for the balance."""
        self.http.get("/v2/numbers?limit=1", **self._parts()).children("data")
        return "Flowroute accepts these keys."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers of the account; both kinds that Flowroute has can do MMS."""
        found: list[ListedNumber] = []
        following = "/v2/numbers?limit=200&offset=0"
        for _ in range(MAX_PAGES):
            answer = self.http.get(following, **self._parts())
            for row in answer.children("data"):
                told = row.child("attributes")
                number, label = self.read(told.text("value")), told.text("alias", "")
                found.append(ListedNumber(number=number, mms=True, label=label))
            links = answer.child("links") if "links" in answer else answer
            if not (following := links.text("next", "")):
                break
        return found

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL for texts, for MMS and for the receipts of both."""
        # Paths name a number by its digits alone, messages with the plus.
        place = f"/v2/numbers/{number.removeprefix('+')}/relationships"
        for kind in CALLBACKS:
            body = {"data": {"attributes": {"callback_url": url}}}
            self.http.post(f"{place}/{kind}", **self._parts(body))
        return f"Flowroute posts texts, MMS and receipts of {number} here."

    def _parts(self, body: Mapping[str, Any] | None = None) -> Parts:
        parts: Parts = {
            "basic": (self.credentials.access_key, self.credentials.secret_key),
            "headers": {"Accept": JSON_API},
            "explain": _explain,
        }
        if body is not None:
            raw = json.dumps(body, ensure_ascii=False).encode()
            parts["content"] = (raw, f"{JSON_API}; charset=utf-8")
        return parts

    def _inbound(self, data: Payload, told: Payload, *, files: list[Payload]) -> InboundMessage:
        media = [file.child("attributes") for file in files if file.text("type") == "media"]
        return InboundMessage(
            provider_id=data.ident("id"),
            sender=self.read(told.text("from")),
            recipients=(self.read(told.text("to")),),
            text=told.text("body", ""),
            media_urls=tuple(file.text("url") for file in media),
            sent_at=told.moment("timestamp"),
        )


def _receipt(data: Payload, reference: str) -> StatusUpdate:
    told = data.child("attributes")
    status, said = told.choice("status", STATUSES), told.text("status_code_description", "")
    if status is Status.DELIVERED and told.text("level", "") == "1":
        status = Status.SENT
    if status is None:
        said = f"{told.text('status')}: {said}" if said else told.text("status")
    return StatusUpdate(
        status=status,
        provider_id=data.ident("id"),
        reference=reference,
        error_code=told.text("status_code", ""),
        detail=said,
        at=told.moment("timestamp"),
    )


def _explain(answer: Answer) -> None:
    """Classify a refusal by its status; the body only repeats it, and gives the reason."""
    if answer.status < 400 or answer.status == 408:
        return
    error = next(iter(answer.children("errors", optional=True)), answer)
    # What "detail" holds is not always a text.
    said = next((error.text(name) for name in ("detail", "title") if error.is_text(name)), "")
    said = f"It says: {said or answer.words or 'nothing'}"
    code, sentence = error.text("status", ""), f"{ADVICE.get(answer.status, REFUSED)} {said}"
    if answer.status >= 500:
        raise Unconfirmed(f"Flowroute has a fault, or is in maintenance. {said}", code=code)
    if answer.status == 401:
        raise CredentialsRefused(sentence, code=code)
    if answer.status == 429:
        raise Throttled(sentence, code=code, retry_after=answer.retry_after)
    raise Rejected(sentence, code=code)


ADAPTER = Flowroute

"""Telnyx: SMS and MMS over an own network, with signed events and safe repeats.

Set-up:

1. In the Mission Control portal, under Account Settings, Keys & Credentials, make an API key and
   copy the Public Key of the same page.
2. Under Messaging, Programmable Messaging, open the messaging profile, paste {webhook_url} into
   "Send a webhook to this URL" and choose "API v2"; or press "Set webhook" on a DID here. Copy the
   Profile ID: alphanumeric senders need it, and must be enabled there.
3. Under Numbers, assign every number to the profile. It must list the destination countries, and
   US numbers need a 10DLC campaign. One profile per tenant: a STOP blocks the whole profile.

Oddities, and what we do about them:

- A repeated ``Idempotency-Key`` within 24 hours returns the first success if the body is the same
  to the byte; we send our reference. What happens to two at the same instant, or with another body
  (HTTP 422), is hardly documented: a 422 that we cannot name leaves the message unconfirmed.
- Receipts go to the URL of each message only, else one event might arrive twice. They are matched
  by the id of the message, never by that of the event.
- HTTP 429 with code 40333 is a spent budget and not a rate limit: the message is refused.
- ``delivery_unconfirmed`` is not a failure: the carrier never says more. It counts as sent.
- STOP, START and HELP (``autoresponse_type``) arrive as messages although Telnyx has answered.
- RCS and WhatsApp are ignored. A group MMS lists the others in ``cc``; one that goes out brings a
  receipt for each, at best ``unknown`` of those who are not at Telnyx: that counts as sent.
- A profile with redaction level 2 blanks the number of who texts: such messages cannot be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from providers import signing, telnyx_codes
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
from providers.errors import Rejected
from providers.pace import Pace
from providers.payload import Payload

# gw_timeout, dlr_timeout and failed are words of old detail records, which one page still lists.
LOST = ("sending_failed", "expired", "cancelled", "gw_timeout", "failed")
STATUSES = {
    "scheduled": Status.ACCEPTED,
    **dict.fromkeys(("queued", "sending"), Status.QUEUED),
    **dict.fromkeys(("sent", "delivery_unconfirmed", "dlr_timeout", "unknown"), Status.SENT),
    **dict.fromkeys(("delivered", "read"), Status.DELIVERED),
    "delivery_failed": Status.UNDELIVERED,
    **dict.fromkeys(LOST, Status.FAILED),
}

MEDIA_TYPES = (
    *("image/jpeg", "image/png", "image/gif", "image/bmp", "image/webp", "image/tiff"),
    *("video/mp4", "video/3gpp", "video/quicktime", "audio/mpeg", "audio/mp3", "audio/wav"),
    *("audio/x-wav", "audio/amr", "audio/ogg", "application/pdf", "text/vcard", "text/x-vcard"),
    "text/calendar",
)
LISTING, PAGE_SIZE, MAX_PAGES = "/v2/phone_numbers/messaging", "250", 100


@dataclass(frozen=True)
class Credentials:
    """The key calls, the public key checks; the profile is for words as senders."""

    api_key: str = credential("API key", secret=True, help="Starts with KEY.")
    public_key: str = credential("Public key", help="Keys & Credentials, Public Key.")
    messaging_profile_id: str = credential(
        "Messaging profile ID", required=False, pattern=r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4,12}){4}"
    )


class Telnyx(Provider[Credentials]):
    """Translates for Telnyx's messaging API, version 2."""

    key = "telnyx"
    label = "Telnyx"
    api_base = "https://api.telnyx.com"
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=10, max_media_bytes=1_000_000, media_types=MEDIA_TYPES,
        max_text=1530, max_segments=10, sender_id=True, receipts=True, signed_webhooks=True,
        idempotent_send=True, answers_keywords=True, group=8,
        pace=Pace(account=50, toll_free=20, short_code=1000),
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; the reference makes a repeat harmless."""
        sender, people = self.render(message.sender), [*map(self.render, message.recipients)]
        path, to = ("/v2/messages/group_mms", people) if people[1:] else ("/v2/messages", people[0])
        body: dict[str, Any] = {"from": sender, "to": to}
        if message.text or not message.media_urls:
            body["text"] = message.text
        if message.media_urls:
            body["media_urls"] = list(message.media_urls)
        if any(letter.isalpha() for letter in sender):
            if not self.credentials.messaging_profile_id:
                raise Rejected(
                    "A word as sender needs the Messaging profile ID. Enter it at the trunk."
                )
            body["messaging_profile_id"] = self.credentials.messaging_profile_id
        if message.status_url:
            body |= {"webhook_url": message.status_url, "use_profile_webhooks": False}
        answer = self.http.post(
            path,
            bearer=self.credentials.api_key,
            headers={"Idempotency-Key": message.reference},
            json=body,
            explain=_explain,
        )
        data = answer.child("data")
        return SendResult(
            provider_id=data.ident("id"),
            segments=data.whole("parts", 0),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the Ed25519 signature over time-stamp and body, then the time-stamp."""
        timestamp = request.headers.get("telnyx-timestamp", "")
        signature = request.headers.get("telnyx-signature-ed25519", "")
        signed = timestamp.encode(errors="replace") + b"|" + request.body
        signing.require_ed25519(self.credentials.public_key, signed, signature)
        signing.require_recent(timestamp)

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt; whatever else points here yields nothing."""
        data = Payload.json(request.body).child("data")
        kind = data.text("event_type", "")
        if kind not in {"message.received", "message.sent", "message.finalized"}:
            return
        payload = data.child("payload")
        if payload.text("type", "SMS") not in {"SMS", "MMS"}:
            return
        if kind == "message.received":
            yield self._inbound(payload)
        else:
            reference = Payload.form(request.query).text("ref", "")
            yield from self._receipts(data, reference)

    def check(self) -> str:
        """Ask for the balance, and whether the profile belongs to the key."""
        data = self._get("/v2/balance").child("data")
        if profile := self.credentials.messaging_profile_id:
            self._get(f"/v2/messaging_profiles/{profile}").child("data")
        balance = f"{data.text('balance')} {data.text('currency', '')}".strip()
        return f"Telnyx accepts this key; the balance is {balance}."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers with messaging settings, of the profile if one is given."""
        profile = self.credentials.messaging_profile_id
        path = f"/v2/messaging_profiles/{profile}/phone_numbers" if profile else LISTING
        found: list[ListedNumber] = []
        for page in range(1, MAX_PAGES + 1):
            answer = self._get(path, {"page[number]": str(page), "page[size]": PAGE_SIZE})
            for row in answer.children("data"):
                able, number = row.child("features"), self.read(row.text("phone_number"))
                found.append(ListedNumber(number=number, sms="sms" in able, mms="mms" in able))
            if "meta" not in answer or page >= answer.child("meta").whole("total_pages", 1):
                break
        return found

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL at the number's profile; one URL serves all numbers of a profile."""
        answer = self.http.patch(
            self._profile_of(number),
            bearer=self.credentials.api_key,
            json={"webhook_url": url, "webhook_api_version": "2"},
            explain=_explain,
        )
        name = answer.child("data").text("name", "")
        return f"Telnyx posts messages of the profile {name!r} here, {number} included."

    def read_webhook(self, number: str) -> str:
        """Return the URL of the number's profile."""
        return self._get(self._profile_of(number)).child("data").text("webhook_url", "")

    def _profile_of(self, number: str) -> str:
        rows = self._get(LISTING, {"filter[phone_number]": number}).children("data")
        row = next((row for row in rows if row.text("phone_number") == number), None)
        if row is None or not row.text("messaging_profile_id", ""):
            raise Rejected(f"{number} is on no messaging profile of this account. Assign it there.")
        return f"/v2/messaging_profiles/{row.ident('messaging_profile_id')}"

    def _get(self, path: str, params: dict[str, str] | None = None) -> Answer:
        key = self.credentials.api_key
        return self.http.get(path, bearer=key, params=params or {}, explain=_explain)

    def _inbound(self, payload: Payload) -> InboundMessage:
        ours = [_number(payload, "to"), *payload.strings("to", inside="phone_number")]
        others = payload.strings("cc", inside="phone_number")
        # Each of our numbers in a group gets it by itself, and stands in the cc of the others.
        owner = self.read(ours[0]) if others and len(set(ours)) == 1 else ""
        return InboundMessage(
            provider_id=payload.ident("id"),
            sender=self.read(_number(payload, "from")),
            recipients=tuple(dict.fromkeys(self.read(number) for number in [*ours, *others])),
            owner=owner,
            text=payload.text("text", ""),
            media_urls=tuple(item.text("url") for item in payload.children("media", optional=True)),
            sent_at=payload.moment("received_at"),
        )

    def _receipts(self, data: Payload, reference: str) -> Iterator[StatusUpdate]:
        payload = data.child("payload")
        code, said = _first_error(payload)
        ident, sender = payload.ident("id"), self.read(_number(payload, "from"))
        for target in payload.children("to") or [payload]:
            status = target.choice("status", STATUSES)
            yield StatusUpdate(
                status=status,
                provider_id=payload.text("group_message_id", "") or ident,
                reference=reference,
                sender=sender,
                recipient=self.read(target.text("phone_number")),
                error_code=code,
                detail=telnyx_codes.ADVICE.get(code, said) if status else target.text("status"),
                at=data.moment("occurred_at"),
            )


def _number(payload: Payload, name: str) -> str:
    found = payload.strings(name, inside="phone_number")
    if not found:
        raise payload.wrong(name, "missing")
    return found[0]


def _first_error(payload: Payload) -> tuple[str, str]:
    error = next(iter(payload.children("errors", optional=True)), Payload({}))
    return error.text("code", ""), error.text("detail", "") or error.text("title", "")


def _explain(answer: Answer) -> None:
    """Classify a refusal by the code of its first error."""
    if answer.status >= 400 and "errors" in answer:
        raise telnyx_codes.refusal(answer, *_first_error(answer))


ADAPTER = Telnyx

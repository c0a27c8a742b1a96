"""Twilio: SMS world-wide, MMS from US and Canadian numbers, alphanumeric senders.

Set-up:

1. In the Twilio Console, on the first page under "Account Info", copy Account SID and Auth Token.
   It must be the primary token, because that one signs the webhooks. If you prefer to send with an
   API key (Account, API keys & tokens), enter its SID and secret too.
2. Under Phone Numbers, Manage, Active numbers, choose the number; under Messaging, "A message
   comes in", choose Webhook, paste {webhook_url}, method HTTP POST, and save. Or press
   "Set webhook" on the DIDs here.
3. A number inside a Messaging Service uses the service's inbound URL: paste it there too. Enter
   the SID of a service here only if all DIDs of the trunk are in it.
4. US numbers need an A2P 10DLC (or toll-free) registration, else receipts say 30034 (30032).

Oddities, and what we do about them:

- Once the Auth Token was rotated every webhook is refused until the new one is entered here.
- Twilio is not consistent about the port in the URL that it signs: with and without are accepted.
  The beta "shared keys" work when their secret is entered; other algorithms are refused.
- What we answer to a message would be texted to its sender: we answer an empty document.
- Nothing makes a repeated send one message, so a lost answer leaves the message unconfirmed.
- Attachments are fetched with our credentials only from our own account's address on the API host;
  the storage to which Twilio redirects never sees them.
- WhatsApp, RCS and other channels have prefixed addresses; they are ignored.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from providers import signing, twilio_codes
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
    WebhookReply,
    WebhookRequest,
)
from providers.credentials import credential
from providers.download import Media
from providers.errors import Rejected, Unreadable, WebhookRefused
from providers.pace import Pace
from providers.payload import Payload

STATUSES = {
    **dict.fromkeys(("accepted", "scheduled"), Status.ACCEPTED),
    **dict.fromkeys(("queued", "sending"), Status.QUEUED),
    **dict.fromkeys(("delivered", "read", "partially_delivered"), Status.DELIVERED),
    **dict.fromkeys(("failed", "canceled"), Status.FAILED),
    "sent": Status.SENT,
    "undelivered": Status.UNDELIVERED,
}
INBOUND = {"", "received", "receiving"}

SERVICES = "https://messaging.twilio.com/v1/Services"
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@dataclass(frozen=True)
class Credentials:
    """The token signs webhooks; an API key may take its place for calls."""

    account_sid: str = credential("Account SID", pattern=r"AC[0-9a-fA-F]{32}", help="AC…, 34 long.")
    auth_token: str = credential("Auth Token", secret=True, help="The primary one.")
    api_key_sid: str = credential("API key SID", required=False, pattern=r"SK[0-9a-fA-F]{32}")
    api_key_secret: str = credential("API key secret", secret=True, required=False)
    messaging_service_sid: str = credential("Service SID", required=False, pattern=r"MG\w{32}")
    webhook_shared_key: str = credential("Webhook shared key (beta)", secret=True, required=False)


class Twilio(Provider[Credentials]):
    """Translates for Twilio's REST API of 2010."""

    key = "twilio"
    label = "Twilio"
    api_base = "https://api.twilio.com"
    other_bases = ("https://messaging.twilio.com",)
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=10, max_media_bytes=5_000_000, max_text=1600,
        sender_id=True, receipts=True, signed_webhooks=True, answers_keywords=True,
        pace=Pace(local=1, toll_free=3, short_code=100),
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; the field ``MediaUrl`` repeats."""
        form = [("From", self.render(message.sender)), ("To", self.render(message.recipient))]
        if self.credentials.messaging_service_sid:
            form.append(("MessagingServiceSid", self.credentials.messaging_service_sid))
        if message.text or not message.media_urls:
            form.append(("Body", message.text))
        form += [("MediaUrl", url) for url in message.media_urls]
        if message.status_url:
            form.append(("StatusCallback", message.status_url))
        answer = self._post(self._url("Messages.json"), form)
        ident, parts = answer.ident("sid"), answer.whole("num_segments", 0)
        request, response = answer.exchange.request, answer.exchange.response
        return SendResult(provider_id=ident, segments=parts, request=request, response=response)

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the signature over URL and fields, then the account."""
        signature = request.headers.get("x-twilio-signature", "")
        key, digest = self._signing_key(request)
        texts = signing.url_and_fields(request)
        signing.require_hmac(key, signature, *texts, digest=digest, encoding="base64")
        try:
            account = _fields(request).text("AccountSid", "")
        except Unreadable as error:
            raise WebhookRefused("The fields of the request cannot be read.") from error
        if account not in {"", self.credentials.account_sid}:
            raise WebhookRefused("The request is for another Twilio account.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt; receipts alone carry ``MessageStatus``."""
        fields = _fields(request)
        word = fields.text("MessageStatus", "") or fields.text("SmsStatus", "")
        if any(":" in fields.text(name, "") for name in ("From", "To")):
            return
        if word.lower() not in INBOUND:
            yield _receipt(fields, word, Payload.form(request.query).text("ref", ""))
            return
        count = fields.whole("NumMedia", 0)
        yield InboundMessage(
            provider_id=fields.ident("MessageSid"),
            sender=self.read(fields.text("From")),
            recipients=(self.read(fields.text("To")),),
            text=fields.text("Body", ""),
            media_urls=tuple(fields.text(f"MediaUrl{index}") for index in range(count)),
        )

    def reply(self, request: WebhookRequest) -> WebhookReply:  # noqa: ARG002 - the contract's
        """Answer with an empty document: anything else would be texted or reported."""
        return WebhookReply(content_type="text/xml", body=EMPTY_TWIML)

    def check(self) -> str:
        """List one number: also an API key of the smaller kind may do this."""
        self._listing({"PageSize": "1"}).children("incoming_phone_numbers")
        return "Twilio accepts these credentials."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers of the account, page by page."""
        found: list[ListedNumber] = []
        answer = self._listing({"PageSize": "200"})
        for _ in range(100):
            found += [self._listed(row) for row in answer.children("incoming_phone_numbers")]
            if not (following := answer.text("next_page_uri", "")):
                break
            answer = self._get(following)
        return found

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL at the number, and at the Messaging Service that the trunk names."""
        row, service = self._row(number), self.credentials.messaging_service_sid
        resource = self._url(f"IncomingPhoneNumbers/{row.ident('sid')}.json")
        self._post(resource, [("SmsUrl", url), ("SmsMethod", "POST")])
        if not service:
            return f"Twilio posts messages for {number} here, unless a Messaging Service has it."
        self._post(f"{SERVICES}/{service}", [("InboundRequestUrl", url), ("InboundMethod", "POST")])
        return f"Twilio posts messages of the whole Messaging Service here, {number} included."

    def read_webhook(self, number: str) -> str:
        """Return the URL of the Messaging Service if that one is used, else of the number."""
        row, service = self._row(number), self.credentials.messaging_service_sid
        if service:
            # Senders come from the service's pool, so the number is in it.
            taken = self._get(f"{SERVICES}/{service}")
            if not taken.flag("use_inbound_webhook_on_number"):
                return taken.text("inbound_request_url", "")
        return row.text("sms_url", "")

    def fetch_media(self, url: str) -> Media:
        """Download an attachment, with credentials only from our own account's address."""
        own = re.escape(self.http.base + self._url("Messages"))
        ours = re.fullmatch(own + "/[A-Za-z0-9]+/Media/[A-Za-z0-9]+", url)
        return self.http.download(url, basic=self._basic() if ours else None)

    def _listed(self, row: Payload) -> ListedNumber:
        able, label = row.child("capabilities"), row.text("friendly_name", "")
        number = self.read(row.text("phone_number"))
        return ListedNumber(number=number, sms=able.flag("sms"), mms=able.flag("mms"), label=label)

    def _basic(self) -> tuple[str, str]:
        own = self.credentials
        by_key = (own.api_key_sid, own.api_key_secret)
        return by_key if all(by_key) else (own.account_sid, own.auth_token)

    def _url(self, resource: str) -> str:
        return f"/2010-04-01/Accounts/{self.credentials.account_sid}/{resource}"

    def _get(self, url: str, params: Mapping[str, str] | None = None) -> Answer:
        return self.http.get(url, params=params or {}, basic=self._basic(), explain=_explain)

    def _post(self, url: str, form: list[tuple[str, str]]) -> Answer:
        return self.http.post(url, form=form, basic=self._basic(), explain=_explain)

    def _listing(self, params: Mapping[str, str]) -> Answer:
        return self._get(self._url("IncomingPhoneNumbers.json"), params)

    def _row(self, number: str) -> Payload:
        rows = self._listing({"PhoneNumber": number}).children("incoming_phone_numbers")
        row = next((row for row in rows if row.text("phone_number") == number), None)
        if row is None:
            raise Rejected(f"{number} is not a number of this Twilio account.")
        if row.text("sms_application_sid", ""):
            raise Rejected(f"{number} is bound to a TwiML application, which goes first. Free it.")
        return row

    def _signing_key(self, request: WebhookRequest) -> tuple[str, signing.Digest]:
        settings = request.headers.get("x-twilio-webhooks-signature-settings", "")
        if not settings:
            return self.credentials.auth_token, "sha1"
        parts = dict(part.strip().partition("=")[::2] for part in settings.split(","))
        if parts.get("algorithm") != "HMAC_SHA256":
            raise WebhookRefused("The request is signed in a way that we do not know.")
        if not self.credentials.webhook_shared_key:
            raise WebhookRefused("The request is signed with a shared key that this trunk lacks.")
        return self.credentials.webhook_shared_key, "sha256"


def _fields(request: WebhookRequest) -> Payload:
    return Payload.form(request.query if request.method == "GET" else request.body)


def _receipt(fields: Payload, word: str, reference: str) -> StatusUpdate:
    status, code = STATUSES.get(word.lower()), fields.text("ErrorCode", "")
    said = twilio_codes.ADVICE.get(code) or fields.text("ErrorMessage", "")
    return StatusUpdate(
        status=status,
        provider_id=fields.ident("MessageSid"),
        reference=reference,
        error_code=code,
        detail=said if status else word,
    )


def _explain(answer: Answer) -> None:
    """Classify a refusal by its code; a fault of Twilio's own stays unknown."""
    code = answer.text("code", "")
    if code and 400 <= answer.status < 500:
        raise twilio_codes.refusal(answer, code)


ADAPTER = Twilio

"""Twilio: SMS world-wide, MMS from US and Canadian numbers, alphanumeric senders.

Set-up:

1. In the Twilio Console, on the first page under "Account Info", copy Account SID and Auth Token.
   It must be the primary token, because that one signs the webhooks. If you prefer to send with an
   API key (Account, API keys & tokens), enter its SID and secret too.
2. Under Phone Numbers, Manage, Active numbers, choose the number; under Messaging, "A message
   comes in", choose Webhook, paste {webhook_url}, method HTTP POST, and save. Or press
   "Set webhook" on the DIDs here.
3. A number inside a Messaging Service uses the service's inbound URL: paste it there too.
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
from collections.abc import Iterator
from dataclasses import dataclass

from providers import signing
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
from providers.errors import CredentialsRefused, Rejected, Throttled, Unreadable, WebhookRefused
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

# Codes that blame the account and not the message; and those that mean "later".
ACCOUNT_CODES = {"20003", "20005", "20008", "20404", "30002"}
LATER_CODES = {"20429", "21611", "30001", "30022", "30023", "30027", "63017", "63018"}
ADVICE = {
    "21408": "This country is not enabled. Enable it in Twilio under Messaging, Geo permissions.",
    "21608": "A trial account may text verified numbers only. Verify it, or upgrade the account.",
    "21610": "The recipient has opted out with STOP. Only their START allows texts again.",
    "30003": "The handset cannot be reached: off, without coverage or gone. Try again later.",
    "30004": "The recipient or their carrier blocks messages from this sender.",
    "30005": "The recipient's number does not exist or is out of service. Check it.",
    "30006": "The recipient has a landline, or a carrier that takes no texts.",
    "30007": "The carrier filtered the message as spam. Change its wording or links.",
    "30008": "Delivery failed and the carrier did not say why. Try again later.",
    "30032": "The toll-free number is not verified. Verify it in Twilio.",
    "30034": "The number is not registered for US A2P 10DLC. Add it to a campaign in Twilio.",
}
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@dataclass(frozen=True)
class Credentials:
    """The token signs webhooks; an API key may take its place for calls."""

    account_sid: str = credential("Account SID", pattern=r"AC[0-9a-fA-F]{32}", help="AC…, 34 long.")
    auth_token: str = credential("Auth Token", secret=True, help="The primary one.")
    api_key_sid: str = credential("API key SID", required=False, pattern=r"SK[0-9a-fA-F]{32}")
    api_key_secret: str = credential("API key secret", secret=True, required=False)
    messaging_service_sid: str = credential("Messaging Service SID", required=False)
    webhook_shared_key: str = credential("Webhook shared key (beta)", secret=True, required=False)


class Twilio(Provider[Credentials]):
    """Translates for Twilio's REST API of 2010."""

    key = "twilio"
    label = "Twilio"
    api_base = "https://api.twilio.com"
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=10, max_media_bytes=5_000_000, max_text=1600,
        sender_id=True, receipts=True, signed_webhooks=True, answers_keywords=True,
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
        answer = self._post("Messages.json", form)
        return SendResult(
            provider_id=answer.ident("sid"),
            segments=answer.whole("num_segments", 0),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

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
        self._get("IncomingPhoneNumbers.json", {"PageSize": "1"}).children("incoming_phone_numbers")
        return "Twilio accepts these credentials."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers of the account, page by page."""
        found: list[ListedNumber] = []
        answer = self._get("IncomingPhoneNumbers.json", {"PageSize": "200"})
        for _ in range(100):
            found += [self._listed(row) for row in answer.children("incoming_phone_numbers")]
            if not (following := answer.text("next_page_uri", "")):
                break
            answer = self.http.get(following, basic=self._basic(), explain=_explain)
        return found

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL at one number of the account."""
        answer = self._get("IncomingPhoneNumbers.json", {"PhoneNumber": number})
        row = next(iter(answer.children("incoming_phone_numbers")), None)
        if row is None:
            raise Rejected(f"{number} is not a number of this Twilio account.")
        if row.text("sms_application_sid", ""):
            raise Rejected(f"{number} is bound to a TwiML application, which goes first. Free it.")
        fields = [("SmsUrl", url), ("SmsMethod", "POST")]
        self._post(f"IncomingPhoneNumbers/{row.ident('sid')}.json", fields)
        return f"Twilio posts messages for {number} here, unless a Messaging Service takes them."

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
        by_key = own.api_key_sid and own.api_key_secret
        token = (own.account_sid, own.auth_token)
        return (own.api_key_sid, own.api_key_secret) if by_key else token

    def _url(self, resource: str) -> str:
        return f"/2010-04-01/Accounts/{self.credentials.account_sid}/{resource}"

    def _get(self, resource: str, params: dict[str, str]) -> Answer:
        auth = self._basic()
        return self.http.get(self._url(resource), params=params, basic=auth, explain=_explain)

    def _post(self, resource: str, form: list[tuple[str, str]]) -> Answer:
        return self.http.post(self._url(resource), form=form, basic=self._basic(), explain=_explain)

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
    status = STATUSES.get(word.lower())
    code = fields.text("ErrorCode", "")
    said = fields.text("ErrorMessage", "") or ("" if status else word)
    ident, detail = fields.ident("MessageSid"), ADVICE.get(code, said)
    return StatusUpdate(
        status=status, provider_id=ident, reference=reference, error_code=code, detail=detail
    )


def _explain(answer: Answer) -> None:
    """Classify a refusal by its code; a fault of Twilio's own stays unknown."""
    code = answer.text("code", "")
    if not (code and 400 <= answer.status < 500):
        return
    sentence = ADVICE.get(code) or f"Twilio refused: {answer.text('message', '')}"
    if answer.status == 429 or code in LATER_CODES:
        raise Throttled(sentence, code=code, retry_after=answer.retry_after)
    if code in ACCOUNT_CODES or answer.status == 401:
        raise CredentialsRefused(sentence, code=code)
    raise Rejected(sentence, code=code)


ADAPTER = Twilio

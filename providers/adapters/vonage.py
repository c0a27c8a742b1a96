"""Vonage (formerly Nexmo): SMS world-wide, MMS from US numbers, alphanumeric senders.

Set-up:

1. In the Vonage dashboard open API Settings; copy API key and API secret. See under "SMS settings"
   whether the account uses the SMS API or the Messages API, and choose the same here. Who wants to
   receive MMS chooses the Messages API there: the SMS API has no MMS.
2. SMS API: set the webhook format to POST-JSON, and paste {webhook_url} as "Inbound SMS webhooks"
   and "Delivery receipts". The URL of a single number (Numbers, Your numbers, pencil; or
   "Set webhook" on the DIDs here) wins over it.
3. Messages API: under Applications make an application with the capability Messages, paste
   {webhook_url} as Inbound URL and Status URL, and link your numbers to it. To send as this
   application enter its ID and private key here.
4. Enter the signature secret of API Settings here to demand signed webhooks. The Messages API signs
   all of them. The SMS API signs only after Vonage's support has enabled signed inbound messages:
   without that, leave it empty, or every webhook is refused.
5. US numbers need a 10DLC campaign; a word as sender does not work in the US and Canada.

Oddities, and what we do about them:

- An account posts in one of two formats; we read both, whatever is chosen here.
- Any of the five signature methods is taken, and a signed time up to a day old, since Vonage may
  repeat a webhook with its first time. The empty request that tries a new URL is never signed.
- Without the secret only the secret URL, and the API key in a request, prove anything.
- A long text has an id and a receipt for each part. Where only some parts were taken the message
  counts as failed and is not repeated. Long incoming texts come in pieces and are joined here.
- A receipt URL of more than 100 characters is left out; then that of the account counts.
- Limits of MMS are not published: pictures only, under 600 kB together; texts end at 3000
  characters, as captions do.
- Incoming files are asked for without a login; where that is refused ("secure inbound media"), with
  the application's token, which goes to Vonage's hosts only. They last 48 hours.
- "unknown" and "accepted" may be the last receipt that ever comes; they count as sent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from providers import vonage_codes, vonage_formats, vonage_proof
from providers.abilities import ListedNumber
from providers.answer import Answer
from providers.contract import (
    Capabilities,
    Event,
    NumberFormat,
    OutboundMessage,
    Proof,
    Provider,
    SendResult,
    WebhookRequest,
)
from providers.credentials import credential
from providers.download import Media
from providers.errors import Rejected, Unreadable, WebhookRefused
from providers.http import Parts
from providers.payload import Payload

MESSAGES_API = "https://api.nexmo.com"
SMS, MESSAGES = "sms", "messages"
PAGE_SIZE, MAX_PAGES = 100, 100


@dataclass(frozen=True)
class Credentials:
    """Key and secret for everything; an application may take their place for messages."""

    api_key: str = credential("API key", pattern=r"[0-9A-Za-z]+", help="Eight characters.")
    api_secret: str = credential("API secret", secret=True)
    api_flavour: str = credential(
        "API for SMS",
        choices=((SMS, "SMS API"), (MESSAGES, "Messages API")),
        default=SMS,
        help="As in the dashboard: API Settings, SMS settings.",
    )
    signature_secret: str = credential(
        "Signature secret", secret=True, required=False, help="Demands signed webhooks."
    )
    application_id: str = credential(
        "Application ID", required=False, pattern=r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4,12}){4}"
    )
    private_key: str = credential(
        "Private key", secret=True, required=False, multiline=True, help="Of the application."
    )


class Vonage(Provider[Credentials]):
    """Translates for Vonage's SMS API and Messages API."""

    key = "vonage"
    label = "Vonage"
    api_base = "https://rest.nexmo.com"
    other_bases = (MESSAGES_API,)
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media_bytes=600_000, media_types=("image/jpeg", "image/png", "image/gif"),
        max_text=3000, sender_id=True, receipts=True, signed_webhooks=True,
        number_format=NumberFormat.DIGITS,
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; files go over the Messages API whatever the account uses."""
        if message.media_urls or self.credentials.api_flavour == MESSAGES:
            return self._send_message(message)
        return self._send_sms(message)

    @property
    def proof(self) -> Proof:
        """A signature where its secret was entered."""
        return Proof.SIGNED if self.credentials.signature_secret else Proof.ADDRESS

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the signature where there is a secret, then the account."""
        own = self.credentials
        if request.method not in {"GET", "POST"}:
            raise WebhookRefused("Vonage gets or posts; this request does neither.")
        if _is_empty(request):
            return
        if own.signature_secret:
            vonage_proof.require_signed(request, own.signature_secret, own.api_key)
        try:
            account = vonage_formats.said(vonage_formats.fields(request), "api-key")
        except Unreadable:
            return  # it is kept, and shown as unreadable
        if account not in {"", own.api_key}:
            raise WebhookRefused("The request is for another Vonage account.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message or receipt, in either format; nothing of the trial of a URL."""
        if not _is_empty(request):
            yield from vonage_formats.events(vonage_formats.fields(request), self.read)

    def read(self, raw: str) -> str:
        """Read a number; Vonage writes the country code always, and never a plus."""
        text = raw.strip()
        return super().read(f"+{text}" if re.fullmatch(r"[0-9]{8,15}", text) else text)

    def check(self) -> str:
        """Ask for the balance, and see whether the private key is one."""
        self._application()
        balance = self._account("/account/get-balance").text("value")
        return f"Vonage accepts this key; the balance is {balance} EUR."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers of the account, page by page."""
        return [self._listed(row) for row in self._rows()]

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL at one number; receipts get theirs with each message."""
        row = self._row(number)
        form = {"country": row.text("country"), "msisdn": row.text("msisdn"), "moHttpUrl": url}
        form |= _call_settings(row)
        answer = self.http.post(
            "/number/update", form=form, basic=self._basic(), explain=vonage_codes.explain
        )
        if (code := answer.text("error-code")) != "200":
            said = answer.text("error-code-label", "")
            raise Rejected(f"Vonage did not enter the URL for {number}: {said}", code=code)
        return f"Vonage posts messages for {number} here."

    def read_webhook(self, number: str) -> str:
        """Return the number's URL; without one that of the account counts."""
        return self._row(number).text("moHttpUrl", "")

    def fetch_media(self, url: str) -> Media:
        """Download an attachment, with the application's token only where Vonage asks for it."""
        try:
            return self.http.download(url)
        except Rejected as error:
            wanted = error.code in {"401", "403"} and vonage_proof.may_see_token(url)
            if not (wanted and (token := self._application())):
                raise
        return self.http.download(url, bearer=token)

    def _send_sms(self, message: OutboundMessage) -> SendResult:
        form = vonage_formats.form(message, self.render)
        answer = self.http.post(
            "/sms/json", form=form, basic=self._basic(), explain=vonage_codes.explain_sms
        )
        ids = tuple(part.ident("message-id") for part in answer.children("messages"))
        return SendResult(
            provider_id=ids[0],
            part_ids=ids if len(ids) > 1 else (),
            segments=len(ids),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def _send_message(self, message: OutboundMessage) -> SendResult:
        body = vonage_formats.body(message, self.render)
        call: Parts = {"json": body, "explain": vonage_codes.explain}
        if token := self._application():
            call["bearer"] = token
        else:
            call["basic"] = self._basic()
        answer = self.http.post(f"{MESSAGES_API}/v1/messages", **call)
        request, response = answer.exchange.request, answer.exchange.response
        ident = answer.ident("message_uuid")
        return SendResult(provider_id=ident, request=request, response=response)

    def _basic(self) -> tuple[str, str]:
        return self.credentials.api_key, self.credentials.api_secret

    def _application(self) -> str:
        """Return a token of the application, empty where the trunk has none."""
        own = self.credentials
        if not (own.application_id and own.private_key):
            return ""
        return vonage_proof.application_token(own.application_id, own.private_key)

    def _account(self, path: str, **params: str) -> Answer:
        return self.http.get(path, params=params, basic=self._basic(), explain=vonage_codes.explain)

    def _rows(self) -> Iterator[Payload]:
        for page in range(1, MAX_PAGES + 1):
            answer = self._account("/account/numbers", size=str(PAGE_SIZE), index=str(page))
            rows = answer.children("numbers", optional=True)
            yield from rows
            if len(rows) < PAGE_SIZE:
                return

    def _row(self, number: str) -> Payload:
        if self.credentials.api_flavour == MESSAGES:
            raise Rejected(
                "The Messages API posts to the Inbound URL of the application; see there."
            )
        for row in self._rows():
            if self.read(row.text("msisdn")) == number:
                return row
        raise Rejected(f"{number} is not a number of this Vonage account.")

    def _listed(self, row: Payload) -> ListedNumber:
        able = row.strings("features")
        number = self.read(row.text("msisdn"))
        return ListedNumber(number=number, sms="SMS" in able, mms="MMS" in able)


def _call_settings(row: Payload) -> dict[str, str]:
    """Return how a number takes calls: an update may clear what it does not name."""
    names = ["app_id"]
    # Calls of an application follow from its ID; only these two are taken in an update.
    if row.text("voiceCallbackType", "") in {"sip", "tel"}:
        names += ["voiceCallbackType", "voiceCallbackValue"]
    return {name: row.text(name) for name in names if name in row}


def _is_empty(request: WebhookRequest) -> bool:
    return not (request.query or request.body.strip())


ADAPTER = Vonage

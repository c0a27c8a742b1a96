"""VoIP.ms: US and Canadian DIDs, SMS and MMS within both countries.

Set-up:

1. In the VoIP.ms portal open Main Menu, "SOAP and REST/JSON API": set an API Password (it is not
   the one that you sign in with), enable the API, and add this server's public address to the list
   of allowed IPs. The Check button here names the address if it is missing.
2. Under Manage DIDs edit the DID and open "Message Service (SMS/MMS)". Enable SMS/MMS, paste
   {webhook_url} into "SMS/MMS Webhook URL" and press "Click here to apply changes". Repeat this for
   every DID, or press "Set webhook" on the DIDs here.
3. On the same page choose the number format NANPA or E164: the same for all DIDs of this trunk, and
   the same as here.
4. Register US business traffic (10DLC) in the portal, or it may be filtered. An account may send
   100 messages a day by API; the support of VoIP.ms raises that on request.

Oddities, and what we do about them:

- Nothing is signed; the secret path of the webhook URL is the only proof. Keep it to yourself.
- One SMS is all that VoIP.ms takes as SMS. A longer text (over 160 characters, over 70 with emoji
  or foreign letters) goes out as an MMS without media, up to 1600, at whatever an MMS costs.
- Delivery is not reported; we read the lists of sent messages, up to 1000 a day. Only "Message
  delivered to handset." says more than sent, and hardly ever of an MMS.
- The "URL Callback" is understood, too: name its query fields from, to, id, date, media and, as the
  last one, message. What has media counts as MMS; the date has no known zone and is left out. With
  both ways on a message comes twice and counts once.
- "Set webhook" switches off copies by e-mail and forwarding: what that call does not name goes off,
  and these cannot be read. Where a URL callback of others is on, it refuses.
- When the daily count starts anew is unknown: we ask again later. So we do after "sms_failed".
- Types and sizes of attachments are not published; 1.2 MB each is what others found to work.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import unquote_plus

from providers import alphabet
from providers.abilities import ListedNumber, Sent
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
    WebhookReply,
    WebhookRequest,
)
from providers.credentials import credential
from providers.errors import CredentialsRefused, Rejected, WebhookRefused
from providers.pace import Pace
from providers.payload import Payload
from providers.voipms_api import ZONE, Api, is_on

# Free text, of which these were seen; an unknown one must not make a message fail.
STATUSES = {
    "message delivered to handset.": Status.DELIVERED,
    **dict.fromkeys(("information not available", ""), Status.SENT),
}

# The names that our callback URL gives the variables; ``&`` in a text may come unencoded.
VARIABLE = re.compile(r"(?:^|&)(from|to|message|id|date|media)=")
LINK = re.compile(r"https?://[^,\s]+")


@dataclass(frozen=True)
class Credentials:
    """The account's login, a password of its own for the API, and how numbers are written."""

    username: str = credential("Username", help="The e-mail address that you sign in with.")
    password: str = credential("API password", secret=True, help="SOAP and REST/JSON API.")
    number_format: str = credential(
        "Number format",
        choices=[("nanpa", "NANPA, ten digits"), ("e164", "E164, with + and country code")],
        default="nanpa",
        help="As chosen at the DIDs, Message Service (SMS/MMS).",
    )


class VoipMs(Provider[Credentials]):
    """Translates for the REST API of VoIP.ms, where everything is one address."""

    key = "voipms"
    label = "VoIP.ms"
    api_base = "https://voip.ms"  # never www: it redirects, and what was posted is lost
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=3, max_file_bytes=1_200_000, max_text=1600,
        number_format=NumberFormat.NATIONAL, pace=Pace(account=4),
    )  # fmt: skip

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message, as MMS if it has media or is more than one SMS."""
        order = {
            "did": self.render(message.sender),
            "dst": self.render(message.recipient),
            "message": message.text,
            **{f"media{index}": url for index, url in enumerate(message.media_urls, 1)},
        }
        plain = alphabet.fits_one_sms(message.text) and not message.media_urls
        answer = self._api.call("sendSMS" if plain else "sendMMS", order)
        kind = "mms" if "mms" in answer else "sms"
        return SendResult(
            provider_id=f"{kind}:{answer.ident(kind)}",
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Nothing is signed; beside the secret path only the method can be wrong."""
        if request.method not in {"GET", "POST"}:
            raise WebhookRefused("VoIP.ms posts or gets; this request does neither.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message, of the JSON body or else of the query."""
        if not request.body.lstrip().startswith(b"{"):
            yield self._called_back(request.query)
            return
        data = Payload.json(request.body).child("data")
        if data.text("event_type") == "message.received":
            yield self._posted(data.child("payload"))

    def reply(self, request: WebhookRequest) -> WebhookReply:  # noqa: ARG002 - the contract's
        """Answer ``ok``: without these two letters a callback is repeated every half hour."""
        return WebhookReply(body="ok")

    def check(self) -> str:
        """Ask for the balance; where our address is not allowed, ask for that address."""
        try:
            answer = self._api.call("getBalance")
        except CredentialsRefused as error:
            if error.code != "ip_not_enabled":
                raise
            address = self._api.call("getIP").text("ip")
            sentence = f"VoIP.ms does not allow this server. Add {address} to its allowed IPs."
            raise CredentialsRefused(sentence, code=error.code) from error
        balance = answer.child("balance").text("current_balance")
        return f"VoIP.ms accepts these credentials; the balance is {balance}."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the DIDs of the account."""
        return [
            ListedNumber(
                number=self.read(row.text("did")),
                sms=is_on(row, "sms_available"),
                mms=is_on(row, "mms_available"),
                label=row.text("description", ""),
            )
            for row in self._api.dids()
        ]

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL at one DID unless it stands there, and read it back."""
        row = self._api.did(number)
        if _posts_to(row, url):
            return f"VoIP.ms posts messages for {number} here already."
        callback = row.text("sms_url_callback", "")
        if is_on(row, "sms_url_callback_enabled") and not callback.startswith(url):
            raise Rejected(f"{number} has a URL callback on. Paste our URL at VoIP.ms to keep it.")
        order = {"did": row.text("did"), "enable": "1", "webhook": url, "webhook_enable": "1"}
        self._api.call("setSMS", order)
        if not _posts_to(self._api.did(number), url):
            raise Rejected("VoIP.ms did not enter the URL although it said so. Use its portal.")
        return (
            f"VoIP.ms posts messages for {number} here. Copies by e-mail and forwarding are off "
            "now; switch them on again in its portal if you want them."
        )

    def read_webhook(self, number: str) -> str:
        """Return the URL that messages are posted to, else the callback's."""
        row = self._api.did(number)
        if is_on(row, "webhook_enabled"):
            return row.text("webhook", "")
        on = is_on(row, "sms_url_callback_enabled")
        return row.text("sms_url_callback", "") if on else ""

    def poll_receipts(self, sent: Sequence[Sent]) -> Iterator[StatusUpdate]:
        """Read the lists of sent messages, one call for each kind and day."""
        groups: dict[tuple[str, date], dict[str, datetime]] = defaultdict(dict)
        for message in sent:
            kind, _, number = message.provider_id.partition(":")
            if kind in {"sms", "mms"}:
                groups[kind, message.at.astimezone(ZONE).date()][number] = message.at
        for (kind, _), group in groups.items():
            for row in self._api.sent(kind, list(group.values())):
                if (number := row.text("id", "")) in group:
                    yield _receipt(f"{kind}:{number}", row.text("carrier_status", "").strip())

    def render(self, number: str) -> str:
        """Write a number as the DIDs of this trunk are set."""
        return number if self.credentials.number_format == "e164" else super().render(number)

    @property
    def _api(self) -> Api:
        return Api(self.http, self.credentials.username, self.credentials.password)

    def _posted(self, payload: Payload) -> InboundMessage:
        media = tuple(payload.strings("media", inside="url"))
        recipients = payload.strings("to", inside="phone_number")
        if not recipients:
            raise payload.wrong("to", "missing")
        is_mms = media or payload.text("type", "").upper() == "MMS"
        return InboundMessage(
            provider_id=f"{'mms' if is_mms else 'sms'}:{payload.ident('id')}",
            sender=self.read(payload.child("from").text("phone_number")),
            recipients=tuple(self.read(number) for number in recipients),
            text=payload.text("text", ""),
            media_urls=media,
            sent_at=payload.moment("received_at"),
        )

    def _called_back(self, query: str) -> InboundMessage:
        parts = VARIABLE.split(query)
        pairs = list(zip(parts[1::2], map(unquote_plus, parts[2::2]), strict=True))
        # The first of a name counts: a later one may be part of an unencoded text.
        fields = Payload(dict(reversed(pairs)))
        media = tuple(LINK.findall(fields.text("media", "")))
        return InboundMessage(
            provider_id=f"{'mms' if media else 'sms'}:{fields.ident('id')}",
            sender=self.read(fields.text("from")),
            recipients=(self.read(fields.text("to")),),
            text=fields.text("message", ""),
            media_urls=media,
        )


def _receipt(provider_id: str, word: str) -> StatusUpdate:
    status = STATUSES.get(word.lower())
    detail = "" if status else word
    return StatusUpdate(status=status or Status.SENT, provider_id=provider_id, detail=detail)


def _posts_to(row: Payload, url: str) -> bool:
    on = is_on(row, "webhook_enabled") and is_on(row, "sms_enabled")
    return on and row.text("webhook", "") == url


ADAPTER = VoipMs

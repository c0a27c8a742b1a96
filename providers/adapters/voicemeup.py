"""VoiceMeUp: VoIP provider, SMS and MMS through one call.

Set-up:

1. In the VoiceMeUp portal open Account, "Users & Access", New, and make a user of the type
   Standard. Its name is the Username here. In its tab Access press "Regenerate Token" and copy the
   Auth Token.
2. Under Services, "DID Numbers", edit the DID: enable SMS/MMS under Available Options and paste
   {webhook_url} into Callback URL.
3. In the tab "SMS/MMS Options" of the same DID enable "SMS/MMS for this DID" and paste the same URL
   into "Callback URL (Webhook)". Save, and repeat both steps for every DID.
4. US numbers need a 10DLC registration with VoiceMeUp.
5. Send a text to your own phone and answer it: no call is known that would check the trunk.

Oddities, and what we do about them:

- VoiceMeUp publishes no reference of its API; what is not known from use is not used.
- Nothing is signed and no source addresses are known: the secret path of the webhook URL is the
  only proof. Use HTTPS and keep the URL to yourself.
- There are no delivery receipts: a message that was taken stays accepted.
- An MMS arrives as two posts with ids of their own, about a second apart: the text with a wrapper
  page, then the file. Both become pieces of one message, told by the numbers and the time of
  transmission. The page is never taken for a file.
- That time, like all others, has no known zone; the time of arrival counts.
- An identical text that is still queued is refused (``duplicate_entry``). After a lost answer this
  means that the first one was taken, so it is not sent again.
- A success without an id counts, because it says that it is one. Nothing depends on the id.
- One file and 1000 characters for each message. Sizes and types of files, and how a word could be
  the sender, are not known: words are not offered.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from providers.answer import Answer
from providers.contract import (
    Capabilities,
    Event,
    InboundMessage,
    NumberFormat,
    OutboundMessage,
    Piece,
    Provider,
    SendResult,
    WebhookReply,
    WebhookRequest,
)
from providers.credentials import credential
from providers.errors import CredentialsRefused, ProviderError, Rejected, WebhookRefused
from providers.payload import Payload

PRODUCTION, SANDBOX = "https://clients.voicemeup.com", "https://dev-clients.voicemeup.com"
HOSTS = {"production": PRODUCTION, "sandbox": SANDBOX}
TAKEN = "queued_sms_hash"
ADVICE = {
    "duplicate_entry": "VoiceMeUp has the same text to this number already; it is not sent twice.",
    "permission_refused": "VoiceMeUp does not let this user send. Check its name, token and type.",
}


@dataclass(frozen=True)
class Credentials:
    """A user of the portal with a token, and which of the two portals it is."""

    username: str = credential("Username", help="Account, Users & Access.")
    auth_token: str = credential("Auth Token", secret=True, help="The tab Access of that user.")
    environment: str = credential(
        "Environment",
        choices=[("production", "Production"), ("sandbox", "Sandbox")],
        default="production",
    )


class VoiceMeUp(Provider[Credentials]):
    """Translates for the portal's API, version 1.1."""

    key = "voicemeup"
    label = "VoiceMeUp"
    api_base = PRODUCTION
    other_bases = (SANDBOX,)
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=1, max_text=1000, number_format=NumberFormat.DIGITS
    )

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; what is empty is left out."""
        form = {
            "username": self.credentials.username,
            "auth_token": self.credentials.auth_token,
            "source_number": self.render(message.sender),
            "destination_number": self.render(message.recipient),
        }
        if message.text:
            form["message"] = message.text
        if message.media_urls:
            form["attachment"] = message.media_urls[0]
        url = f"{HOSTS[self.credentials.environment]}/api/v1.1/json/queue_sms"
        answer = self.http.post(url, form=form, explain=_explain)
        entries = _entries(answer.child("response_details"))
        ids = [entry.text("_content", "") for entry in entries if entry.text("code", "") == TAKEN]
        return SendResult(
            provider_id=next(iter(ids), ""),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def authenticate(self, request: WebhookRequest) -> None:
        """Nothing is signed; beside the secret path only the method can be wrong."""
        if request.method != "POST":
            raise WebhookRefused("VoiceMeUp posts; this request does not.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message, or one of its two pieces; other directions yield nothing."""
        fields = _fields(request)
        if fields.text("direction", "inbound").lower() != "inbound":
            return
        link = fields.text("attachment", "") or fields.text("attachment_url", "")
        is_page = _is_page(fields, link)
        sender = self.read(fields.text("source_number"))
        recipient = self.read(fields.text("destination_number"))
        sent = fields.text("datetime_transmission", "")
        key = f"{sender} {recipient} {sent}"
        yield InboundMessage(
            provider_id=fields.ident("sms_hash"),
            sender=sender,
            recipients=(recipient,),
            text=fields.text("message", ""),
            media_urls=(link,) if link and not is_page else (),
            piece=Piece(key=key, index=1 if is_page else 2) if link and sent else None,
        )

    def reply(self, request: WebhookRequest) -> WebhookReply:  # noqa: ARG002 - the contract's
        """Answer as others do; what VoiceMeUp wants to read beside a 2xx is not known."""
        return WebhookReply(content_type="application/json", body='{"ok": true}')

    def check(self) -> str:
        """Say that there is nothing to check with: the one known call sends a text."""
        return "Not checked: VoiceMeUp has no call that only tests. Text your own phone to try it."


def _fields(request: WebhookRequest) -> Payload:
    """Read the fields wherever they are; of the body only its content is known, not its type."""
    body = request.body.strip()
    if body.startswith(b"{"):
        return Payload.json(body)
    return Payload.form(body or request.query)


def _is_page(fields: Payload, link: str) -> bool:
    """Say whether the attachment is the page around an MMS, which is never media."""
    kind = fields.text("attachment_mime_type", "") or fields.text("attachment_type", "")
    is_html = kind.lower().startswith("text/html")
    return link.lower().endswith(".mms.html") or (is_html and ".mms." in link.lower())


def _entries(details: Payload) -> list[Payload]:
    """Return the coded entries of an answer; the XML behind it lets a single one come bare."""
    if "response_messages" not in details:
        return []
    messages = details.child("response_messages")
    try:
        return messages.children("message")
    except ProviderError:
        return [messages.child("message")]


def _explain(answer: Answer) -> None:
    """Find refusals in the body; where HTTP has a word of its own, that counts."""
    if answer.status > 400:
        return
    details = answer.child("response_details")
    match details.text("response_status"):
        case "success":
            return
        case "error":
            first = next(iter(_entries(details)), Payload({}))
            code = first.text("code", "")
            said = first.text("_content", "") or code or "it gives no reason"
            sentence = ADVICE.get(code) or f"VoiceMeUp refused: {said}"
            kind = CredentialsRefused if code == "permission_refused" else Rejected
            raise kind(sentence, code=code)
        case _:
            raise details.wrong("response_status", "neither success nor error")


ADAPTER = VoiceMeUp

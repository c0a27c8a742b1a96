"""VoIP Innovations: US wholesale carrier (Sangoma), texts by its Back Office, MMS by its CPaaS.

Set-up:

1. At backoffice.voipinnovations.com, under Add-Ons, API Users, press "Add New API Login". Enter the
   public IPv4 address from which this server calls as the Server IP. The Username and Password of
   the login are asked for here.
2. Under SMS, Add New SMS DID (or Manage DIDs), enter the TN, choose "API POST" as the Destination
   Type, paste {webhook_url} as the URL, leave the Auth Token empty, and press Configure. Repeat
   this for every DID.
3. Put the DIDs on an approved 10DLC campaign, or carriers drop the texts without a word.
4. To send MMS, enter API key and secret of a CPaaS application that has the numbers, too: another
   pair than the API login. Everything is then sent through it.

Oddities, and what we do about them:

- A refusal comes as HTTP 200; only the response code 100 is a success. The codes are those of an
  old client of the same service. Code 900 and faults may have been taken: they stay unconfirmed.
- Nothing is signed, and how the Auth Token would arrive is not known: the secret path of the URL
  is the only proof. GET, which CPaaS applications may use, is refused without CPaaS keys.
- Messages seldom carry an id: equal posts within minutes count as one message.
- Files of an MMS are inside the post, as what looks like a Python dictionary. A file that cannot be
  read is reported beside its message; layouts (.smil) are left out.
- Receipts were out of service when last looked at: none are asked for, and a stray one is read.
- Unknown: limits of text and media, other senders than DIDs, repeated sends, which DIDs can text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from providers import embedded, soap
from providers.abilities import ListedNumber
from providers.answer import Answer
from providers.contract import (
    Broken,
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
from providers.errors import CredentialsRefused, Rejected, Unconfirmed, WebhookRefused
from providers.http import Form
from providers.payload import Payload

SERVICE, NAMESPACE = "/Services/APIService.asmx", "http://tempuri.org/"
CPAAS = (
    ("https://cpaas-api.voipinnovations.com", "VoIP Innovations"),
    ("https://api.apidaze.io", "Apidaze"),
    ("https://api4.apidaze.io", "Apidaze 4"),
)
IDENTS = ("id", "uuid", "message_uuid", "reference_id")
FILES = ("files", "media", "media_urls")
STATUSES = {
    **dict.fromkeys(("queued", "accepted"), Status.QUEUED),
    **dict.fromkeys(("undelivered", "undeliverable", "expired"), Status.UNDELIVERED),
    **dict.fromkeys(("failed", "rejected"), Status.FAILED),
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
}
ADVICE = {
    "901": "The address that this server calls from is not the API login's. Enter it as Server IP.",
    "902": "The API login or its Server IP is wrong. Check both; CPaaS keys do not fit here.",
    "944": "The recipient's number is not valid. Check it.",
    "948": "The endpoint group is not yours. Check the DID in the Back Office.",
}
# What begins so has codes that nobody has written down.
SAID = {
    "invalid sender": "The sender is not an SMS DID of this account. Add it under SMS there.",
    "invalid tn.": "A number is not written as a North American one. Check both.",
}


@dataclass(frozen=True)
class Credentials:
    """An API login of the Back Office; with the keys of a CPaaS application that one sends."""

    api_key: str = credential("API login, user name", help="Back Office, Add-Ons, API Users.")
    api_secret: str = credential("API login, password", secret=True)
    cpaas_api_key: str = credential("CPaaS API key", required=False, help="For MMS.")
    cpaas_api_secret: str = credential("CPaaS API secret", secret=True, required=False)
    cpaas_host: str = credential("CPaaS host", choices=CPAAS, default=CPAAS[0][0])


class VoipInnovations(Provider[Credentials]):
    """Translates for the SOAP service "API 3" and for the CPaaS REST API."""

    key = "voipinnovations"
    label = "VoIP Innovations"
    api_base = "https://backoffice.voipinnovations.com"
    other_bases = tuple(host for host, _ in CPAAS)
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_body=16_000_000, message_ids=False, number_format=NumberFormat.DIGITS
    )

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; the answer means accepted and nothing more."""
        if self._has_cpaas:
            answer = self._rest("sms/send", self._form(message))
            if not answer.flag("ok"):
                raise answer.wrong("ok", "missing")
            ident = _uuid(answer, "details")
        elif message.media_urls:
            raise Rejected("MMS needs the API key and secret of a CPaaS application. Enter both.")
        else:
            sender, recipient = self.render(message.sender), self.render(message.recipient)
            answer = self._soap("SendSMS", sender=sender, recipient=recipient, message=message.text)
            ident = _uuid(soap.result(answer, "SendSMS"), "MsgDetails")
        request, response = answer.exchange.request, answer.exchange.response
        return SendResult(provider_id=ident, request=request, response=response)

    def authenticate(self, request: WebhookRequest) -> None:
        """Nothing is signed; beside the secret path only the method can be wrong."""
        if not (request.method == "POST" or (request.method == "GET" and self._has_cpaas)):
            raise WebhookRefused("VoIP Innovations posts; this request does not.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield the one message, then its files that cannot be read; or the one receipt."""
        is_query = request.method == "GET"
        if is_query or "form" in request.headers.get("content-type", "").lower():
            body = Payload.form(request.query if is_query else request.body)
        else:
            body = Payload.json(request.body)
        numbered = "caller_id_number" in body and "destination_number" in body
        is_message = numbered or body.text("type", "").startswith("incomingWebhook")
        if is_message or "status" not in body:
            yield from self._inbound(body)
            return
        status = body.choice("status", STATUSES)
        yield StatusUpdate(
            status=status,
            provider_id=body.ident("msgid"),
            recipient=self.read(body.text("to")) if "to" in body else "",
            detail="" if status else body.text("status"),
        )

    def check(self) -> str:
        """Ask for the balance, and whether the CPaaS keys are a pair."""
        balance = soap.result(self._soap("GetPrepaidBalance"), "GetPrepaidBalance").text("Amount")
        sentence = f"VoIP Innovations accepts this API login; the balance is {balance}."
        if not self._has_cpaas:
            return sentence
        answer = self._rest("validates")
        said = (answer.child("status") if "status" in answer else answer).text("global")
        if "succeeded" not in said.lower():
            raise CredentialsRefused(f"The CPaaS keys were not accepted: {said}")
        return f"{sentence} The CPaaS keys are accepted, too."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the DIDs of the account; an empty account has one without a number."""
        result = soap.result(self._soap("auditDIDs"), "auditDIDs")
        if "DIDs" not in result or result.is_text("DIDs"):
            return []
        found = [number for number in result.child("DIDs").strings("DID", inside="tn") if number]
        return [ListedNumber(number=self.read(number), mms=self._has_cpaas) for number in found]

    @property
    def _has_cpaas(self) -> bool:
        return bool(self.credentials.cpaas_api_key and self.credentials.cpaas_api_secret)

    def _form(self, message: OutboundMessage) -> list[tuple[str, str]]:
        form = [("from", self.render(message.sender)), ("to", self.render(message.recipient))]
        form.append(("body", message.text or " "))
        if message.media_urls:
            form.append(("message_type", "MMS"))
            form += [(f"file_urls[{n}]", url) for n, url in enumerate(message.media_urls)]
        return form

    def _soap(self, operation: str, **fields: str) -> Answer:
        login = {"login": self.credentials.api_key, "secret": self.credentials.api_secret}
        return self.http.post(
            SERVICE,
            content=soap.call(NAMESPACE, operation, {**login, **fields}),
            headers={"SOAPAction": f'"{NAMESPACE}{operation}"'},
            reads="xml",
            explain=lambda answer: _explain_soap(answer, operation),
        )

    def _rest(self, resource: str, form: Form | None = None) -> Answer:
        own = self.credentials
        url = f"{own.cpaas_host}/{quote(own.cpaas_api_key, safe='')}/{resource}"
        secret = {"api_secret": own.cpaas_api_secret}
        if form is None:
            return self.http.get(url, params=secret, explain=_explain_rest)
        return self.http.post(url, params=secret, form=form, explain=_explain_rest)

    def _inbound(self, body: Payload) -> Iterator[Event]:
        sender = "caller_id_number" if "caller_id_number" in body else "from"
        recipient = "destination_number" if "destination_number" in body else "to"
        given = [item for name in FILES for item in body.strings(name) if item]
        urls = tuple(item for item in given if item.startswith(("https://", "http://")))
        files = [file for item in given if item not in urls for file in embedded.dictionary(item)]
        # Calls of voice applications name the same two numbers, and have no text.
        may_lack = "" if given or "text" in body else None
        yield InboundMessage(
            provider_id=next((body.ident(name) for name in IDENTS if body.text(name, "")), ""),
            sender=self.read(body.text(sender)),
            recipients=(self.read(body.text(recipient)),),
            text=body.text("text", "") or body.text("body", may_lack),
            media_urls=urls,
            files=tuple(file for file in files if isinstance(file, Media)),
        )
        yield from (file for file in files if isinstance(file, Broken))


def _uuid(taken: Payload, holder: str) -> str:
    """Find the id of a message, which may be missing; its name depends on where it stands."""
    inner = taken.child(holder) if holder in taken and not taken.is_text(holder) else taken
    for place, name in ((taken, "Uuid"), (inner, "uuid")):
        if place.text(name, ""):
            return place.ident(name)
    return ""


def _explain_soap(answer: Answer, operation: str) -> None:
    """Find refusals in the body: their status is 200."""
    soap.require_no_fault(answer)
    result = soap.result(answer, operation)
    code, said = result.text("responseCode"), result.text("responseMessage", "")
    if code == "100" or (code == "101" and operation == "auditDIDs"):
        return
    if code == "900":
        raise Unconfirmed(f"VoIP Innovations has a fault of its own: {said}", code=code)
    by_words = (text for start, text in SAID.items() if said.lower().startswith(start))
    sentence = ADVICE.get(code) or next(by_words, f"VoIP Innovations refused: {said}")
    kind = CredentialsRefused if code in {"901", "902"} else Rejected
    raise kind(sentence, code=code)


def _explain_rest(answer: Answer) -> None:
    """Classify a refusal; limits and faults are told by the status alone."""
    code, said = answer.text("code", ""), answer.text("message", "")
    refused = code.startswith("E_") or ("ok" in answer and not answer.flag("ok"))
    if answer.status in {401, 403, 404}:
        # The key is a part of the path: what it does not fit is not found.
        raise CredentialsRefused(f"The CPaaS keys are not a pair. Check them. {said}", code=code)
    if refused and answer.status < 500 and answer.status != 429:
        raise Rejected(f"The CPaaS refused: {said}", code=code)


ADAPTER = VoipInnovations

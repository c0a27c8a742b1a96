"""Custom: any other provider with an HTTP interface, described here instead of programmed.

Set-up:

1. Take the provider's description of its interface. Enter the Send URL and write the body template
   like its example request, with placeholders in curly braces where the values go. The account's
   own fields are placeholders, too; a key that goes into a header is written there as such.
2. Say how the answer shows that a message was taken: the success test, the path of the message id,
   or both. A path is names with / between them: messages/0/id.
3. If the provider posts messages or receipts, let it post them to {webhook_url}, enter the paths of
   their fields, and choose how its requests prove themselves; a name and password that we made up
   are entered there.
4. Press "Try without sending": it shows the request, and what is understood of a sample webhook.

Oddities, and what we do about them:

- Bodies are known by their first character: JSON, XML, else a form; a GET has its fields in the
  query. In XML a path begins with the root, and @name is an attribute. The words of an answer in
  plain text are numbered from 0. Several paths may be given with commas between them.
- A body with something at the path of the receipt's status, and an id or reference, is a receipt;
  any other is a message. A receipt at the address that was sent as the status URL needs neither.
- The words for a status are those of the list, then our own: queued, accepted, sent, delivered,
  undelivered, failed. An unknown word changes nothing and stays visible.
- An answer that fails the success test is a refusal if it holds the text of an error; else nobody
  knows, and the message stays unconfirmed. Nothing is ever sent twice by itself.
- An HMAC is computed over the body alone; a request without a body is then refused. A word such
  as sha256= before it is understood.
- Private addresses are not called, unless the operator allowed it.
- No call is known that would prove the credentials, so the check makes none.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from providers import pointer, signing
from providers.contract import (
    Broken,
    Capabilities,
    Event,
    InboundMessage,
    Proof,
    Status,
    StatusUpdate,
    WebhookReply,
    WebhookRequest,
)
from providers.credentials import credential
from providers.described import Receiving, Sending
from providers.download import Media
from providers.errors import Unreadable, WebhookRefused
from providers.exchange import basic_token
from providers.http import Http
from providers.payload import Payload
from providers.signing import Digest, Encoding
from providers.templated import Templated

STATUSES = {str(status): status for status in Status}
PROOFS = {"basic": Proof.PASSWORD, "header": Proof.PASSWORD, "hmac": Proof.SIGNED}
NEEDS = {
    "address": (),
    "basic": ("webhook_user", "webhook_password"),
    "header": ("webhook_secret", "signature_header"),
    "hmac": ("webhook_secret", "signature_header"),
}


@dataclass(frozen=True, kw_only=True)
class Account:
    """What the provider knows us by."""

    user: str = credential("User name", required=False, help="The placeholder {user}.")
    password: str = credential(
        "Password", secret=True, required=False, help="The placeholder {password}."
    )
    token: str = credential(
        "Token or API key", secret=True, required=False, help="The placeholder {token}."
    )


@dataclass(frozen=True, kw_only=True)
class Credentials(Receiving, Sending, Account):
    """Everything that another adapter knows by itself; forms begin with the last of the bases."""


class Custom(Templated[Credentials]):
    """Translates as the administrator described."""

    key = "custom"
    label = "Custom (any other HTTP provider)"
    credentials_type = Credentials
    capabilities = Capabilities(mms=True, sender_id=True, receipts=True)

    def __init__(self, credentials: Credentials, http: Http) -> None:
        super().__init__(credentials, http)
        names = [field.name for field in dataclasses.fields(Receiving)]
        self._paths = {
            name: self.field(name, pointer.parse)
            for name in names
            if name.startswith(("events", "inbound_", "receipt_"))
        }
        self._words = self.field("status_words", _words)
        for name in NEEDS[credentials.authenticity]:
            self.field(name, _require)

    def account(self) -> dict[str, str]:
        """Return the account's fields as they were entered."""
        own = self.credentials
        return {"user": own.user, "password": own.password, "token": own.token}

    def authenticate(self, request: WebhookRequest) -> None:
        """Check what the administrator chose; the secret address stands in every case."""
        own = self.credentials
        given = request.headers.get(own.signature_header.lower(), "")
        match own.authenticity:
            case "basic":
                scheme, _, token = request.headers.get("authorization", "").partition(" ")
                expected = basic_token(own.webhook_user, own.webhook_password)
                if scheme.lower() != "basic" or not signing.same(token.strip(), expected):
                    raise WebhookRefused("The request lacks the name and password of this trunk.")
            case "header" if not signing.same(given.strip(), own.webhook_secret):
                raise WebhookRefused("The request lacks the secret of this trunk in its header.")
            case "hmac":
                self._require_hmac(request, given)

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield every message and receipt; a broken one costs only itself."""
        tree = pointer.of_webhook(request)
        reference = Payload.form(request.query).text("ref", "")
        items = pointer.elements(tree, self._paths["events"])
        for item in items:
            try:
                event: Event = self._receipt(item, reference) or self._message(item)
            except Unreadable as error:
                if len(items) == 1:
                    raise
                event = Broken(detail=str(error))
            yield event

    def reply(self, request: WebhookRequest) -> WebhookReply:  # noqa: ARG002 - the contract's
        """Answer with the text that the administrator entered."""
        return WebhookReply(body=self.credentials.webhook_reply)

    def fetch_media(self, url: str) -> Media:
        """Download an attachment, with the account's proof if it is where we send to."""
        ours = self.http.owns(url)
        basic, bearer = (self.basic, self.bearer) if ours else (None, "")
        return self.http.download(url, basic=basic, bearer=bearer)

    def check(self) -> str:
        """Say that there is nothing to call."""
        return (
            "The fields fit together. Nothing was called: of a custom provider no call is known "
            "that would prove the credentials. Send a text to see whether it takes them."
        )

    @property
    def proof(self) -> Proof:
        """As the administrator chose."""
        return PROOFS.get(self.credentials.authenticity, Proof.ADDRESS)

    def _require_hmac(self, request: WebhookRequest, given: str) -> None:
        own = self.credentials
        if not pointer.has_body(request):
            raise WebhookRefused("The HMAC is over the body, and this request has none.")
        digest: Digest = "sha1" if own.signature_digest == "sha1" else "sha256"
        encoding: Encoding = "base64" if own.signature_encoding == "base64" else "hex"
        signature = given.strip().removeprefix(f"{digest}=")
        signing.require_hmac(
            own.webhook_secret, signature, request.body, digest=digest, encoding=encoding
        )

    def _receipt(self, item: object, reference: str) -> StatusUpdate | None:
        names = ("id", "reference", "status", "error")
        at = self._paths
        found = Payload({name: pointer.first(item, at[f"receipt_{name}"]) for name in names})
        reference = found.text("reference", "") or reference
        if "status" not in found or not ("id" in found or reference):
            return None
        status = found.choice("status", self._words)
        return StatusUpdate(
            status=status,
            provider_id=found.ident("id") if "id" in found else "",
            reference=reference,
            detail=found.text("error", "") or ("" if status else found.text("status")),
        )

    def _message(self, item: object) -> InboundMessage:
        at, one, many = self._paths, ("id", "from", "text"), ("to", "media")
        found = Payload(
            {name: pointer.first(item, at[f"inbound_{name}"]) for name in one}
            | {name: pointer.every(item, at[f"inbound_{name}"]) for name in many}
        )
        recipients = tuple(dict.fromkeys(self.read(number) for number in found.strings("to")))
        if not recipients:
            raise found.wrong("to", "missing")
        return InboundMessage(
            provider_id=found.ident("id") if "id" in found else "",
            sender=self.read(found.text("from")),
            recipients=recipients,
            text=found.text("text", ""),
            media_urls=tuple(found.strings("media")),
        )


def _words(text: str) -> dict[str, Status]:
    words = dict(STATUSES)
    for line in filter(str.strip, text.splitlines()):
        word, _, meaning = line.rpartition("=")
        if not word.strip() or meaning.strip() not in STATUSES:
            right = ", ".join(STATUSES)
            raise ValueError(f"has the line {line[:40]!r}; write word = one of {right}")
        words[word.strip().lower()] = STATUSES[meaning.strip()]
    return words


def _require(value: str) -> None:
    if not value:
        raise ValueError("is missing")


ADAPTER = Custom

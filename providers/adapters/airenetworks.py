"""Aire Networks: Spanish wholesale operator; SMS going out, always from an approved Sender ID.

Set-up:

1. Buy the SMS service. Aire Networks hands out a user name, a password and the Sender ID that it
   has approved for you; all three are asked for here.
2. Ask them for the description of their HTTP interface, because it is not public, and fill in the
   Send URL and the body template from it. Until then every text is refused, without a call.
   Press "Try without sending" to see the request that results.
3. Enter the same Sender ID as the one of this trunk, and let extensions send with the Sender ID.
   Nothing is entered at the operator: it posts nothing, and {webhook_url} stays unused.
4. Have the Sender ID registered as an alias at the Spanish authority (CNMC). From 7 June 2026
   operators have to block aliases that are not, towards Spanish numbers.

Oddities, and what we do about them:

- No address, field, answer or code of the interface is known to us, and none is guessed: the
  request is yours to describe, with the same fields as those of a custom provider.
- Texts go out from the approved Sender ID only. A text from a number, or from another word, is
  refused before anything is sent; nobody can answer to a word.
- There are no messages and no receipts: a text that was taken stays accepted.
- A refusal may come from the registry of aliases and not from the account, so the operator's own
  words are shown.
- No call is known that would prove the credentials, so the check makes none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from providers.contract import Capabilities, Event, OutboundMessage, SendResult, WebhookRequest
from providers.credentials import credential
from providers.described import URL, Sending
from providers.errors import Rejected, Unreadable, WebhookRefused
from providers.templated import Templated

POSTS_NOTHING = "Aire Networks posts nothing to us."


@dataclass(frozen=True, kw_only=True)
class Account:
    """What Aire Networks hands out."""

    username: str = credential("User name", help="Of the SMS account; the placeholder {user}.")
    password: str = credential("Password", secret=True, help="The placeholder {password}.")
    sender_id: str = credential(
        "Sender ID",
        pattern=r"(?=.*[A-Za-z])[A-Za-z0-9 &+_\-]{1,11}",
        help="The approved one, up to 11 characters; the placeholder {sender_id}.",
    )


@dataclass(frozen=True, kw_only=True)
class Credentials(Sending, Account):
    """The account first, then the request, which may be described later."""

    send_url: str = credential(
        "Send URL", required=False, pattern=URL, help="From the operator's document."
    )
    body_template: str = credential(
        "Body template",
        required=False,
        multiline=True,
        help="From the operator's document, with {sender_id} {to} {text} {user} {password}, and "
        "{reference} if there is a place for it. Values are escaped by themselves.",
    )


class AireNetworks(Templated[Credentials]):
    """Sends as the operator's document says, from the approved word."""

    key = "airenetworks"
    label = "Aire Networks"
    credentials_type = Credentials
    capabilities = Capabilities(inbound=False, sender_id=True)

    def account(self) -> dict[str, str]:
        """Return the login; there is no token."""
        return {"user": self.credentials.username, "password": self.credentials.password}

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one text, unless it cannot go out."""
        word = self.credentials.sender_id
        if message.sender != word:
            raise Rejected(
                f"Aire Networks sends from the approved Sender ID {word!r} only, and this is from "
                f"{message.sender}. Let the extension send with that Sender ID."
            )
        if not self.is_described:
            raise Rejected(
                "How Aire Networks takes a text is not public. Enter the Send URL and the body "
                "template of this trunk from the operator's document."
            )
        return super().send(message)

    def authenticate(self, request: WebhookRequest) -> None:  # noqa: ARG002 - the contract's
        """Refuse everything: there is nobody who could post."""
        raise WebhookRefused(POSTS_NOTHING)

    def parse(self, request: WebhookRequest) -> Iterator[Event]:  # noqa: ARG002 - the contract's
        """Read nothing."""
        raise Unreadable(POSTS_NOTHING)

    def check(self) -> str:
        """Say that there is nothing to call."""
        state = "is described" if self.is_described else "is not described yet"
        return (
            f"The request {state}. Nothing was called: no call of Aire Networks is known that "
            "would prove the credentials. Send a text to see whether it takes them."
        )


ADAPTER = AireNetworks

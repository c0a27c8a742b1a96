"""The texts of a machine that receives, and how three providers post them.

One posts several in one request, one cuts a long text into numbered pieces, one posts the words
and the picture of a message apart.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from portal.models import DID, Tenant, Trunk
from providers.contract import WebhookRequest
from tests import factories, fakes

REMOTES = ("+16175550188", "+16175550189")
VONAGE = {"api_key": "ab12cd34", "api_secret": "s"}
VOICEMEUP = {"username": "u", "auth_token": "0123456789abcdef0123456789abcdef"}
HALVES_AT = "2026-03-02 12:00:14"

Key = tuple[str, str]  # the provider's id, and our number


@dataclass(frozen=True)
class Text:
    """One text, or one piece of one, as its provider knows it."""

    ident: str
    to: tuple[str, ...]  # the names of our numbers
    words: str
    remote: str = REMOTES[0]
    # What it is a piece of, and its place there.
    whole: str = ""
    place: int = 0


BATCHED = (
    Text("s0", ("first",), "Hello"),
    Text("s1", ("first",), "STOP"),
    Text("s2", ("first",), "START"),
    Text("s3", ("first",), "Hello", remote=REMOTES[1]),
    Text("s4", ("second",), "Another"),
    Text("s5", ("first", "second"), "To both"),
)
LONG = ("Once ", "upon a ", "time.")
PIECES = (
    *[Text(f"1A{n}", ("pieces",), LONG[n - 1], whole="long", place=n) for n in (1, 2, 3)],
    Text("h1", ("halves",), "STOP", whole="picture", place=1),
    Text("h2", ("halves",), "", whole="picture", place=2),
    Text("h3", ("halves",), "START"),
)
ALL = {text.ident: text for text in (*BATCHED, *PIECES)}


class Lines:
    """Two tenants, one trunk that they share, and two trunks of the first tenant."""

    def __init__(self) -> None:
        shared = factories.TrunkFactory(tenant=None)
        first = factories.TenantFactory(auto_reply="Thank you, we read this soon.")
        second = factories.TenantFactory()
        vonage = factories.TrunkFactory(tenant=first, provider="vonage", credentials=VONAGE)
        halves = factories.TrunkFactory(tenant=first, provider="voicemeup", credentials=VOICEMEUP)
        self.dids: dict[str, DID] = {
            "first": _line(first, shared),
            "second": _line(second, shared),
            "pieces": _line(first, vonage),
            "halves": _line(first, halves),
        }

    def keys(self, text: Text) -> list[Key]:
        """Return what tells the messages, or pieces, that a text makes from all others."""
        return [(text.ident, number) for number in sorted(self.dids[to].number for to in text.to)]

    def batch(self, items: Sequence[Text | str]) -> WebhookRequest:
        """Return one request with several texts; what is a word is nonsense."""
        rows = [item if isinstance(item, str) else self._row(item) for item in items]
        return fakes.webhook(self.dids["first"].trunk, *rows)

    def piece(self, text: Text) -> WebhookRequest:
        """Return the request that brings one text that may be a piece."""
        did = self.dids[text.to[0]]
        body = self._half(text) if text.to == ("halves",) else self._part(text)
        return fakes.unsigned(did.trunk, json.dumps(body).encode())

    def _row(self, text: Text) -> dict[str, object]:
        numbers = [self.dids[to].number for to in text.to]
        return fakes.text(numbers, text.words, sender=text.remote, id=text.ident)

    def _part(self, text: Text) -> dict[str, str]:
        return {
            "api-key": VONAGE["api_key"],
            "msisdn": text.remote.removeprefix("+"),
            "to": self.dids["pieces"].number.removeprefix("+"),
            "messageId": text.ident,
            "concat": "true",
            "concat-ref": "17",
            "concat-total": str(len(LONG)),
            "concat-part": str(text.place),
            "text": text.words,
            "type": "text",
            "message-timestamp": HALVES_AT,
        }

    def _half(self, text: Text) -> dict[str, str]:
        row = {
            "sms_hash": text.ident,
            "direction": "inbound",
            "source_number": text.remote.removeprefix("+"),
            "destination_number": self.dids["halves"].number.removeprefix("+"),
            "datetime_transmission": HALVES_AT,
            "message": text.words,
        }
        if not text.whole:
            return row
        kind, end = ("text/html", "html") if text.words else ("image/jpeg", "jpg")
        page = f"https://clients.voicemeup.com/file/{text.ident}.mms.{end}"
        return row | {"attachment": page, "attachment_mime_type": kind}


def _line(tenant: Tenant, trunk: Trunk) -> DID:
    did: DID = factories.DIDFactory(tenant=tenant, trunk=trunk)
    extension = factories.ExtensionFactory(tenant=tenant)
    factories.CallerIDFactory(did=did, extension=extension)
    factories.route(did, to=extension)
    return did

"""Requests made ready before the clock starts: signed webhooks, and texts for the API.

Every message carries a key of eight digits in its text, by which the far side counts it.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

KEY = re.compile(rb"bench-(\d{8})")
# Numbers of one area code that a person could have: the exchange begins with 2 to 9.
FIRST, NUMBERS = 2_000_000, 7_999_999
ACCOUNT = "AC" + "5e" * 16


@dataclass(frozen=True)
class Line:
    """One way in and out: a trunk with its DID, and the extension behind it."""

    webhook_path: str
    secret: str
    did: str
    extension: str


@dataclass(frozen=True)
class Mail:
    """What the requests of one installation have in common.

    ``people`` is how many write and are written to; with 0 everybody does so once.
    """

    url: str
    token: str
    lines: Sequence[Line]
    salt: int
    people: int = 0

    @property
    def host(self) -> str:
        """The installation as a Host header names it."""
        return self.url.removeprefix("http://")

    def remote(self, key: int) -> str:
        """Return the person at the other end of a message."""
        return f"+1212{FIRST + (key % self.people if self.people else key) % NUMBERS}"

    def line(self, key: int) -> Line:
        """Return the line that a message takes."""
        return self.lines[key % len(self.lines)]

    def webhooks(self, keys: Iterable[int]) -> list[bytes]:
        """Return one signed webhook for each message, as Twilio posts it."""
        return [self._text_from_outside(key) for key in keys]

    def _text_from_outside(self, key: int) -> bytes:
        line, sid = self.line(key), f"SM{self.salt:016x}{key:016x}"
        fields = {
            "ToCountry": "US", "ToState": "NY", "ToCity": "NEW YORK", "ToZip": "10001",
            "FromCountry": "US", "FromState": "NY", "FromCity": "", "FromZip": "",
            "SmsMessageSid": sid, "SmsSid": sid, "MessageSid": sid, "SmsStatus": "received",
            "NumMedia": "0", "NumSegments": "1", "AccountSid": ACCOUNT, "ApiVersion": "2010-04-01",
            "From": self.remote(key), "To": f"+{line.did}",
            "Body": f"May I pick up parcel bench-{key:08d} today?",
        }  # fmt: skip
        return self.webhook(line, fields)

    def webhook(self, line: Line, fields: dict[str, str]) -> bytes:
        """Return a form for a line's webhook, signed as Twilio signs it."""
        signed = f"{self.url}{line.webhook_path}" + "".join(
            name + fields[name] for name in sorted(fields)
        )
        proof = hmac.new(line.secret.encode(), signed.encode(), hashlib.sha1).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": base64.b64encode(proof).decode(),
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        return self._post(line.webhook_path, headers, urlencode(fields).encode())

    def texts(self, keys: Iterable[int]) -> list[bytes]:
        """Return one request to send for each message, with an intention of its own."""
        return [self._text(key) for key in keys]

    def _text(self, key: int) -> bytes:
        body = {
            "extension": self.line(key).extension,
            "to": self.remote(key),
            "text": f"Your parcel bench-{key:08d} is ready.",
        }
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": f"{self.salt:x}-{key}",
            "Accept": "application/json",
        }
        return self._post("/api/v1/messages", headers, json.dumps(body).encode())

    def _post(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        lines = [f"POST {path} HTTP/1.1", f"Host: {self.host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body

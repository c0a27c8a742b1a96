"""Requests as the providers make them, signed by independent means."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.journeys.conftest import TELNYX_SEED, TWILIO_ACCOUNT, TWILIO_SECRET
from tests.web import Answer, call

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def questblue_text(url: str, text: str, *, sender: str = "12025550199") -> Answer:
    """Post an inbound text as QuestBlue does: JSON, no id, no signature."""
    body = {
        "from": sender,
        "to": ["12172074422"],
        "text": text,
        "media": [],
        "segments": "1",
        "type": "SMS",
    }
    return call("POST", url, json.dumps(body).encode(), JSON)


def questblue_receipt(url: str, recipient: str, status: str) -> Answer:
    """Post a receipt as QuestBlue does: the pair of numbers is all it says."""
    body = {
        "from": "12172074422",
        "to": recipient,
        "status": status,
        "reason": "",
        "segments": "1",
    }
    return call("POST", url, json.dumps(body).encode(), JSON)


def twilio(url: str, fields: dict[str, str], *, secret: str = TWILIO_SECRET) -> Answer:
    """Post a form with the HMAC that Twilio computes over URL and fields."""
    body = urlencode({"AccountSid": TWILIO_ACCOUNT, "ApiVersion": "2010-04-01"} | fields).encode()
    return twilio_signed(url, body, secret=secret)


def twilio_signed(url: str, body: bytes, *, secret: str = TWILIO_SECRET) -> Answer:
    """Post a form's bytes with their signature."""
    pairs = sorted(parse_qsl(body.decode(), keep_blank_values=True))
    base = url + "".join(name + value for name, value in pairs)
    signature = hmac.new(secret.encode(), base.encode(), hashlib.sha1).digest()
    return call(
        "POST", url, body, FORM | {"X-Twilio-Signature": base64.b64encode(signature).decode()}
    )


def twilio_text(
    url: str, sid: str, text: str, *, secret: str = TWILIO_SECRET, to: str = "+12025550123"
) -> Answer:
    """Post an inbound text as Twilio does."""
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "From": "+16175550188",
        "To": to,
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
    }
    return twilio(url, fields, secret=secret)


def telnyx(url: str, event_type: str, payload: dict[str, object]) -> Answer:
    """Post an event with the Ed25519 signature that Telnyx makes."""
    data = {"event_type": event_type, "id": f"event-{payload['id']}", "payload": payload}
    body = json.dumps({"data": data | {"record_type": "event"}}).encode()
    return call("POST", url, body, JSON | telnyx_signature(body))


def telnyx_signature(body: bytes) -> dict[str, str]:
    """Return the headers that prove a body to be Telnyx's."""
    stamp = str(int(time.time()))
    key = Ed25519PrivateKey.from_private_bytes(TELNYX_SEED)
    signature = base64.b64encode(key.sign(stamp.encode() + b"|" + body)).decode()
    return {"telnyx-signature-ed25519": signature, "telnyx-timestamp": stamp}

"""What the pretended carrier says in the sandbox protocol, signed with the trunk's secret."""

import hmac
import json
import time
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.models import Trunk
from sms.models import HandsetMessage


def owed(message: HandsetMessage) -> dict[str, Any]:
    """Return the next post of this message as a request that is ready to be made."""
    step = message.todo[0]
    event = _text(message) if step == HandsetMessage.Step.MESSAGE else _receipt(message, step)
    path = f"/webhooks/{message.trunk.webhook_token}/"
    if message.status_query and step != HandsetMessage.Step.MESSAGE:
        path = f"{path}?{message.status_query}"
    body = json.dumps({"events": [event]}, ensure_ascii=False)
    return {
        "id": message.pk,
        "step": step,
        "copies": message.copies,
        "path": path,
        "headers": {"Content-Type": "application/json", **_signature(message.trunk, body)},
        "body": body,
    }


def file_url(key: str) -> str:
    """Return where a worker finds a picture of the phone."""
    return f"{settings.SANDBOX_URL}/media/{key}"


def _text(message: HandsetMessage) -> dict[str, Any]:
    return {
        "type": "message",
        "id": message.key.hex,
        "from": message.phone,
        "to": [message.our_number, *message.others],
        "text": message.text,
        "media": [file_url(key) for key in message.media],
        "at": message.created_at.isoformat(),
    }


def _receipt(message: HandsetMessage, status: str) -> dict[str, Any]:
    one_of_a_group = {"to": message.phone} if message.others else {}
    return {
        "type": "status",
        **one_of_a_group,
        "id": message.key.hex,
        "reference": message.reference,
        "status": status,
        "at": timezone.now().isoformat(),
    }


def _signature(trunk: Trunk, body: str) -> dict[str, str]:
    timestamp = str(int(time.time()))
    secret = str(trunk.credentials.get("secret", ""))
    digest = hmac.digest(secret.encode(), f"{timestamp}.{body}".encode(), "sha256")
    return {"X-Sandbox-Timestamp": timestamp, "X-Sandbox-Signature": digest.hex()}

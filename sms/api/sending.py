"""The hot path of the API: plain texts in and out without the cost of a serializer.

Whatever is not plain goes through the serializers, which also make the complaints.
"""

from typing import Any

from sms.api.door import Door
from sms.api.serializers import MAX_TEXT, MessageShape, NewMessage, body_of
from sms.models import Message

LIMITS = {"to": 255, "from": 40, "text": MAX_TEXT, "extension": 10}


def read(door: Door) -> dict[str, Any]:
    """Return the body of a new message, checked."""
    data = door.request.data
    if not isinstance(data, dict) or not all(map(_is_plain, data, data.values())):
        return body_of(NewMessage, door)
    return {name: value if name == "text" else value.strip() for name, value in data.items()}


def _is_plain(name: object, value: object) -> bool:
    limit = LIMITS.get(name) if isinstance(name, str) else None
    if limit is None or not isinstance(value, str):
        return False
    return len(value) <= limit and "\x00" not in value


def write(message: Message, *, has_media: bool) -> dict[str, Any]:
    """Return a message as ``MessageShape`` would."""
    if has_media or message.replayed:
        return dict(MessageShape(message).data)
    writer = message.extension
    author = {"number": writer.number, "name": writer.name} if writer else None
    return {
        "id": message.pk,
        "reference": str(message.reference),
        "conversation": message.conversation_id,
        "direction": message.direction,
        "state": message.state,
        "from": message.sender,
        "to": message.recipient,
        "text": message.text,
        "segments": message.segments,
        "encoding": message.encoding,
        "provider_id": message.provider_id,
        "error": message.error,
        "error_code": message.error_code,
        "advice": "",
        "created_at": message.created_at.isoformat().replace("+00:00", "Z"),
        "extension": writer.number if writer else None,
        "author": author,
        "automatic": message.is_automatic,
        "media": [],
        "mentions": [],
    }

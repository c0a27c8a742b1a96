"""Joins the pieces of a message that arrive in several requests.

Nothing is held back: the first piece makes the message, each later one completes it where it
stands. So nothing waits for a piece that never comes.
"""

import hashlib
import json
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Exists, Q

from portal.models import DID, Trunk
from providers.contract import InboundMessage, Piece
from sms import segments
from sms.models import Conversation, InboundPiece, Message, ProviderEvent

# Providers count what pieces share in one or two bytes: later the same key is another message.
WINDOW = timedelta(minutes=15)
MISSING = " … "


def key_of(trunk: Trunk, did: DID, text: InboundMessage, piece: Piece) -> str:
    """Return what all pieces of one message have in common, and no others on this trunk."""
    shared = [trunk.pk, did.number, text.sender, piece.key]
    return hashlib.sha256(json.dumps(shared).encode()).hexdigest()


def hold(key: str) -> None:
    """Let one worker at a time deal with a key, until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(key[:15], 16)])


def is_known(key: str, provider_id: str) -> bool:
    """Say whether this very piece was here before."""
    return InboundPiece.objects.filter(key=key, provider_id=provider_id).exists()


def begun(key: str, piece: Piece, event: ProviderEvent) -> Message | None:
    """Return the message that the piece completes, None if it is the first of one."""
    recent = InboundPiece.objects.filter(key=key, received_at__gt=event.received_at - WINDOW)
    last = recent.select_related("message__conversation").order_by("-id").first()
    if last is None:
        return None
    taken = recent.filter(message_id=last.message_id, index=piece.index)
    # A place that is filled already begins a new message; where the provider numbers nothing,
    # several pieces may share a place.
    return None if piece.total and taken.exists() else last.message


def add(
    message: Message, *, key: str, provider_id: str, text: InboundMessage, received_at: datetime
) -> None:
    """Note a piece of a message; ``complete`` writes what the pieces come to."""
    if text.piece is None:
        raise ValueError("a text that is whole has no piece")
    InboundPiece.objects.create(
        tenant_id=message.tenant_id,
        message=message,
        key=key,
        provider_id=provider_id,
        index=text.piece.index,
        total=text.piece.total,
        text=text.text,
        received_at=received_at,
    )


def complete(message: Message) -> None:
    """Write the text of all pieces that are there into the message, gaps marked."""
    message.text = joined(list(message.pieces.values_list("index", "total", "text")))
    measure = segments.measure(message.text)
    message.encoding, message.segments = measure.encoding, measure.segments
    message.save(update_fields=["text", "encoding", "segments"])
    # The automatic reply to the first piece is no news in its thread.
    automatic = Q(direction=Message.Direction.OUTBOUND, extension=None)
    later = Message.objects.filter(conversation_id=message.conversation_id, pk__gt=message.pk)
    newer = later.exclude(automatic)
    thread = Conversation.objects.filter(~Exists(newer), pk=message.conversation_id)
    thread.update(last_text=message.text[:120])


def joined(pieces: list[tuple[int, int, str]]) -> str:
    """Return the text of pieces (index, total, text) in their order; a gap shows as an ellipsis."""
    total = max((of for _index, of, _text in pieces), default=0)
    if not total:
        return "\n".join(text for _index, _of, text in sorted(pieces) if text)
    texts = {index: text for index, _of, text in pieces}
    places = [texts.get(index, MISSING) for index in range(1, max(total, *texts) + 1)]
    return "".join(places).strip() if MISSING in places else "".join(places)

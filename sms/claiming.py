"""Takes messages that are due for sending: in order, no more than asked, each by one worker."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import prefetch_related_objects
from django.utils import timezone

from portal.models import Trunk
from sms import switchboard
from sms.models import Conversation, MediaFile, Message, OptOut, State, transition

_CLAIM = """
WITH moved AS (
    UPDATE sms_message m SET state = 'sending', claimed_at = %(now)s, tries = tries + 1,
           history = history || %(line)s::jsonb
    -- An array and not IN: a join might run the SELECT more than once and claim beyond its limit.
     WHERE m.id = ANY(ARRAY(
        SELECT m.id FROM sms_message m
        WHERE m.trunk_id = %(trunk)s AND m.state = 'queued' AND m.due_at <= %(now)s
          {only}
          -- Order within a conversation: nothing overtakes an older message that is on its way or
          -- could be; one that has to wait lets the others pass.
          AND (
            SELECT e.id FROM sms_message e
            WHERE e.conversation_id = m.conversation_id AND e.id < m.id
              AND e.trunk_id = m.trunk_id AND e.state IN ('queued', 'sending')
              AND (e.state = 'sending' OR e.due_at <= %(now)s) LIMIT 1) IS NULL
        ORDER BY m.lane, m.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING m.*
)
SELECT {columns},
       (SELECT f.id FROM sms_mediafile f WHERE f.message_id = m.id LIMIT 1) IS NOT NULL,
       (SELECT o.id FROM sms_optout o
         WHERE o.tenant_id = m.tenant_id AND o.our_number IN ('', m.sender)
           AND o.remote = ANY(string_to_array(m.recipient, ';')) AND o.lifted_at IS NULL
         LIMIT 1)
-- With a LIMIT of its own a look-up is made row by row, however many rows the planner expects:
-- never as a join over a whole table.
  FROM moved m, LATERAL (SELECT * FROM sms_conversation c WHERE c.id = m.conversation_id LIMIT 1) c
"""


# What sending asks for, in the order of the models; anything else would be a query of its own.
_FIELDS = [
    *("id", "tenant_id", "trunk_id", "conversation_id", "extension_id", "direction", "sender"),
    *("recipient", "text", "state", "reference", "client_key", "lane", "deadline", "claimed_at"),
    *("tries", "in_doubt"),
]
_THREAD_FIELDS = [
    *("id", "tenant_id", "trunk_id", "our_number", "remote", "extension_id", "peer_id", "group_id"),
]
_COLUMNS = ", ".join(f"m.{name}" for name in _FIELDS)
_THREAD_COLUMNS = ", ".join(f"c.{name}" for name in _THREAD_FIELDS)
_ANY = _CLAIM.format(only="", columns=f"{_COLUMNS}, {_THREAD_COLUMNS}")
_OF_ONE_SENDER = _CLAIM.format(
    only="AND m.sender = %(sender)s", columns=f"{_COLUMNS}, {_THREAD_COLUMNS}"
)


def rows(trunk: Trunk, limit: int, sender: str = "") -> list[Message]:
    """Move at most ``limit`` due messages of a trunk to SENDING, and return them in their order.

    With a sender only those from it. They come with what sending needs of their trunk, extension,
    conversation, files and opt-outs.
    """
    now = timezone.now()
    line = json.dumps([transition(State.SENDING, at=now)])
    values: dict[str, Any] = {"trunk": trunk.pk, "limit": limit, "now": now, "line": line}
    values["sender"] = sender
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE_SENDER if sender else _ANY, values)
        claimed = [_message(row, trunk) for row in cursor.fetchall()]
    claimed.sort(key=lambda row: (row.lane, row.pk))
    with_media = [message for message in claimed if _told(message, "has_media")]
    if with_media:
        prefetch_related_objects(with_media, "media")
    return claimed


def _message(row: Sequence[Any], trunk: Trunk) -> Message:
    """Return the message of a claimed row, with its thread as far as sending needs it."""
    own, thread = row[: len(_FIELDS)], row[len(_FIELDS) : -2]
    message = Message.from_db("default", _FIELDS, own)
    message.trunk = trunk
    message.conversation = Conversation.from_db("default", _THREAD_FIELDS, thread)
    if message.extension_id:
        message.extension = switchboard.extension(message.extension_id)
    vars(message).update(has_media=row[-2], stopped_by=row[-1])
    return message


def _told(message: Message, name: str) -> Any:
    """Return what the claim told of a message beside its own columns."""
    return vars(message)[name]


def opt_out(message: Message) -> OptOut | None:
    """Return what forbids sending a claimed message to one of its recipients, if anything does."""
    found = _told(message, "stopped_by")
    return OptOut.objects.filter(pk=found).first() if found else None


def files(message: Message) -> Iterable[MediaFile]:
    """Return the files of a claimed message."""
    return message.media.all() if _told(message, "has_media") else ()

"""Takes messages that are due for sending: in order, no more than asked, each by one worker."""

import json
from collections.abc import Iterable
from typing import Any

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
SELECT m.*, c.our_number AS thread_our_number, c.remote AS thread_remote,
       c.trunk_id AS thread_trunk, c.extension_id AS thread_extension, c.group_id AS thread_group,
       (SELECT f.id FROM sms_mediafile f
         WHERE f.message_id = m.id LIMIT 1) IS NOT NULL AS has_media,
       (SELECT o.id FROM sms_optout o
         WHERE o.tenant_id = m.tenant_id AND o.our_number IN ('', m.sender)
           AND o.remote = ANY(string_to_array(m.recipient, ';')) AND o.lifted_at IS NULL
         LIMIT 1) AS stopped_by
-- With a LIMIT of its own a look-up is made row by row, however many rows the planner expects:
-- never as a join over a whole table.
  FROM moved m, LATERAL (SELECT * FROM sms_conversation c WHERE c.id = m.conversation_id LIMIT 1) c
"""


_ANY = _CLAIM.format(only="")
_OF_ONE_SENDER = _CLAIM.format(only="AND m.sender = %(sender)s")


def rows(trunk: Trunk, limit: int, sender: str = "") -> list[Message]:
    """Move at most ``limit`` due messages of a trunk to SENDING, and return them in their order.

    With a sender only those from it. They come with what sending needs of their trunk, extension,
    conversation, files and opt-outs.
    """
    now = timezone.now()
    line = json.dumps([transition(State.SENDING, at=now)])
    values = {"trunk": trunk.pk, "limit": limit, "now": now, "line": line, "sender": sender}
    found = Message.objects.raw(_OF_ONE_SENDER if sender else _ANY, values)
    claimed = sorted(found, key=lambda row: (row.lane, row.pk))
    for message in claimed:
        message.trunk = trunk
        message.conversation = _thread(message)
        if message.extension_id:
            message.extension = switchboard.extension(message.extension_id)
    with_media = [message for message in claimed if _told(message, "has_media")]
    if with_media:
        prefetch_related_objects(with_media, "media")
    return claimed


def _told(message: Message, name: str) -> Any:
    """Return what the claim told of a message beside its own columns."""
    return vars(message)[name]


def _thread(message: Message) -> Conversation:
    """Return the conversation, as far as sending needs it."""
    return Conversation(
        pk=message.conversation_id,
        tenant_id=message.tenant_id,
        our_number=_told(message, "thread_our_number"),
        remote=_told(message, "thread_remote"),
        trunk_id=_told(message, "thread_trunk"),
        extension_id=_told(message, "thread_extension"),
        group_id=_told(message, "thread_group"),
    )


def opt_out(message: Message) -> OptOut | None:
    """Return what forbids sending a claimed message to one of its recipients, if anything does."""
    found = _told(message, "stopped_by")
    return OptOut.objects.filter(pk=found).first() if found else None


def files(message: Message) -> Iterable[MediaFile]:
    """Return the files of a claimed message."""
    return message.media.all() if _told(message, "has_media") else ()

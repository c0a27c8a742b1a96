"""Puts new messages into their threads, many of them in one statement.

The statement sees what makes a message no new one (a repeated key, a provider's id that is there
already, an opt-out), makes or reopens the threads, keeps the rest, and says what became of each.
Two writers with the same message: the constraints let one in, the other keeps nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from sms.models import Conversation, Message

_PLACE = """
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%s::json) AS g (
        place int, tenant_id bigint, trunk_id bigint, conversation_id bigint, extension_id bigint,
        direction text, sender text, recipient text, text text, encoding text, segments int,
        state text, provider_id text, reference uuid, client_key text, client_digest text,
        history jsonb, lane int, due_at timestamptz, deadline timestamptz, event_id bigint,
        created_at timestamptz, our_number text, remote text, owner_key text, owner_id bigint,
        group_id bigint, last_message_at timestamptz)
), judged AS MATERIALIZED (
    -- Each asked for by an index, row by row: never planned as a join over whole tables.
    SELECT g.*,
        CASE g.direction
        WHEN 'inbound' THEN (
            SELECT m.id FROM sms_message m
             WHERE m.trunk_id = g.trunk_id AND m.provider_id = g.provider_id
               AND m.recipient = g.recipient AND m.direction = 'inbound' LIMIT 1)
        ELSE (
            SELECT m.id FROM sms_message m
             WHERE m.extension_id = g.extension_id AND m.client_key = g.client_key
               AND m.client_key <> '' LIMIT 1)
        END AS repeats,
        CASE g.direction
        WHEN 'outbound' THEN (
            SELECT o.id FROM sms_optout o
             WHERE o.tenant_id = g.tenant_id AND o.our_number IN ('', g.our_number)
               AND o.remote = ANY(string_to_array(g.remote, ';')) AND o.lifted_at IS NULL LIMIT 1)
        END AS stopped_by
      FROM given g
), new AS MATERIALIZED (
    SELECT * FROM judged WHERE repeats IS NULL AND stopped_by IS NULL
), thread AS (
    -- In one order everywhere, so that two writers do not wait for each other.
    INSERT INTO sms_conversation AS c (tenant_id, kind, trunk_id, our_number, remote, extension_id,
        group_id, owner_key, last_message_at, last_text)
    SELECT DISTINCT ON (tenant_id, our_number, remote, owner_key) tenant_id, 'external', trunk_id,
        our_number, remote, owner_id, group_id, owner_key, last_message_at, left(text, 120)
      FROM new WHERE conversation_id IS NULL
     ORDER BY tenant_id, our_number, remote, owner_key, place DESC
    ON CONFLICT (tenant_id, our_number, remote, owner_key) DO UPDATE
       SET trunk_id = excluded.trunk_id, last_message_at = excluded.last_message_at,
           last_text = excluded.last_text, closed_at = NULL
    RETURNING c.id, c.tenant_id, c.our_number, c.remote, c.owner_key
), reopened AS (
    UPDATE sms_conversation c
       SET last_message_at = n.last_message_at, last_text = left(n.text, 120), closed_at = NULL,
           -- Who wrote back owes nobody an answer any more; an automatic reply has no author.
           answer_by = CASE WHEN n.extension_id IS NULL THEN c.answer_by END
      FROM (SELECT DISTINCT ON (conversation_id) * FROM new WHERE conversation_id IS NOT NULL
             ORDER BY conversation_id, place DESC) n
     WHERE c.id = n.conversation_id
       -- By the ids, however many rows the planner expects.
       AND c.id = ANY(ARRAY(SELECT conversation_id FROM new WHERE conversation_id IS NOT NULL))
), kept AS (
    INSERT INTO sms_message AS m (tenant_id, trunk_id, conversation_id, extension_id, direction,
        sender, recipient, text, encoding, segments, state, provider_id, reference, client_key,
        client_digest, error_code, error, history, lane, due_at, deadline, tries, event_id,
        created_at)
    SELECT n.tenant_id, n.trunk_id, coalesce(n.conversation_id, t.id), n.extension_id, n.direction,
        n.sender, n.recipient, n.text, n.encoding, n.segments, n.state, n.provider_id, n.reference,
        n.client_key, n.client_digest, '', '', n.history, n.lane, n.due_at, n.deadline, 0,
        n.event_id, n.created_at
      FROM new n LEFT JOIN thread t
        ON (t.tenant_id, t.our_number, t.remote, t.owner_key)
         = (n.tenant_id, n.our_number, n.remote, n.owner_key) AND n.conversation_id IS NULL
     ORDER BY n.place
    ON CONFLICT DO NOTHING
    RETURNING m.id, m.reference, m.conversation_id
)
SELECT k.id, k.conversation_id, j.repeats, j.stopped_by
  FROM judged j LEFT JOIN kept k ON k.reference = j.reference
 ORDER BY j.place
"""


@dataclass(frozen=True)
class Entry:
    """An unsaved message, and its thread: one that is there, or what it is to be."""

    message: Message
    thread: Conversation


@dataclass(frozen=True)
class Verdict:
    """What became of a message: it was kept, or it repeats one, or an opt-out forbids it.

    None of the three means that somebody else kept the same one at this moment.
    """

    kept: bool
    repeats: int | None
    stopped_by: int | None


def place(entries: Sequence[Entry]) -> list[Verdict]:
    """Keep messages that are new and allowed; those get their ids, their threads too."""
    rows = [_row(index, entry) for index, entry in enumerate(entries)]
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, [json.dumps(rows)])
        answers = cursor.fetchall()
    verdicts = []
    for entry, (message_id, thread_id, repeats, stopped_by) in zip(entries, answers, strict=True):
        if message_id is not None:
            entry.message.pk, entry.thread.pk = message_id, thread_id
            entry.message.conversation = entry.thread
        verdicts.append(
            Verdict(kept=message_id is not None, repeats=repeats, stopped_by=stopped_by)
        )
    return verdicts


def _row(index: int, entry: Entry) -> dict[str, Any]:
    message, thread = entry.message, entry.thread
    return {
        "place": index,
        "tenant_id": message.tenant_id,
        "trunk_id": message.trunk_id,
        "conversation_id": thread.pk,
        "extension_id": message.extension_id,
        "direction": message.direction,
        "sender": message.sender,
        "recipient": message.recipient,
        "text": message.text,
        "encoding": message.encoding,
        "segments": message.segments,
        "state": message.state,
        "provider_id": message.provider_id,
        "reference": message.reference.hex,
        "client_key": message.client_key,
        "client_digest": message.client_digest,
        "history": message.history,
        "lane": message.lane,
        "due_at": message.due_at.isoformat(),
        "deadline": message.deadline.isoformat() if message.deadline else None,
        "event_id": message.event_id,
        "created_at": message.created_at.isoformat(),
        "our_number": thread.our_number,
        "remote": thread.remote,
        "owner_key": thread.owner_key,
        "owner_id": thread.extension_id,
        "group_id": thread.group_id,
        "last_message_at": thread.last_message_at.isoformat(),
    }

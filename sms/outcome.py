"""What one call to a provider came to, and what that does to its message and its trunk."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from portal.models import Trunk
from providers.abilities import PollsReceipts
from providers.contract import SendResult
from providers.errors import (
    CredentialsRefused,
    Rejected,
    SendError,
    Throttled,
    Unavailable,
    Unconfirmed,
)
from sms import bell, switchboard, unsent
from sms.models import Attempt, Message, SentPart, State, sources, transition

log = logging.getLogger(__name__)

NOTICEABLE = timedelta(seconds=1)
# How soon a provider that posts no receipts is asked for one.
FIRST_POLL = timedelta(minutes=1)
# A provider that asks for more patience than this is asked again all the same.
LONGEST_WAIT = 3600.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One call: when, and the provider's answer or one of the five errors."""

    message: Message
    started_at: datetime
    ended_at: datetime
    result: SendResult | SendError


def settle(outcomes: Sequence[Outcome]) -> None:
    """Write what the calls came to, all in one short transaction.

    One that cannot be written, because its message was deleted meanwhile, costs only itself.
    Without a database nothing is written (``OperationalError``): the caller keeps them and comes
    again.
    """
    if not outcomes:
        return
    try:
        _settle_all(outcomes)
    except OperationalError:
        raise
    except DatabaseError:
        if len(outcomes) == 1:
            log.exception("outcome.lost message=%s", outcomes[0].message.pk)
            return
        for outcome in outcomes:
            settle([outcome])


def _settle_all(outcomes: Sequence[Outcome]) -> None:
    _mark_trunks(outcomes)
    if all(isinstance(outcome.result, SendResult) for outcome in outcomes):
        # The usual case is one statement, which commits by itself.
        others = _write(outcomes)
    else:
        with transaction.atomic(durable=True):
            others = _write(outcomes)
            for outcome in others:
                _settle(outcome)
            others = []
    for outcome in others:
        _settle(outcome)
    bell.tell_all([_news(outcome.message) for outcome in outcomes])


_WRITE = """
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%(rows)s::json) AS g (
        id bigint, tenant_id bigint, trunk_id bigint, started_at timestamptz,
        ended_at timestamptz, outcome text, code text, detail text, request text, response text,
        provider_id text, segments int, poll_at timestamptz)
), told AS (
    INSERT INTO sms_attempt (message_id, tenant_id, trunk_id, started_at, ended_at, outcome, code,
        detail, request, response)
    SELECT id, tenant_id, trunk_id, started_at, ended_at, outcome, code, detail, request, response
      FROM given g
)
UPDATE sms_message m
   SET state = 'accepted', provider_id = g.provider_id, error = '', error_code = '',
       segments = CASE WHEN g.segments > 0 THEN g.segments ELSE m.segments END,
       poll_at = g.poll_at, history = m.history || %(line)s::jsonb
  FROM given g
 WHERE m.id = g.id AND g.outcome = 'accepted' AND m.state = ANY(%(sources)s)
RETURNING m.id
"""


def _write(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Keep all attempts, and move all messages that were taken; return the other outcomes."""
    for outcome in outcomes:
        if isinstance(outcome.result, SendResult):
            _keep_parts(outcome.message, outcome.result.part_ids)
    values: dict[str, Any] = {
        "rows": json.dumps([_row(outcome) for outcome in outcomes]),
        "sources": [str(state) for state in sources(State.ACCEPTED)],
        "line": json.dumps([transition(State.ACCEPTED)]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, values)
        moved = {row[0] for row in cursor.fetchall()}
    return [outcome for outcome in outcomes if outcome.message.pk not in moved]


def _row(outcome: Outcome) -> dict[str, Any]:
    message, result = outcome.message, outcome.result
    error = result if isinstance(result, SendError) else None
    taken = result if isinstance(result, SendResult) else None
    poll_at = _poll_at(message) if taken else None
    return {
        "id": message.pk,
        "tenant_id": message.tenant_id,
        "trunk_id": message.trunk_id,
        "started_at": outcome.started_at.isoformat(),
        "ended_at": outcome.ended_at.isoformat(),
        "outcome": _OUTCOMES[type(result)],
        "code": error.code[:64] if error else "",
        "detail": str(error)[:500] if error else "",
        "request": result.request,
        "response": result.response,
        "provider_id": taken.provider_id[:128] if taken else "",
        "segments": taken.segments if taken else 0,
        "poll_at": poll_at.isoformat() if poll_at else None,
    }


class _Marks:
    """When this process last noted that a trunk sends: a moment more or less needs no write."""

    def __init__(self) -> None:
        self._at: dict[int, datetime] = {}

    def is_due(self, trunk_id: int, now: datetime) -> bool:
        """Say whether it is to be noted again, and remember that it was."""
        last = self._at.get(trunk_id)
        if last is not None and abs(now - last) <= NOTICEABLE:
            return False
        self._at[trunk_id] = now
        return True


_marks = _Marks()


def _mark_trunks(outcomes: Sequence[Outcome]) -> None:
    now = timezone.now()
    for trunk_id in {outcome.message.trunk_id or 0 for outcome in outcomes}:
        if _marks.is_due(trunk_id, now):
            Trunk.objects.filter(pk=trunk_id).update(last_send_at=now)


def _settle(outcome: Outcome) -> None:
    message, result = outcome.message, outcome.result
    # A claim that was taken over belongs to another call, which this outcome says nothing about.
    own = Message.objects.filter(pk=message.pk, claimed_at=message.claimed_at)
    why: dict[str, Any] = {"note": str(result), "error": str(result)[:500]}
    match result:
        case SendResult():
            _accepted_late(message, result)
        case Rejected():
            own.move(State.FAILED, error_code=result.code[:64], **why)
        case CredentialsRefused():
            unsent.pause_trunk(message.trunk_id, str(result))
            own.move(State.QUEUED, **why)
        case Throttled():
            asked = min(result.retry_after or 0.0, LONGEST_WAIT)
            unsent.again(own, message.tries, result, at_least=asked)
            unsent.hold_others(message, result.limit, asked)
        case Unavailable():
            unsent.again(own, message.tries, result)
        case _ if message.trunk and message.trunk.capable.capabilities.idempotent_send:
            # The provider drops a repeated reference, so asking again cannot send twice.
            unsent.again(own, message.tries, result, in_doubt=True)
        case _:
            own.move(State.UNCONFIRMED, error_code=result.code[:64], **why)


def _accepted_late(message: Message, result: SendResult) -> None:
    """A receipt overtook the answer: its state stands, the id is still worth having."""
    row = Message.objects.filter(pk=message.pk)
    row.filter(provider_id="").update(provider_id=result.provider_id[:128])
    row.remark(State.ACCEPTED)


def _keep_parts(message: Message, ids: Sequence[str]) -> None:
    """Note the ids of parts, so that a receipt for one of them finds its message."""
    if message.trunk is None:
        return
    parts = [
        SentPart(
            tenant_id=message.tenant_id,
            message=message,
            trunk=message.trunk,
            provider_id=ident[:128],
        )
        for ident in ids
    ]
    if parts:
        SentPart.objects.bulk_create(parts, ignore_conflicts=True)


def _poll_at(message: Message) -> datetime | None:
    """Return when to ask for the receipt, None where the provider posts it by itself."""
    polled = message.trunk and issubclass(message.trunk.capable, PollsReceipts)
    return timezone.now() + FIRST_POLL if polled else None


_OUTCOMES = {
    Rejected: Attempt.Outcome.REJECTED,
    CredentialsRefused: Attempt.Outcome.CREDENTIALS,
    Throttled: Attempt.Outcome.THROTTLED,
    Unavailable: Attempt.Outcome.UNAVAILABLE,
    Unconfirmed: Attempt.Outcome.UNCONFIRMED,
    SendResult: Attempt.Outcome.ACCEPTED,
}


def tell(message: Message) -> None:
    """Tell the open browsers that the message's state changed."""
    bell.tell_all([_news(message)])


def _news(message: Message) -> bell.News:
    news = {"type": "state", "conversation": message.conversation_id, "message": message.pk}
    return switchboard.audience(message.conversation), news

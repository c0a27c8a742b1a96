"""Whose turn it is on a trunk where senders must not stand in one line.

On a trunk that tenants share nobody's blast may hold up the others, and a number with a rate of
its own must not hold up the numbers beside it. So their senders take turns; a trunk without either
has one line for all, which costs a question less.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from portal.models import Trunk
from sms import pacing, switchboard
from sms.pacing import Bucket

# So many senders are looked at before the next look begins behind them.
AT_ONCE = 64

# From one sender that waits to the next, each by one step in the index.
_WAITING = """
WITH RECURSIVE waiting AS (
    (SELECT m.sender FROM sms_message m
      WHERE m.trunk_id = %(trunk)s AND m.state = 'queued' AND m.sender > %(after)s
      ORDER BY m.sender LIMIT 1)
    UNION ALL
    SELECT (SELECT m.sender FROM sms_message m
             WHERE m.trunk_id = %(trunk)s AND m.state = 'queued' AND m.sender > w.sender
             ORDER BY m.sender LIMIT 1)
      FROM waiting w WHERE w.sender IS NOT NULL
)
SELECT w.sender, first.tenant_id, first.lane
  FROM (SELECT sender FROM waiting WHERE sender IS NOT NULL LIMIT %(limit)s) w, LATERAL (
    SELECT m.tenant_id, m.lane FROM sms_message m
     WHERE m.trunk_id = %(trunk)s AND m.state = 'queued' AND m.sender = w.sender
       AND m.due_at <= %(now)s
     ORDER BY m.lane, m.id LIMIT 1) first
 ORDER BY w.sender
"""


@dataclass(frozen=True)
class Turn:
    """Who may send next: one sender, or with an empty one everybody on the trunk."""

    sender: str
    tenant_id: int | None
    buckets: tuple[Bucket, ...]
    most: int
    """How many threads it may ask for, so that others find some too."""


@dataclass(frozen=True)
class _Sender:
    number: str
    tenant_id: int
    lane: int


class Rota:
    """The turns on one trunk, as long as a worker is at it."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._after = ""

    def turns(self, trunk: Trunk) -> Iterator[Turn]:
        """Yield the turns of a round: replies first; each round begins with another sender."""
        rates = switchboard.rates(trunk.pk)
        of_trunk = pacing.of_trunk(trunk)
        if trunk.tenant_id and not rates:
            yield Turn("", trunk.tenant_id, (of_trunk,), self._threads)
            return
        waiting = self._waiting(trunk.pk)
        most = max(1, self._threads // max(1, len(waiting)))
        for sender in waiting:
            rate = rates.get(sender.number)
            own = (pacing.of_number(trunk, sender.number, rate),) if rate else ()
            yield Turn(sender.number, sender.tenant_id, (*own, of_trunk), most)

    def _waiting(self, trunk_id: int) -> list[_Sender]:
        """Return who waits: those behind the last one to begin with, then those before."""
        found = _look(trunk_id, self._after)
        if self._after and len(found) < AT_ONCE:
            known = {one.number for one in found}
            found += [one for one in _look(trunk_id, "") if one.number not in known]
        self._after = found[0].number if found else ""
        return sorted(found[:AT_ONCE], key=lambda one: one.lane)


def _look(trunk_id: int, after: str) -> list[_Sender]:
    values: dict[str, Any] = {"trunk": trunk_id, "after": after, "limit": AT_ONCE}
    values["now"] = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, values)
        return [_Sender(*row) for row in cursor.fetchall()]

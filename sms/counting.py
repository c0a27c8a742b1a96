"""Counts the messages of each day into a small table, so that no page has to read them all.

Every message belongs to one block: a range of ids, one block a day. A block is counted again as a
whole, through the primary key, because receipts come late and change what was counted; the older it
is, the less often. Two counts at once do no harm: each block is claimed.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from sms.models import CountBlock, Message

log = logging.getLogger(__name__)

OFTEN = timedelta(minutes=1)
# A block that ended this long ago is not counted again.
FINAL = timedelta(days=15)
# Of an older block, news is seen after this part of its age.
PATIENCE = 24
# Counting takes at most this part of the time, however much there is to count.
SHARE = 50

# Messages only vanish when they are purged. Of a day that has fewer than it had, what was counted
# before that still stands.
_COUNT = """
WITH fresh AS MATERIALIZED (
    SELECT message.tenant_id, coalesce(message.trunk_id, 0) AS trunk_id,
           (message.created_at AT TIME ZONE 'UTC')::date AS utc_day,
           (message.created_at AT TIME ZONE tenant.timezone)::date AS day,
           message.direction, message.state,
           CASE WHEN message.state IN ('failed', 'undelivered', 'unconfirmed')
                THEN message.error_code ELSE '' END AS error_code,
           max(left(message.error, 200)) AS error, count(*) AS count
      FROM sms_message message JOIN portal_tenant tenant ON tenant.id = message.tenant_id
     WHERE message.id >= %(first)s::bigint AND message.id < %(end)s::bigint
     GROUP BY 1, 2, 3, 4, 5, 6, 7
), purged AS MATERIALIZED (
    SELECT old.tenant_id, old.utc_day FROM sms_daycount old
     WHERE old.block_id = %(block)s::bigint
     GROUP BY 1, 2
    HAVING sum(old.count) > coalesce((
        SELECT sum(fresh.count) FROM fresh
         WHERE (fresh.tenant_id, fresh.utc_day) = (old.tenant_id, old.utc_day)), 0)
), moved AS (
    DELETE FROM sms_daycount old
     WHERE old.block_id = %(block)s::bigint
       AND (old.tenant_id, old.utc_day) NOT IN (SELECT tenant_id, utc_day FROM purged)
       AND (old.tenant_id, old.trunk_id, old.utc_day, old.day, old.direction, old.state,
            old.error_code)
           NOT IN (SELECT tenant_id, trunk_id, utc_day, day, direction, state, error_code
                     FROM fresh)
)
INSERT INTO sms_daycount (block_id, tenant_id, trunk_id, utc_day, day, direction, state, error_code,
                          error, count)
SELECT %(block)s::bigint, fresh.* FROM fresh
 WHERE (tenant_id, utc_day) NOT IN (SELECT tenant_id, utc_day FROM purged)
    ON CONFLICT (block_id, tenant_id, trunk_id, utc_day, day, direction, state, error_code)
    DO UPDATE SET count = excluded.count, error = excluded.error
 WHERE sms_daycount.count <> excluded.count
"""
_NO_END = 2**63 - 1


def count() -> None:
    """Bring the counts up to date, if it is time to; the sweep asks every few seconds."""
    now = timezone.now()
    last = CountBlock.objects.first()
    if last and not _is_due(last, None, now):
        return
    _open_block(last, now)
    for block, closed_at, end in _blocks(now):
        if _is_due(block, closed_at, now):
            _count(block, end, now)


def counted_at() -> datetime | None:
    """Return when the latest messages were counted, None if they never were."""
    last = CountBlock.objects.filter(counted_at__isnull=False).first()
    return last.counted_at if last else None


def _open_block(last: CountBlock | None, now: datetime) -> None:
    """Begin a new block on a new day, behind the last message that there is."""
    if last and last.opened_at.date() == now.date():
        return
    newest = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    first_id = max(newest + 1, last.first_id) if last else 0
    CountBlock.objects.get_or_create(first_id=first_id, defaults={"opened_at": now})


def _blocks(now: datetime) -> Iterator[tuple[CountBlock, datetime | None, int]]:
    """Yield the blocks that may still change, when each was closed, and the id where it ends."""
    closed_at, end = None, _NO_END
    for block in CountBlock.objects.iterator():
        yield block, closed_at, end
        closed_at, end = block.opened_at, block.first_id
        if closed_at < now - FINAL:
            return


def _is_due(block: CountBlock, closed_at: datetime | None, now: datetime) -> bool:
    if block.counted_at is None or block.counted_at > now:
        return True
    age = now - closed_at if closed_at else timedelta(0)
    wait = max(OFTEN, age / PATIENCE, timedelta(seconds=SHARE * block.seconds))
    return now - block.counted_at >= wait


def _count(block: CountBlock, end: int, now: datetime) -> None:
    begun = time.monotonic()
    with transaction.atomic(durable=True):
        rows = CountBlock.objects.filter(pk=block.pk, counted_at=block.counted_at)
        if not rows.select_for_update(skip_locked=True).first():
            return
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, {"first": block.first_id, "end": end, "block": block.pk})
        rows.update(counted_at=now, seconds=time.monotonic() - begun)
    log.debug("count.done first=%s seconds=%.2f", block.first_id, time.monotonic() - begun)

"""Knows whose client is open: the push process says so as long as a stream is, and a while after.

Redis holds one sorted set: an extension's id, and until when its client counts as open. Who has
gone stays in it for a day, so that somebody who left is told from somebody whom a Redis that lost
its memory never saw. No application is loaded here: the push process has none.
"""

import logging
import time
from collections.abc import Collection, Iterable

from redis import RedisError

from sms import bell

log = logging.getLogger(__name__)

ROLL = "attendance"
OPEN = 45.0  # seconds; said anew with every ping, so two of those may be lost
GRACE = 20.0  # a page that is loaded anew, or a phone between two networks, is not gone
REMEMBERED = 86_400.0


def until(extension_ids: Iterable[int], seconds: float) -> dict[str, float]:
    """Return the entries by which these clients count as open for some time from now."""
    return dict.fromkeys(map(str, extension_ids), time.time() + seconds)


def come(extension_id: int, seconds: float = OPEN) -> None:
    """Note that a client opens its stream this moment."""
    try:
        bell.connection().zadd(ROLL, until([extension_id], seconds))
    except RedisError as error:
        log.warning("attendance.unheard error=%s", error)


def seen(extension_ids: Collection[int]) -> dict[int, bool] | None:
    """Say of those who were here within a day whether they are still; None if Redis is away."""
    ids = list(extension_ids)
    if not ids:
        return {}
    try:
        found = bell.connection().zmscore(ROLL, list(map(str, ids)))
    except RedisError as error:
        log.warning("attendance.unknown error=%s", error)
        return None
    now = time.time()
    return {pk: end > now for pk, end in zip(ids, found, strict=True) if end is not None}


def present() -> set[int]:
    """Return everybody whose client is open, and forget who left long ago; nobody without Redis."""
    now = time.time()
    try:
        pipe = bell.connection().pipeline(transaction=False)
        pipe.zremrangebyscore(ROLL, "-inf", now - REMEMBERED)
        pipe.zrangebyscore(ROLL, now, "+inf")
        _forgotten, found = pipe.execute()
    except RedisError as error:
        log.warning("attendance.unknown error=%s", error)
        return set()
    return set(map(int, found))

"""Sends per second, of a trunk and of a number, in Redis so that every worker sees the same clock.

A token bucket that holds one second's worth (at least one message). After Redis lost its data
the bucket is full again, which costs a second's burst and nothing else.
"""

import logging
from dataclasses import dataclass
from functools import cache

from redis import RedisError
from redis.commands.core import Script

from portal.models import Trunk
from sms.bell import connection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bucket:
    """Where the sends that are allowed collect, so many a second."""

    key: str
    rate: float


# KEYS[1] bucket; ARGV rate per second, capacity, wanted. Returns granted and milliseconds until
# the next whole token. Redis's own clock, since workers' clocks differ.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local rate, cap, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local b = redis.call('HMGET', KEYS[1], 'tokens', 'at', 'slow')
local tokens, at, slow = tonumber(b[1]) or cap, tonumber(b[2]) or now, tonumber(b[3]) or 0
if slow > now then return {0, math.ceil((slow - now) * 1000)} end
tokens = math.min(cap, tokens + math.max(0, now - at) * rate)
local got = math.min(want, math.floor(tokens))
tokens = tokens - got
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('EXPIRE', KEYS[1], math.ceil(cap / rate) + 60)
local wait = 0
if tokens < 1 then wait = math.ceil((1 - tokens) / rate * 1000) end
return {got, wait}
"""


@cache
def script() -> Script:
    """Return the bucket as Redis runs it, bound to the process's connection."""
    return connection().register_script(_TAKE)


def of_trunk(trunk: Trunk) -> Bucket:
    """Return the bucket that everything sent through a trunk takes from."""
    return Bucket(f"pace:{trunk.pk}", trunk.messages_per_second)


def of_number(trunk: Trunk, number: str, rate: float) -> Bucket:
    """Return the bucket of one of our numbers on a trunk."""
    return Bucket(f"pace:{trunk.pk}:{number}", rate)


def take(wanted: int, *buckets: Bucket) -> tuple[int, float]:
    """Take up to ``wanted`` sends, each from all of the buckets.

    Returns how many are granted and the seconds until the next one. Without Redis nothing is
    granted: no worker may send faster than the provider allows because it cannot see the others.
    """
    granted, pause = wanted, 0.0
    for place, bucket in enumerate(buckets):
        before, (granted, wait) = granted, _take(bucket, granted)
        give_back(before - granted, *buckets[:place])
        pause = max(pause, wait)
    return granted, pause


def _take(bucket: Bucket, wanted: int) -> tuple[int, float]:
    rate = bucket.rate
    try:
        granted, wait = script()(keys=[bucket.key], args=[rate, max(1.0, rate), wanted])
    except RedisError as error:
        log.warning("pacing.blind bucket=%s error=%s", bucket.key, error)
        return 0, 1.0
    return int(granted), int(wait) / 1000


def give_back(unused: int, *buckets: Bucket) -> None:
    """Return sends that found no message."""
    if not unused:
        return
    for bucket in buckets:
        try:
            connection().hincrbyfloat(bucket.key, "tokens", unused)
        except RedisError as error:
            log.warning("pacing.blind bucket=%s error=%s", bucket.key, error)


def slow_down(bucket: Bucket, seconds: float) -> None:
    """Let nothing through for a while: the provider asked for it."""
    try:
        now = connection().time()[0]
        connection().hset(bucket.key, "slow", now + max(1.0, seconds))
        connection().expire(bucket.key, int(seconds) + 60)
    except RedisError as error:
        log.warning("pacing.blind bucket=%s error=%s", bucket.key, error)

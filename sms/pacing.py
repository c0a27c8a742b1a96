"""Sends per second per trunk, kept in Redis so that every worker sees the same clock.

A token bucket that holds one second's worth (at least one message). After Redis lost its data
the bucket is full again, which costs a second's burst and nothing else.
"""

import logging
from functools import cache

from redis import RedisError
from redis.commands.core import Script

from portal.models import Trunk
from sms.bell import connection

log = logging.getLogger(__name__)

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


def take(trunk: Trunk, wanted: int) -> tuple[int, float]:
    """Take up to ``wanted`` sends from the trunk's bucket.

    Returns how many are granted and the seconds until the next one. Without Redis nothing is
    granted: no worker may send faster than the provider allows because it cannot see the others.
    """
    rate = trunk.messages_per_second
    try:
        granted, wait = script()(keys=[_key(trunk.pk)], args=[rate, max(1.0, rate), wanted])
    except RedisError as error:
        log.warning("pacing.blind trunk=%s error=%s", trunk.pk, error)
        return 0, 1.0
    return int(granted), int(wait) / 1000


def give_back(trunk: Trunk, unused: int) -> None:
    """Return sends that found no message."""
    if unused:
        try:
            connection().hincrbyfloat(_key(trunk.pk), "tokens", unused)
        except RedisError as error:
            log.warning("pacing.blind trunk=%s error=%s", trunk.pk, error)


def slow_down(trunk_id: int, seconds: float) -> None:
    """Let nothing through the trunk for a while: the provider asked for it."""
    try:
        now = connection().time()[0]
        connection().hset(_key(trunk_id), "slow", now + max(1.0, seconds))
        connection().expire(_key(trunk_id), int(seconds) + 60)
    except RedisError as error:
        log.warning("pacing.blind trunk=%s error=%s", trunk_id, error)


def _key(trunk_id: int) -> str:
    return f"pace:{trunk_id}"

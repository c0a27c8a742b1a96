"""Rings a worker, and the open browsers, once the transaction has committed.

A ring is a hint, never the message itself: the rows are the queue, the sweep rings what a lost
bell missed. So a dead Redis costs seconds and is only logged.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from queue import SimpleQueue
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis import Redis, RedisError

log = logging.getLogger(__name__)

# A bell that nobody answered for this long rings again.
RING_SECONDS = 10

# What a drain at work finds: None for a ring, or whatever its own threads put in.
Box = SimpleQueue[Any]


@cache
def connection() -> Redis:
    """Return the process's Redis client; it gives up quickly, since nobody may wait for it."""
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2)


def ring(task: str, *args: int, insist: bool = False) -> None:
    """Ask a worker to run ``sms.tasks.<task>`` after commit, once while the bell still rings.

    Whoever insists is heard also then.
    """
    transaction.on_commit(lambda: _ring_now(task, args, insist=insist))


def _ring_now(task: str, args: tuple[int, ...], *, insist: bool = False) -> None:
    try:
        if connection().set(_key(task, args), 1, nx=not insist, ex=RING_SECONDS):
            current_app.send_task(f"sms.tasks.{task}", args=args, retry=False)
    except (RedisError, OperationalError) as error:
        log.warning("bell.unheard task=%s error=%s", task, error)


class Duty:
    """Sees to it that a process runs one drain per bell at a time and misses no ring.

    A ring that finds the drain at work is put into its box, so a process never spends two
    threads on one queue, and no row slips between the last look and the end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: dict[str, Box] = {}

    def answer(self, work: Callable[[Box], bool], task: str, *args: int) -> None:
        """Run ``work`` until no ring came meanwhile; it returns whether rows are left over.

        Work that goes on for long quietens its bell again before its last look, so that it hears of
        later rows. Left-over rows are rung for again instead of being waited for: a task stays
        short.
        """
        key = _key(task, args)
        with self._lock:
            if key in self._boxes:
                self._boxes[key].put(None)
                return
            box = self._boxes[key] = SimpleQueue()
        left = False
        try:
            while not left:
                quieten(task, *args)
                left = work(box)
                if not self._was_rung(box):
                    break
        finally:
            # Whatever the work did about its bell: from here on nobody looks without a ring.
            quieten(task, *args)
            with self._lock:
                missed = self._was_rung(box)
                del self._boxes[key]
        if left or missed:
            _ring_now(task, args)

    @staticmethod
    def _was_rung(box: Box) -> bool:
        rung = False
        while not box.empty():
            box.get()
            rung = True
        return rung


duty = Duty()


def quieten(task: str, *args: int) -> None:
    """Let the bell ring again; before a claim, so that no later row stays unheard."""
    try:
        connection().delete(_key(task, args))
    except RedisError as error:
        log.warning("bell.stuck task=%s error=%s", task, error)


def _key(task: str, args: tuple[int, ...]) -> str:
    return ":".join(["bell", task, *map(str, args)])


def on_air(channel: str) -> str:
    """Return the name under which Redis carries a channel.

    Pub/sub knows no database numbers, so the name holds ours: two installations on one Redis do not
    hear each other.
    """
    return f"push:{connection().connection_pool.connection_kwargs.get('db', 0)}:{channel}"


News = tuple[list[int], dict[str, Any]]
Ring = tuple[str, tuple[int, ...]]


def tell(extension_ids: Iterable[int], news: dict[str, Any]) -> None:
    """Push ``news`` after commit to every browser of these extensions that is open."""
    tell_all([(list(extension_ids), news)])


def tell_all(items: Sequence[News], *, ring_for: Sequence[Ring] = ()) -> None:
    """Push several news after commit, each to the browsers of its extensions.

    What one extension hears goes out together, a line each. ``ring_for`` are bells to ring with it,
    in the same round trip.
    """
    heard: dict[int, list[str]] = {}
    for extension_ids, news in items:
        line = json.dumps(news)
        for pk in set(extension_ids):
            heard.setdefault(pk, []).append(line)
    if heard or ring_for:
        transaction.on_commit(lambda: _tell_now(heard, ring_for))


def _tell_now(heard: Mapping[int, Sequence[str]], rings: Sequence[Ring]) -> None:
    try:
        pipe = connection().pipeline(transaction=False)
        for task, args in rings:
            pipe.set(_key(task, args), 1, nx=True, ex=RING_SECONDS)
        for pk, lines in heard.items():
            pipe.publish(on_air(f"extension:{pk}"), "\n".join(lines))
        silent = pipe.execute()
        for (task, args), rang in zip(rings, silent, strict=False):
            if rang:
                current_app.send_task(f"sms.tasks.{task}", args=args, retry=False)
    except (RedisError, OperationalError) as error:
        log.warning("push.unheard error=%s", error)

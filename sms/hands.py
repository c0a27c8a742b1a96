"""The threads of a worker that call providers: how many are free, and who may take how many."""

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings

# Nobody holds more than this many times the threads that are left free: three quarters of them
# for one alone, less for each the more there are, and always some for whoever comes next.
TIMES_FREE = 3

Holders = Sequence[Hashable]


class Hands:
    """A fixed number of threads, shared so that no trunk and no tenant can take them all."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._free = threads
        self._held: Counter[Hashable] = Counter()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="send")

    def reserve(self, wanted: int, holders: Holders) -> int:
        """Reserve up to ``wanted`` free threads for all of the holders; return how many."""
        with self._lock:
            got = min([wanted, self._free, *(self._room(holder) for holder in holders)])
            self._move(got, holders)
        return got

    def release(self, unused: int, holders: Holders) -> None:
        """Give reserved threads back."""
        with self._lock:
            self._move(-unused, holders)

    def run(self, work: Callable[[], None]) -> None:
        """Do something on a reserved thread; ``work`` releases it."""
        self._pool.submit(work)

    def _room(self, holder: Hashable) -> int:
        """Return the most that a holder may take more; who holds none may have one."""
        held = self._held[holder]
        return max((TIMES_FREE * self._free - held) // (TIMES_FREE + 1), 0 if held else 1)

    def _move(self, taken: int, holders: Holders) -> None:
        self._free -= taken
        for holder in holders:
            self._held[holder] += taken
            if not self._held[holder]:
                del self._held[holder]


class Seats:
    """How many trunks a worker serves at the same time, and which ones wait for that.

    Serving is mostly waiting for providers. Without a bound a few dead ones would keep every thread
    of the worker busy, and with them everybody's inbound texts.
    """

    def __init__(self, seats: int) -> None:
        self._free = seats
        self._waiting: dict[int, None] = {}
        self._lock = threading.Lock()

    def take(self, trunk_id: int) -> bool:
        """Take a seat for a trunk, or else a place in the line."""
        with self._lock:
            if not self._free:
                self._waiting[trunk_id] = None
                return False
            self._free -= 1
            self._waiting.pop(trunk_id, None)
            return True

    def leave(self) -> int | None:
        """Give the seat up; return the trunk that waits for the longest time, if any."""
        with self._lock:
            self._free += 1
            following = next(iter(self._waiting), None)
            if following is not None:
                del self._waiting[following]
            return following

    @property
    def crowded(self) -> bool:
        """Whether a trunk waits for a seat."""
        return bool(self._waiting)


@cache
def seats() -> Seats:
    """Return the process's seats: a quarter of the worker's threads stays free for other work."""
    return Seats(settings.CELERY_WORKER_CONCURRENCY * 3 // 4)


@cache
def hands() -> Hands:
    """Return the process's sender threads; made at first use, after a worker has forked."""
    return Hands(settings.SENDER_THREADS)

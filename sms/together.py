"""Writes the rows of requests that come at the same moment in one transaction.

Each request is answered after its own row is durable, as with a transaction of its own; under load
most of them pay no commit and no round trip. The first one to come writes, for itself and for all
who came while the one before was writing.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import Error, connection

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 100
# How long the one who writes waits for more, in seconds, where others came together a moment ago:
# far less than the write takes, and a quarter fewer writes.
PATIENCE = 0.0005


class _Slot(Generic[Item, Result]):
    def __init__(self, item: Item) -> None:
        self.item = item
        self.result: Result | Exception | None = None
        # A bare lock costs far less than an event: whoever waits takes it, whoever wakes frees it.
        self.gate = threading.Lock()
        self.gate.acquire()

    def answer(self) -> Result:
        if isinstance(self.result, Exception):
            raise self.result
        if self.result is None:
            raise RuntimeError("a write came to no result")
        return self.result


class Together(Generic[Item, Result]):
    """Gathers items for ``write``, which returns a result, or an exception, for each.

    ``write`` opens the transaction itself. When it fails for several, each item is written alone.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[Result | Exception]]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._waiting: list[_Slot[Item, Result]] = []
        self._busy = False
        self._crowded = False

    def put(self, item: Item) -> Result:
        """Write the item, perhaps with others; return its result or raise its exception."""
        slot: _Slot[Item, Result] = _Slot(item)
        if connection.in_atomic_block:
            # Whoever has a transaction open wants the row in it.
            self._settle([slot])
            return slot.answer()
        with self._lock:
            self._waiting.append(slot)
            leads = not self._busy
            self._busy = True
        if not leads:
            # Whoever waits needs no connection, and the one who writes must find one in the pool.
            connection.close()
            slot.gate.acquire()
            if slot.result is not None:
                return slot.answer()
        self._lead()
        return slot.answer()

    def _lead(self) -> None:
        """Write what waits, then hand the lead to the next one that came meanwhile."""
        if self._crowded:
            # Without the lock, so that others can come: more rows in a write, fewer writes.
            time.sleep(PATIENCE)
        with self._lock:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            self._crowded = len(batch) > 1
        try:
            self._settle(batch)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._busy = following is not None
            for slot in batch:
                if slot.result is None:
                    slot.result = RuntimeError("the write of several rows broke off")
                slot.gate.release()
            if following is not None:
                following.gate.release()

    def _settle(self, batch: list[_Slot[Item, Result]]) -> None:
        try:
            results = self._write([slot.item for slot in batch])
        except Error as error:
            if len(batch) == 1:
                batch[0].result = error
                return
            # One bad row must not fail its neighbours.
            for slot in batch:
                self._settle([slot])
            return
        for slot, result in zip(batch, results, strict=True):
            slot.result = result

"""What the hot paths ask of the PBX again and again, kept in memory until something changes.

Every statement that changes the set-up leaves a row in ``portal_change`` (triggers see to it, so
also one made by hand counts). A process looks at that table a few times a second, and forgets
everything when it changed. What is kept is shared by threads: nobody may alter it.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error, connection

T = TypeVar("T")

MOST = 100_000

_VERSION = "SELECT count(*), max(id) FROM portal_change"
# The count is part of the version because ids commit in any order; so the table is kept short.
_TRIM = """
DELETE FROM portal_change WHERE id <= (SELECT max(id) - %s FROM portal_change)
   AND at < now() - interval '1 hour'
"""
KEPT = 100


class Memory:
    """Values by key, all forgotten together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Any] = {}
        self._version: object = None
        self._looked = float("-inf")

    def recall(self, key: Hashable, load: Callable[[], T]) -> T:
        """Return what is kept under a key, loading it first if nothing is.

        Whoever starts a piece of work calls ``refresh`` first.
        """
        # Bound before loading: what was loaded before a change goes with what was kept then.
        kept = self._kept
        if key in kept:
            found: T = kept[key]
            return found
        value = load()
        if len(kept) >= MOST:
            kept.clear()
        kept[key] = value
        return value

    def trim(self) -> None:
        """Forget changes that everybody has seen long since."""
        with connection.cursor() as cursor:
            cursor.execute(_TRIM, [KEPT])

    def refresh(self, *, now: bool = False) -> None:
        """Look whether something changed; not more often than the settings say, unless asked."""
        if not self._is_mine(now=now):
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute(_VERSION)
                version = cursor.fetchone()
        except Error:
            self._looked = float("-inf")
            raise
        with self._lock:
            if version != self._version:
                self._kept, self._version = {}, version

    def _is_mine(self, *, now: bool) -> bool:
        """Say whether this thread has to look: one of all that come at the same moment does."""
        with self._lock:
            started = time.monotonic()
            if not now and started - self._looked < settings.MEMORY_SECONDS:
                return False
            self._looked = started
            return True

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept, self._version, self._looked = {}, None, float("-inf")


memory = Memory()

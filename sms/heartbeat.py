"""Knows when a worker was last seen: the sweep leaves a mark in Redis, the health pages read it."""

import time

from django.core.cache import cache

KEY = "worker-seen"
KEPT = 600  # seconds; older than that is the same as never


def beat() -> None:
    """Leave the mark; the sweep calls it, and it needs a beat, a broker and a worker to run."""
    cache.set(KEY, time.time(), KEPT)


def age() -> float | None:
    """Return how many seconds ago a worker was seen, or None if none was."""
    seen: float | None = cache.get(KEY)
    return None if seen is None else max(0.0, time.time() - seen)

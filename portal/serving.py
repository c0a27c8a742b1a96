"""Knows what a process does that serves for long, once it has loaded everything."""

import gc

from django.conf import settings

from portal import one_core

# Objects made between two looks for unused circles of them, and how many looks make a longer one.
# Python's own 700 suits a short script: a twentieth of a worker's time went there.
COLLECT_AFTER = (10_000, 10, 10)


def begin() -> None:
    """Settle in: what is loaded stays, so it need not be looked through; and one core is enough."""
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    if settings.ONE_CORE:
        one_core.stay()

"""Keeps a process on one core, and on one that is free.

A Python process computes on one core at a time, whatever the number of its threads: one of them
holds the interpreter. The kernel does not know that. It wakes each thread on a core that is idle,
where the thread waits for the interpreter and then finds cold caches; under load a quarter of a
worker's time went there. On one core threads follow each other instead.

Which core that is, is looked at every few seconds: who shares a core moves when another one has
clearly more time left. Linux only; elsewhere nothing is done.
"""

import contextlib
import logging
import os
import random
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

# Of which length, is left to chance: two processes that share a core must not both leave it.
SECONDS_BETWEEN_LOOKS = (1.0, 3.0)
# Less than this share of a core is not worth a move.
CLEARLY = 0.2


@dataclass(frozen=True)
class Look:
    """Seconds so far: of the clock, of this process, and those that each core was idle."""

    clock: float
    own: float
    idle: dict[int, float]


def stay() -> None:
    """Keep this process on one core from now on; where it may use only one, it does anyway."""
    if sys.platform != "linux":
        return
    allowed = os.sched_getaffinity(0)
    if len(allowed) > 1:
        threading.Thread(target=_stay, args=(allowed,), name="one-core", daemon=True).start()


def _stay(allowed: set[int]) -> None:
    core = random.choice(sorted(allowed))  # noqa: S311 - not a secret
    try:
        before = _look(allowed)
        if not allowed <= before.idle.keys():
            return  # some containers are shown other cores than they may use
        while True:
            _pin({core})
            # A thread of its own, which has nothing to do until the next look.
            time.sleep(random.uniform(*SECONDS_BETWEEN_LOOKS))  # noqa: S311 - not a secret
            now = _look(allowed)
            core = choose(core, before, now)
            before = now
    except (OSError, KeyError):  # a core is gone, or we may not
        log.warning("one_core.given_up", exc_info=True)
        with contextlib.suppress(OSError):
            _pin(allowed)


def choose(core: int, before: Look, now: Look) -> int:
    """Return the core to be on: another if others take of ours, and it has clearly more left."""
    clearly = CLEARLY * (now.clock - before.clock)
    idle = {one: now.idle[one] - before.idle[one] for one in now.idle}
    best = max(idle, key=lambda one: idle[one])
    taken = now.clock - before.clock - idle[core] - (now.own - before.own)
    return best if taken > clearly and idle[best] - idle[core] > clearly else core


def _look(allowed: Iterable[int]) -> Look:
    ticks = os.sysconf("SC_CLK_TCK")
    idle = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        number = name.removeprefix("cpu")
        if number.isdigit() and int(number) in allowed:
            # Idle, and idle while the disk is at work.
            idle[int(number)] = (int(fields[3]) + int(fields[4])) / ticks
    return Look(time.monotonic(), time.process_time(), idle)


def _pin(cores: set[int]) -> None:
    """Put all threads there; those that they start will follow."""
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)

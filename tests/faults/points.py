"""Kills a process of the product at a named point, or sets its clock, as a test orders.

The product has no hook for this. A process that a test starts through ``launcher`` or ``web`` wraps
some functions of its own before it begins; an order is a file named after the point.
"""

import functools
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine

from providers import wire
from sms import bell, claiming, dispatch, hands, outcome, sweep, together, unsent

VARIABLE = "FAULT_ORDERS"  # names the directory of the orders
KILL = "kill"
NOTHING = "nothing"  # it is enough to know that the point was reached
# Followed by the process's id.
AT_ONCE = "at once in"
SWEEP = "at a sweep of"

# What a worker does with a message between the claim and the end of the settling, in this order.
WORKER = (
    "before the claim",
    "after the claim",
    "before the hand-over",
    "before the call",
    "before the request",
    "after the answer",
    "after the call",
    "before the settling",
    "inside the settling",
    "after the commit",
    "after the settling",
)
# What the web does with a request that it keeps.
WEB = ("before the write", "before the ring", "after the ring")


class _Clock:
    """The clock of this process, as far from the true one as was ordered."""

    def __init__(self) -> None:
        self._travel: time_machine.travel | None = None

    def set(self, seconds: float) -> None:
        """Show so many seconds more (or fewer) than the true time, and go on from there."""
        if self._travel is not None:
            self._travel.stop()
            self._travel = None
        if seconds:
            self._travel = time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds))
            self._travel.start()


_clock = _Clock()


def reach(point: str) -> None:
    """Carry out what was ordered for this point, once: whoever can take the order away does."""
    path = Path(os.environ[VARIABLE]) / point
    taken = path.with_name(f"{point}.{os.getpid()}.{threading.get_ident()}")
    try:
        path.rename(taken)
    except FileNotFoundError:
        return
    order = taken.read_text()
    if order == KILL:
        taken.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if order != NOTHING:
        _clock.set(float(order))
    taken.unlink()


def _around(owner: object, name: str, before: str = "", after: str = "") -> None:
    work = getattr(owner, name)

    @functools.wraps(work)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before:
            reach(before)
            reach(f"{before} {os.getpid()}")
        result = work(*args, **kwargs)
        if after:
            reach(after)
        return result

    setattr(owner, name, wrapped)


def _claimed(rows: Callable[..., Any]) -> Callable[..., Any]:
    """Stand around the claim: only one that found something is a point after it."""

    @functools.wraps(rows)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        reach("before the claim")
        found = rows(*args, **kwargs)
        if found:
            reach("after the claim")
        return found

    return wrapped


def watch_worker() -> None:
    """Wrap what a message passes in a worker."""
    claiming.rows = _claimed(claiming.rows)
    _around(hands.Hands, "run", "before the hand-over")
    _around(dispatch, "send", "before the call", "after the call")
    _around(wire, "sent", "before the request", "after the answer")
    _around(outcome, "settle", "before the settling", "after the settling")
    _around(outcome, "_write", after="inside the settling")
    _around(outcome, "_mark_trunks", "after the commit")
    _around(sweep, "sweep", SWEEP)


def watch_web() -> None:
    """Wrap what a request passes in the web process."""
    _around(together.Together, "_settle", "before the write")
    for ring in ("_ring_now", "_tell_now"):  # alone, or together with news
        _around(bell, ring, "before the ring", "after the ring")


def hurry() -> None:
    """Make the waits short that a case would have to sit through."""
    bell.RING_SECONDS = 2
    wire.READ_SECONDS = 1.5
    unsent.BACKOFF_SECONDS = (1, 1, 2, 2, 2)


def listen() -> None:
    """Carry out what is ordered for no point, but at once."""
    pause = threading.Event()

    def look() -> None:
        while not pause.wait(0.05):
            reach(f"{AT_ONCE} {os.getpid()}")

    threading.Thread(target=look, daemon=True).start()

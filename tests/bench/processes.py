"""What the product's processes cost: processor time and memory by kind, read from /proc (Linux)."""

import contextlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.stack import Stack

TICKS = os.sysconf("SC_CLK_TCK")
# Reading shared memory page by page is not free: seldom enough not to be seen in the figures.
LOOK_EVERY = 2.0


def roots(stack: Stack) -> dict[str, int]:
    """Return the first process of every kind that lives: ours, the database, the broker."""
    ours = {kind: process.pid for kind, process in stack.processes.items()}
    servers = {
        kind: server.process.pid
        for kind, server in stack.servers.items()
        if server.process is not None
    }
    return ours | servers


def families(first: dict[str, int]) -> dict[str, dict[int, float]]:
    """Return the processor seconds of each process by kind, with those of its ended children."""
    children: dict[int, list[int]] = defaultdict(list)
    seconds: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            words = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            children[int(words[1])].append(pid)
            seconds[pid] = sum(map(int, words[11:15])) / TICKS
    found: dict[str, dict[int, float]] = {}
    for kind, root in first.items():
        found[kind], left = {}, [root]
        while left:
            pid = left.pop()
            left += children[pid]
            if pid in seconds:
                found[kind][pid] = seconds[pid]
    return found


def proportional_megabytes(pid: int) -> float:
    """Return a process's memory, what it shares with others divided among them."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


@dataclass
class Cost:
    """Processor seconds by kind over a stretch of time, and the most memory at any look.

    ``peak`` is the memory of each kind, and as ``all`` what they had together at one look.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    wall: float = 0.0

    def per_thousand(self, messages: int) -> dict[str, float]:
        """Return the processor seconds of a thousand messages by kind."""
        return {kind: spent * 1000 / max(1, messages) for kind, spent in self.seconds.items()}


@contextlib.contextmanager
def measured(stack: Stack) -> Iterator[Cost]:
    """Measure until the block ends; the cost is complete only then."""
    first, cost, over = roots(stack), Cost(), threading.Event()

    def watch() -> None:
        while True:
            _look(first, cost.peak)
            if over.wait(LOOK_EVERY):
                return

    watcher = threading.Thread(target=watch, daemon=True)
    before, started = families(first), time.monotonic()
    watcher.start()
    try:
        yield cost
    finally:
        cost.wall = time.monotonic() - started
        for kind, pids in families(first).items():
            cost.seconds[kind] = sum(pids.values()) - sum(before[kind].values())
        over.set()
        watcher.join()
        _look(first, cost.peak)


def _look(first: dict[str, int], peak: dict[str, float]) -> None:
    now = {
        kind: sum(proportional_megabytes(pid) for pid in pids)
        for kind, pids in families(first).items()
    }
    for kind, megabytes in (now | {"all": sum(now.values())}).items():
        peak[kind] = max(peak.get(kind, 0.0), megabytes)

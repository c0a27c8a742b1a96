"""A process keeps to one core, and moves when it shares it and another one is freer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.one_core import Look, choose
from tests.stack import ROOT, wait_until

# The ways in which production enters a process that computes; each then waits for its end.
ENTRIES = {
    "web": "import portal.wsgi",
    "worker": "import portal; from celery.signals import worker_init; worker_init.send(None)",
}


def look(*, own: float, idle: tuple[float, float]) -> Look:
    """Return what was seen after one second."""
    return Look(clock=1.0, own=own, idle=dict(enumerate(idle)))


START = Look(clock=0.0, own=0.0, idle={0: 0.0, 1: 0.0})


def test_a_process_that_has_its_core_to_itself_stays() -> None:
    assert choose(0, START, look(own=1.0, idle=(0.0, 1.0))) == 0


def test_a_process_whose_core_is_wanted_by_others_moves_to_a_free_one() -> None:
    assert choose(0, START, look(own=0.4, idle=(0.0, 0.9))) == 1


def test_of_two_that_share_a_core_one_moves_to_where_time_is_left() -> None:
    assert choose(0, START, look(own=0.5, idle=(0.0, 0.4))) == 1


def test_an_idle_process_leaves_a_core_that_others_keep_busy() -> None:
    assert choose(1, START, look(own=0.0, idle=(0.8, 0.1))) == 0


def test_a_core_that_is_only_a_little_freer_is_not_worth_a_move() -> None:
    assert choose(0, START, look(own=0.5, idle=(0.1, 0.25))) == 0


@contextmanager
def process(entry: str, **environment: str) -> Iterator[int]:
    """Run an entry with two more threads; yield its pid once they run."""
    lines = [
        "import sys, threading, time",
        entry,
        "for _ in range(2): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "print(flush=True)",
        "sys.stdin.read()",
    ]
    settings = {"DEBUG": "false", "ONE_CORE": "true", **environment}
    running = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        env={**os.environ, "SECRET_KEY": "x" * 50, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running.pid


def cores_of(pid: int) -> set[frozenset[int]]:
    """Return on which cores the threads of a process may run."""
    threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) > 2
    return {frozenset(os.sched_getaffinity(thread)) for thread in threads}


@pytest.mark.parametrize("entry", ENTRIES)
def test_all_threads_of_a_process_are_on_the_same_single_core(entry: str) -> None:
    def together() -> bool:
        found = cores_of(pid)
        return len(found) == 1 and all(len(cores) == 1 for cores in found)

    with process(ENTRIES[entry]) as pid:
        wait_until(together, what="one core for all threads")


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_process_may_use_every_core_where_that_is_wished(entry: str) -> None:
    with process(ENTRIES[entry], ONE_CORE="false") as pid:
        assert cores_of(pid) == {frozenset(os.sched_getaffinity(0))}

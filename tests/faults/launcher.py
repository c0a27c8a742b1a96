"""Starts our processes as the product does, with the points of ``points`` and less patience.

    python -m tests.faults.launcher worker|beat|web [words for Celery or granian]

Web and worker are forked from a process that has imported everything, and forked again when they
ended: what a process manager does, but a case with many kills takes seconds.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django
from django.conf import settings
from granian.cli import cli as granian

from portal.celery import app

django.setup()

from tests.faults import points  # noqa: E402 - what it imports needs the applications

SWEEP_SECONDS = 1.0


def keep(run: Callable[[], Any]) -> None:
    """Keep a process running that runs this, until our process group is told to stop."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    while not told:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if not told:
                points.listen()
                run()
            sys.exit()
        if told:  # perhaps before there was a child to hear it
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)


def worker(words: list[str]) -> None:
    """Keep a worker running."""
    points.hurry()
    points.watch_worker()
    app.loader.import_default_modules()
    keep(lambda: app.start(["worker", "--loglevel", "INFO", "--without-mingle", *words]))


def web(words: list[str]) -> None:
    """Keep a web process running."""
    keep(functools.partial(granian, words))


def beat(words: list[str]) -> None:
    """Run a beat that rings the sweep more often."""
    points.listen()
    settings.CELERY_BEAT_SCHEDULE["sweep"]["schedule"] = SWEEP_SECONDS
    app.start(["beat", "--loglevel", "INFO", "--pidfile=", *words])


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    {"worker": worker, "web": web, "beat": beat}[role](rest)

"""Does one thing many times at the same instant, each on a thread with its own transactions."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
PATIENCE = 30


def at_once(*works: Callable[[], T]) -> Sequence[T | Exception]:
    """Start all of them together; return what each returned or raised, in order."""
    # Connections are taken after the start: there are fewer than threads, as in production.
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        try:
            start.wait(PATIENCE)
            return work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [done.result(PATIENCE) for done in [pool.submit(run, work) for work in works]]

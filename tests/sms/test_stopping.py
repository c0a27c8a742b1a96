"""A worker that is told to stop."""

import threading
from collections.abc import Iterator

import pytest
from celery.signals import worker_shutting_down

import sms.tasks  # noqa: F401 - it connects what a worker does
from sms import dispatch


@pytest.fixture(autouse=True)
def _open() -> Iterator[None]:
    yield
    dispatch.closing.told = False


def test_a_second_sigterm_while_the_first_is_handled_does_not_hang_the_worker() -> None:
    def handle_two() -> None:
        with worker_shutting_down.lock:  # the first one came this far
            worker_shutting_down.send("a worker")

    handling = threading.Thread(target=handle_two, daemon=True)
    handling.start()
    handling.join(10)
    assert not handling.is_alive()
    assert dispatch.closing.told

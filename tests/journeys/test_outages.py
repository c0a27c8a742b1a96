"""What the running product says when one of its processes goes away."""

import http.client
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stack import Stack, status_of, wait_until

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One product for this module; every test leaves it as it found it."""
    folder: Path = tmp_path_factory.mktemp("stack")
    with Stack(folder, CLAIM_TIMEOUT="5") as stack:
        yield stack


def ready(stack: Stack) -> int:
    """Return what /readyz answers."""
    return status_of(stack.port, "/readyz")


def test_every_process_runs(stack: Stack) -> None:
    kinds = ("web", "push", "worker", "beat", "postgres", "valkey")
    assert all(stack.pids(kind) for kind in kinds)


def test_a_killed_worker_is_missed_and_a_new_one_takes_over(stack: Stack) -> None:
    stack.kill("worker")
    wait_until(lambda: ready(stack) == 503, 60, "readyz 503")
    stack.restart("worker")
    stack.wait_ready()


def test_the_push_process_stops_at_once_although_a_browser_listens(stack: Stack) -> None:
    token = stack.manage(
        "shell", "-v", "0", "-c", "from sms import push; print(push.make_token(['extension:1']))"
    )
    client = http.client.HTTPConnection(urlsplit(stack.push_url).netloc, timeout=10)
    client.request("GET", f"/events?token={token.strip()}")
    stream = client.getresponse()
    assert stream.readline() == b"event: hello\n"
    stack.kill("push", signal.SIGTERM)
    client.close()
    stack.restart("push")
    stack.wait_ready()

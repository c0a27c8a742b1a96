"""The push process as it runs: many open browsers, one that does not read, few open files."""

import json
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from sms import push
from tests.bench import push as bench
from tests.stack import ROOT, Stack, wait_until

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

ENOUGH = 30_000  # news of a kilobyte that no socket can hold unread
LIMIT = "import resource, portal.asgi; print(resource.getrlimit(resource.RLIMIT_NOFILE))"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The broker and the push process."""
    with bench.running(tmp_path_factory.mktemp("push")) as running:
        yield running


def test_every_stream_hears_in_time_and_stays(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("<!-- push: begin -->\n<!-- push: end -->\n")

    assert bench.main(["--connections", "50", "--seconds", "1", "--write", str(document)]) == 0

    assert "50 still open" in document.read_text()
    assert document.read_text().count("|      50 |    50 |") == 4


def test_a_browser_that_does_not_read_is_told_the_end(stack: Stack) -> None:
    address = f"/events?token={push.make_token(['extension:1'])}"
    news = json.dumps({"text": "x" * 1000})
    with (
        Redis.from_url(stack.env["REDIS_URL"]) as client,
        socket.create_connection(("127.0.0.1", stack.push_port), timeout=20) as wire,
    ):
        wire.sendall(f"GET {address} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        read = b""
        while b"event: hello" not in read:
            read += wire.recv(65536)
        pipe = client.pipeline(transaction=False)
        for _ in range(ENOUGH):
            pipe.publish(f"{bench.ON_AIR}extension:1", news)
        pipe.execute()
        channel = f"{bench.ON_AIR}extension:1"
        wait_until(lambda: not client.pubsub_numsub(channel)[0][1], what="its leaving")
        while not read.endswith(b"0\r\n\r\n"):
            read = read[-5:] + wire.recv(1 << 20)
    assert read.endswith(b"\n\n\r\n0\r\n\r\n")


def test_as_many_files_may_be_open_as_the_system_allows(stack: Stack) -> None:
    _soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, {most})); {LIMIT}"
    environment = stack.env | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    said = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", few], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert said.stdout.decode().strip() == str((most, most))

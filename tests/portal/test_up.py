"""`manage.py up` and its embedded servers, with real processes and real signals."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal import embedded, keeper
from tests.stack import ROOT, STARTS_WITHIN, group_members, status_of, wait_until

pytestmark = pytest.mark.journey


class Clone:
    """A clone in which nothing is configured but where its data lies and which ports are free."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.push_port = keeper.free_port(), keeper.free_port()
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ENV_FILE": os.devnull,
            "VAR_DIR": str(folder / "var"),
            "PORT": str(self.port),
            "PUSH_PORT": str(self.push_port),
        }
        self.log = folder / "up.log"
        self.running: list[subprocess.Popen[bytes]] = []

    def up(self) -> subprocess.Popen[bytes]:
        """Start everything and wait until it greets."""
        self.log.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running.append(process)
        wait_until(lambda: self.greeted() or process.poll() is not None, STARTS_WITHIN, "the start")
        assert self.greeted(), self.log.read_text()
        return process

    def greeted(self) -> bool:
        """Tell whether the lines that say where to go were printed."""
        return "SMS Channel is running" in self.log.read_text()

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another management command beside it."""
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def processes(self) -> list[str]:
        """Return the command lines of all living processes that name our directory or ports."""
        marks = (str(self.folder), f"--port\0{self.port}\0", f"--port\0{self.push_port}\0")
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_text()
                lines.append(line + (path.parent / "environ").read_text())
            except OSError:  # it ended while we looked
                continue
        return [line for line in lines if any(mark in line for mark in marks)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """A clone that is stopped whatever happens."""
    clone = Clone(tmp_path)
    yield clone
    for process in clone.running:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_every_process_and_a_second_start_finds_the_data(
    clone: Clone, number: signal.Signals
) -> None:
    first = clone.up()
    assert status_of(clone.port, "/healthz") == 200
    secrets = (clone.folder / "var/dev.env").read_text()
    first.send_signal(number)
    assert first.wait(60) == 0
    assert clone.processes() == []
    assert group_members(first.pid) == []

    second = clone.up()
    assert (clone.folder / "var/dev.env").read_text() == secrets
    assert "already" not in clone.log.read_text()
    second.send_signal(number)
    assert second.wait(60) == 0


def test_other_commands_share_the_running_servers(clone: Clone) -> None:
    process = clone.up()
    done = clone.manage("showmigrations", "portal")
    assert "[X] 0001" in done.stdout
    assert status_of(clone.port, "/healthz") == 200
    address = clone.folder / "var/postgres/url"
    with socket.create_connection(
        ("127.0.0.1", int(address.read_text().split(":")[-1].split("/")[0]))
    ):
        pass
    process.terminate()
    assert process.wait(60) == 0


def test_a_second_one_on_the_same_data_is_refused(clone: Clone) -> None:
    clone.up()
    done = clone.manage("up")
    assert done.returncode == 1
    assert "already runs" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named_with_its_variable(clone: Clone) -> None:
    with socket.create_server(("127.0.0.1", clone.push_port)):
        done = clone.manage("up")
    assert done.returncode == 1
    assert "PUSH_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_end_of_one_process_ends_all_and_is_reported(clone: Clone) -> None:
    process = clone.up()
    beat = next(
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if "\0beat\0" in path.read_text()
        and str(clone.folder) in (path.parent / "environ").read_text()
    )
    os.kill(beat, signal.SIGKILL)
    assert process.wait(60) == 1
    assert "beat ended unexpectedly" in clone.log.read_text()
    assert clone.processes() == []


def test_nothing_survives_when_it_is_killed(clone: Clone) -> None:
    process = clone.up()
    process.kill()
    process.wait(10)
    wait_until(lambda: clone.processes() == [], 30, "the end of all processes")


def test_the_last_user_of_a_server_stops_it(tmp_path: Path) -> None:
    with embedded.use("valkey", tmp_path) as outer:
        with embedded.use("valkey", tmp_path) as inner:
            assert inner == outer
        assert embedded.is_kept(tmp_path)
    assert not embedded.is_kept(tmp_path)


def test_a_server_that_dies_is_started_again(tmp_path: Path) -> None:
    with embedded.use("valkey", tmp_path) as url:
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            password = (tmp_path / "password").read_text()
            client.sendall(f"AUTH {password}\r\nSHUTDOWN NOSAVE\r\n".encode())
            while client.recv(100):
                continue
        wait_until(lambda: is_open(port), 20, "the second start")
        assert (tmp_path / "url").read_text() == url


def is_open(port: int) -> bool:
    """Tell whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_secrets_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "var" / "dev.env"
    first: dict[str, str] = {}
    embedded.fill_secrets(first, path)
    second = {"SECRET_KEY": "mine"}
    embedded.fill_secrets(second, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert second == {"SECRET_KEY": "mine", "CREDENTIAL_KEYS": first["CREDENTIAL_KEYS"]}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"DEBUG": "true"}, True),
        ({"DEBUG": "on", "DATABASE_URL": "postgresql://x/y"}, True),
        ({"DATABASE_URL": "postgresql://x/y"}, False),
        ({"SECRET_KEY": "x", "DEBUG": "false"}, False),
    ],
)
def test_only_a_bare_or_debugging_clone_is_development(
    environment: dict[str, str], expected: bool
) -> None:
    assert embedded.is_development(environment) is expected

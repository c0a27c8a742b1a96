"""Knows how to run the whole product beside a test, and how to hurt it.

The processes are those of `manage.py up`, each started by its own command, so that a test can kill
and restart one of them. Everything lives below one directory; several stacks may run at once.
"""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from cryptography.fernet import Fernet

from portal import embedded, keeper
from portal.management.commands.up import commands

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")
STARTS_WITHIN = 60.0
STOPS_WITHIN = 30.0
SERVERS: dict[str, type[keeper.Server]] = {"postgres": keeper.Postgres, "valkey": keeper.Valkey}


def wait_until(look: Callable[[], T], seconds: float = 20.0, what: str = "it") -> T:
    """Look again and again until something true is seen; fail after the given time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} seconds")
        pause.wait(0.05)


def status_of(port: int, path: str) -> int:
    """Return the status of a GET, or 0 if nobody answers."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
        client.request("GET", path)
        return client.getresponse().status
    return 0


def held_port() -> socket.socket:
    """Return a socket that keeps a free port for the one who shares it.

    granian lets processes share a port, also those of another stack that was given the same one
    while ours was still starting: each would answer half of what the other is asked. Nobody else
    looking for a free port gets one that is bound; it does not listen, so it gets no requests.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind(("127.0.0.1", 0))
    return held


def group_members(group: int) -> list[int]:
    """Return the processes of a process group that live (Linux: read from /proc)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended while we looked
            state, _, pgrp = path.read_text().rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found.append(int(path.parent.name))
    return found


class Stack:
    """One running product; a context manager that stops it."""

    def __init__(self, folder: Path, **extra: str) -> None:
        self.folder = folder
        self.held = [held_port(), held_port()]
        self.port, self.push_port = (int(held.getsockname()[1]) for held in self.held)
        self.url = f"http://127.0.0.1:{self.port}"
        self.push_url = f"http://127.0.0.1:{self.push_port}"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ENV_FILE": os.devnull,
            "DEBUG": "true",
            "SECRET_KEY": "of-one-stack",
            "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
            "VAR_DIR": str(folder),
            "PORT": str(self.port),
            "PUSH_PORT": str(self.push_port),
            **extra,
        }
        self.commands = commands("127.0.0.1", self.port, self.push_port)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.servers = {
            kind: build(folder / kind, embedded.binaries(kind)) for kind, build in SERVERS.items()
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until a worker was seen."""
        for server in self.servers.values():
            server.start()
        self.env.setdefault("DATABASE_URL", self.servers["postgres"].url())
        self.env.setdefault("REDIS_URL", self.servers["valkey"].url())
        self.manage("migrate", "--verbosity", "0")
        for kind in self.commands:
            self.launch(kind)
        self.wait_ready()

    def launch(self, kind: str) -> None:
        """Start one of our own processes in a process group of its own."""
        with (self.folder / f"{kind}.log").open("ab") as log:
            self.processes[kind] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", *self.commands[kind]],
                cwd=ROOT,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self, seconds: float = STARTS_WITHIN) -> None:
        """Wait until the product says that it works."""
        wait_until(lambda: status_of(self.port, "/readyz") == 200, seconds, "/readyz 200")
        wait_until(lambda: status_of(self.push_port, "/healthz") == 200, seconds, "push alive")

    def manage(self, *words: str, text: str | None = None) -> str:
        """Run a management command beside the product and return what it printed."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.env,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"manage.py {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def pids(self, kind: str) -> list[int]:
        """Return the processes of this kind that live, the first one started first."""
        if kind in self.servers:
            process = self.servers[kind].process
            return [process.pid] if process is not None and process.poll() is None else []
        return sorted(group_members(self.processes[kind].pid)) if kind in self.processes else []

    def kill(self, kind: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to all processes of this kind and wait until they are gone."""
        if kind in self.servers:
            self.servers[kind].stop(number)
            return
        process = self.processes[kind]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(STOPS_WITHIN)
        wait_until(lambda: not group_members(process.pid), STOPS_WITHIN, f"the end of {kind}")

    def restart(self, kind: str, *, empty: bool = False) -> None:
        """Start it again (stopping it first if it lives), a server with or without its data."""
        if self.pids(kind):
            self.kill(kind, signal.SIGINT if kind == "postgres" else signal.SIGTERM)
        if kind not in self.servers:
            self.launch(kind)
            return
        if empty:
            names = {"postgres": "data", "valkey": "appendonlydir"}
            shutil.rmtree(self.servers[kind].folder / names[kind])
        self.servers[kind].start()

    def log(self, kind: str) -> str:
        """Return what a process of ours has logged so far."""
        return (self.folder / f"{kind}.log").read_text()

    def stop(self) -> None:
        """Stop everything, and see that nothing is left."""
        left: list[str] = []
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for kind, process in self.processes.items():
            try:
                process.wait(STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                left.append(kind)
            if group_members(process.pid):
                left.append(f"children of {kind}")
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for server in self.servers.values():
            server.stop(signal.SIGINT)
        for held in self.held:
            held.close()
        if left:
            raise AssertionError(f"still running after the stop: {left}")

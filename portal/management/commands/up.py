"""`manage.py up`: the whole product on one machine, ended by Ctrl-C."""

import contextlib
import fcntl
import functools
import http.client
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import Queue
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from honcho.manager import Manager
from honcho.process import Popen, Process

from portal import keeper
from portal.provisioning import demo

GRACE = 15  # seconds that open provider calls and requests get to end
STARTS_WITHIN = 60
STREAMS = 16_000  # open browsers of one push process; granian would keep the 1,025th waiting
STOPPED_BY_US = {130, 143}  # honcho's codes for SIGINT and SIGTERM


def commands(host: str, port: int, push_port: int) -> dict[str, list[str]]:
    """Return what runs, each by its own program, as in production."""
    granian = ["granian", "--host", host, "--no-ws", "--workers-kill-timeout"]
    return {
        "web": [
            *granian, "10", "--interface", "wsgi", "--port", str(port),
            "--workers", "2", "--blocking-threads", "16", "--respawn-failed-workers",
            # HTTP/2 is the proxy's work; of a core the server itself needs one thread.
            "--http", "1", "--runtime-mode", "st",
            "portal.wsgi:application",
        ],
        "push": [
            *granian, "1", "--interface", "asgi", "--port", str(push_port),
            "--backpressure", str(STREAMS), "portal.asgi:application",
        ],
        "worker": ["celery", "-A", "portal", "worker", "--loglevel", "INFO", "--without-mingle"],
        "beat": ["celery", "-A", "portal", "beat", "--loglevel", "INFO", "--pidfile="],
    }  # fmt: skip


class TetheredProcess(Process):  # type: ignore[misc] # honcho has no types
    """A process that does not outlive us, even if we are killed: the kernel sees to it."""

    def run(self, events: "Queue[Any] | None" = None, ignore_signals: bool = False) -> None:
        keeper.tie_to_parent(signal.SIGKILL)
        tie = functools.partial(keeper.tie_to_parent, signal.SIGTERM)
        self._child_ctor = functools.partial(Popen, preexec_fn=tie)
        super().run(events, ignore_signals)


class Stack(Manager):  # type: ignore[misc] # honcho has no types
    """Runs the processes; knows which one ended by itself."""

    def __init__(self) -> None:
        super().__init__()
        self._process_ctor = TetheredProcess
        self.culprits: list[str] = []
        self.kill_after = 0.0

    def terminate(self) -> None:
        """Ask all to end, once all are known: a signal may come between two starts."""
        if not self._all_started():
            threading.Timer(0.2, self.terminate).start()
            return
        if not self.kill_after:
            self.kill_after = time.monotonic() + GRACE
            if self.returncode not in STOPPED_BY_US:
                self.culprits = [n for n, p in self._processes.items() if "returncode" in p]
        super().terminate()

    def kill(self) -> None:
        """Leave them longer than honcho's five seconds: an open call may have cost money."""
        if time.monotonic() > self.kill_after:
            super().kill()


class Command(BaseCommand):
    """Prepares the database, starts every process, and stops them all together."""

    help = "Run web, push, worker and beat here; without URLs also PostgreSQL and Valkey."
    requires_system_checks: list[str] = []  # migrate runs them

    def handle(self, *args: object, **options: object) -> None:
        del args, options
        with only_one(settings.VAR_DIR / "up.lock"):
            require_free("PORT", settings.PORT)
            require_free("PUSH_PORT", settings.PUSH_PORT)
            self.prepare_database()
            if not settings.DEBUG:
                call_command("collectstatic", interactive=False, verbosity=0)
            self.run()

    def prepare_database(self) -> None:
        """Migrate, and put the demo into an empty database that only this machine reaches."""
        call_command("migrate", verbosity=0)
        is_empty = not apps.get_model("portal", "Tenant").objects.exists()
        if is_empty and (settings.DEBUG or settings.PUBLIC_IS_LOOPBACK):
            call_command("seed_demo", stdout=self.stdout)
        self.logins = demo.logins()
        # The processes are forked: they must not inherit a connection.
        for connection in connections.all(initialized_only=True):
            connection.close()
            connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it

    def run(self) -> None:
        """Run until told to stop, or until a process ends that should not."""
        stack = Stack()
        processes = commands(settings.HOST, settings.PORT, settings.PUSH_PORT)
        for name, words in processes.items():
            command = shlex.join([sys.executable, "-m", *words])
            stack.add_process(name, f"exec {command}", cwd=str(settings.BASE_DIR))
        threading.Thread(target=self.greet, daemon=True).start()
        stack.loop()
        if stack.returncode not in STOPPED_BY_US:
            names = " and ".join(stack.culprits)
            raise CommandError(f"{names} ended unexpectedly; everything was stopped.", returncode=1)
        self.stdout.write("Stopped.")

    def greet(self) -> None:
        """Say where to go as soon as the web process answers."""
        if not answers_within(STARTS_WITHIN):
            return
        url = settings.PUBLIC_URL
        lines = [
            "",
            "  SMS Channel is running.",
            f"    Client    {url}/",
            f"    Handset   {url}/handset/   (plays the outside world for sandbox trunks)",
            f"    Admin     {url}/admin/",
            f"    API       {url}/api/v1/docs/",
            *(f"    Login     {name:<11} {password}" for name, password in self.logins.items()),
            "  Ctrl-C stops everything.",
            "",
        ]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Refuse to run twice on the same data."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                f"`manage.py up` already runs on {path.parent}. "
                "Stop it, or set VAR_DIR, PORT and PUSH_PORT for a second one."
            ) from error
        yield


def require_free(variable: str, port: int) -> None:
    """Refuse to start where another program listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} of {settings.HOST} cannot be used ({error.strerror}). "
                f"Set {variable} to another one."
            ) from error


def answers_within(seconds: float) -> bool:
    """Tell whether the web process answers before the time is over."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    host = "127.0.0.1" if settings.HOST == "0.0.0.0" else settings.HOST  # noqa: S104 - compared
    while time.monotonic() < deadline:
        client = http.client.HTTPConnection(host, settings.PORT, timeout=5)
        with contextlib.closing(client), contextlib.suppress(OSError, http.client.HTTPException):
            client.request("GET", "/healthz")
            if client.getresponse().status == 200:
                return True
        pause.wait(0.2)
    return False

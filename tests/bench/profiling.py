"""Where the time goes: what the web and worker processes do under load, by part.

`python -m tests.bench.profiling` looks at the running processes from outside (py-spy), some hundred
times a second, and counts what holds the interpreter. A look belongs to the part that the innermost
frame with a known part is of, so that the standard library counts for whoever calls it. What the
processes spend beyond that is outside the interpreter: the server's own code, sockets, the kernel.
"""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import processes, report, workloads
from tests.bench.__main__ import say
from tests.bench.figures import Figures
from tests.bench.installation import Installation, installed
from tests.bench.workloads import Size
from tests.stack import STOPS_WITHIN

WATCHED = ("web", "worker")
RATE = 200
SMALLEST = 0.02
WARM_UP = 500
# Beginnings of paths, the longer ones first.
PARTS = {
    "sms/": "our code",
    "portal/": "our code",
    "providers/": "our code",
    "django/db/": "Django, database",
    "django/": "Django, requests",
    "rest_framework/": "REST framework",
    "psycopg": "psycopg",
    "requests/": "requests, urllib3",
    "urllib3/": "requests, urllib3",
    "http/client": "requests, urllib3",
    "celery/": "Celery, kombu",
    "kombu/": "Celery, kombu",
    "redis/": "redis-py",
    "phonenumbers/": "phonenumbers",
    "granian/": "granian",
}
FRAME = re.compile(r"(?P<function>.+) \((?P<path>[^)]+)\)")


@dataclass
class Samples:
    """How often each part was at work, and how often each of our functions was on the way to it."""

    total: int = 0
    parts: Counter[str] = field(default_factory=Counter)
    functions: Counter[str] = field(default_factory=Counter)

    def add(self, line: str) -> None:
        """Count one line of py-spy: the frames of a stack, outermost first, and how often."""
        stack, _space, times = line.rpartition(" ")
        count = int(times)
        frames = [found for frame in stack.split(";") if (found := FRAME.fullmatch(frame))]
        self.total += count
        self.parts[self._part(frames)] += count
        ours = {
            f"{found['path'].removesuffix('.py').replace('/', '.')}.{found['function']}"
            for found in frames
            if _known(found["path"]) == "our code"
        }
        for name in ours:
            self.functions[name] += count

    @staticmethod
    def _part(frames: Sequence[re.Match[str]]) -> str:
        known = (_known(found["path"]) for found in reversed(frames))
        return next(filter(None, known), "interpreter")


def _known(path: str) -> str:
    return next((part for start, part in PARTS.items() if path.startswith(start)), "")


@contextlib.contextmanager
def watched(place: Installation) -> Iterator[dict[str, Samples]]:
    """Sample the processes until the block ends; the samples are there only then."""
    found = {kind: Samples() for kind in WATCHED}
    program = Path(sys.executable).with_name("py-spy")
    first = processes.roots(place.stack)
    files = {kind: place.stack.folder / f"{kind}.samples" for kind in WATCHED}
    watchers = [
        subprocess.Popen(  # noqa: S603 - our own command
            [
                str(program), "record", "--pid", str(first[kind]), "--subprocesses",
                "--gil", "--nonblocking", "--format", "raw", "--nolineno", "--rate", str(RATE),
                "--output", str(file),
            ],
            stdout=subprocess.DEVNULL,
        )
        for kind, file in files.items()
    ]  # fmt: skip
    try:
        yield found
    finally:
        for watcher in watchers:
            watcher.send_signal(signal.SIGINT)
            watcher.wait(STOPS_WITHIN)
    for kind, file in files.items():
        for line in file.read_text().splitlines():
            found[kind].add(line)


def shown(done: Figures, found: dict[str, Samples]) -> str:
    """Return both tables of a workload: by part, and by our functions with all they call."""
    return (
        f"**{done.workload}**\n\n{_by_part(done, found)}\n\n"
        f"<details><summary>{done.workload}: by function</summary>\n\n"
        f"{_by_function(found)}\n\n</details>"
    )


def _by_part(done: Figures, found: dict[str, Samples]) -> str:
    looks = RATE * done.messages / 1000
    inside = {kind: samples.total / looks for kind, samples in found.items()}
    # Whoever holds the interpreter while other programs have the processor spends nothing.
    real = {kind: min(1.0, done.cpu[kind] / max(1e-9, inside[kind])) for kind in found}
    rows = [["CPU-s per 1,000", *found]]
    for part in sorted({part for samples in found.values() for part in samples.parts}):
        spent = [real[kind] * samples.parts[part] / looks for kind, samples in found.items()]
        rows.append([part, *map(report.number, spent)])
    beyond = [done.cpu[kind] - real[kind] * inside[kind] for kind in found]
    rows.append(["outside the interpreter", *map(report.number, beyond)])
    rows.append(["**all**", *(report.number(done.cpu[kind]) for kind in found)])
    return report.aligned(rows)


def _by_function(found: dict[str, Samples]) -> str:
    rows = [["with all that it calls", "process", "of the interpreter's time"]]
    for kind, samples in found.items():
        rows += [
            [name, kind, f"{count / samples.total:.0%}"]
            for name, count in samples.functions.most_common()
            if count >= SMALLEST * samples.total
        ]
    return report.aligned(rows)


def main(words: Sequence[str] | None = None) -> int:
    """Sample, show, and write where that is wanted."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profiling", description=__doc__)
    parser.add_argument("-n", "--messages", type=int, default=10_000, help="of each workload")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document to bring up")
    given = parser.parse_args(words)
    texts, clean = [], True
    with (
        tempfile.TemporaryDirectory(prefix="sms-channel-profile-") as folder,
        installed(Path(folder)) as place,
    ):
        for name in ("in", "out"):
            workloads.ALL[name](place, Size(WARM_UP))  # so that loading code is not in the samples
            with watched(place) as found:
                done = workloads.ALL[name](place, Size(given.messages, warm_up=0))
            say(report.line(done))
            clean = clean and done.is_clean
            texts.append(shown(done, found))
    text = "\n\n".join(texts)
    say("\n" + text)
    if given.write:
        report.write_block(given.write, "profile", text)
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())

"""How cost grows with what is stored and with how many trunks there are.

`python -m tests.bench.growth` measures IN and OUT on an empty product, with a million stored
messages, with a thousand trunks, and with both; and has every hot query explained at either end.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import report, storage, workloads
from tests.bench.__main__ import say
from tests.bench.figures import Figures
from tests.bench.installation import TRUNKS, Installation, installed
from tests.bench.plans import Plan, explained
from tests.bench.workloads import Size

MEASURED = ("in", "out")
ROUNDS = 4
# Pages below which growth is none, and how many times as many are more than deeper indexes.
NOTICEABLE, STEEP = 25, 3


def options(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("-n", "--messages", type=int, default=5000, help="of each workload")
    parser.add_argument("--stored", type=int, default=1_000_000, help="messages")
    parser.add_argument("--trunks", type=int, default=1000)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document to bring up")
    parser.add_argument("--plans", type=Path, metavar="FILE", help="the document of the plans")
    return parser.parse_args(words)


class Growth:
    """The measurements by the size of the installation, and the plans at either end."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.rows: list[tuple[str, dict[str, Figures]]] = []
        self.small: list[Plan] = []
        self.large: list[Plan] = []

    def measure(self, place: Installation, name: str) -> None:
        """Measure the workloads at one size, once every process knows every trunk."""
        size = replace(self.size, warm_up=max(self.size.warm_up, ROUNDS * len(place.mail.lines)))
        done = {}
        for workload in MEASURED:
            done[workload] = workloads.ALL[workload](place, size)
            say(f"  {name}: {report.line(done[workload])}")
        self.rows.append((name, done))

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost or doubled at any size."""
        return all(run.is_clean for _name, done in self.rows for run in done.values())

    def table(self) -> str:
        """Return cost and rate by size."""
        head = ["stored messages, trunks"]
        for workload in MEASURED:
            name = workload.upper()
            head += [f"{name}, CPU-s per 1,000", f"{name}, of it database", f"{name}, a second"]
        rows = [head]
        for name, done in self.rows:
            cells = [name]
            for run in done.values():
                cells += [
                    report.number(sum(run.cpu.values())),
                    report.number(run.cpu["postgres"]),
                    report.number(run.end_rate),
                ]
            rows.append(cells)
        return report.aligned(rows)

    def questions(self) -> str:
        """Return pages and time of every hot query at either end."""
        before = {(plan.occasion, plan.name): plan for plan in self.small}
        head = ["when", "query", "pages, empty", "full", "ms, empty", "full", ""]
        rows = [head]
        for plan in self.large:
            first = before.get((plan.occasion, plan.name))
            rows.append(
                [
                    plan.occasion,
                    plan.name,
                    f"{first.pages:,}" if first else "-",
                    f"{plan.pages:,}",
                    report.number(first.milliseconds) if first else "-",
                    report.number(plan.milliseconds),
                    verdict(first.pages if first else 0, plan.pages),
                ]
            )
        return report.aligned(rows)

    def plans(self) -> str:
        """Return the plans of the large end in full."""
        return "\n\n".join(
            f"## {plan.occasion}: {plan.name}\n\n```\n{plan.text}\n```" for plan in self.large
        )


def verdict(before: int, after: int) -> str:
    """Say whether a query reads more than its own rows and a few more levels of an index."""
    return "grows" if after > NOTICEABLE and after > STEEP * max(1, before) else "flat"


def grow(given: argparse.Namespace) -> Growth:
    """Take two installations through their sizes."""
    found = Growth(Size(given.messages))
    few, many = f"{TRUNKS} trunks", f"{given.trunks:,} trunks"
    for trunks, name in ((TRUNKS, few), (given.trunks, many)):
        with tempfile.TemporaryDirectory(prefix="sms-channel-growth-") as folder:
            say(f"Starting the product with {name}")
            with installed(Path(folder), trunks=trunks) as place:
                found.small = found.small or explained(place)
                found.measure(place, f"none, {name}")
                say(f"  Filling in {given.stored:,} messages")
                storage.fill(place, given.stored)
                found.measure(place, f"{given.stored:,}, {name}")
                found.large = explained(place)
    return found


def main(words: Sequence[str] | None = None) -> int:
    """Measure, show, and write where that is wanted."""
    given = options(words)
    found = grow(given)
    table, questions = found.table(), found.questions()
    say(f"\n{table}\n\n{questions}")
    if given.write:
        report.write_block(given.write, "growth", table)
        report.write_block(given.write, "queries", questions)
    if given.plans:
        report.write_block(given.plans, "plans", found.plans())
    return 0 if found.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())

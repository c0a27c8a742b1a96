"""The command: `python -m tests.bench`, what it runs and what it leaves behind."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.bench import machine, report, workloads
from tests.bench.figures import Figures, as_json
from tests.bench.installation import installed
from tests.bench.workloads import Size


def say(text: str) -> None:
    """Tell whoever waits how far we are."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def options(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", choices=[[], *workloads.ALL], metavar="WORKLOAD",
                        help=f"of {', '.join(workloads.ALL)}; without any: all")  # fmt: skip
    parser.add_argument("-n", "--messages", type=int, default=Size.messages)
    parser.add_argument("--seconds", type=int, default=Size.seconds, help="of a fixed rate")
    parser.add_argument("--runs", type=int, default=1, help="each on a product of its own")
    parser.add_argument("--people", type=int, default=0, help="at the other end; 0: all differ")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the document to bring up")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run it; return 0 if nothing was lost, doubled or refused."""
    given = options(words)
    size = Size(given.messages, given.seconds)
    runs: dict[str, list[Figures]] = {name: [] for name in given.workloads or workloads.ALL}
    facts: dict[str, str] = {}
    for number in range(1, given.runs + 1):
        with tempfile.TemporaryDirectory(prefix="sms-channel-bench-") as folder:
            say(f"Run {number} of {given.runs}: starting the product")
            with installed(Path(folder)) as place:
                place.with_people(given.people)
                facts = facts or machine.description(place)
                for name, done in runs.items():
                    say(f"  {name} ...")
                    done.append(workloads.ALL[name](place, size))
                    say("  " + report.line(done[-1]))
    shown = report.facts(facts) + "\n\n" + report.table(runs)
    say("\n" + shown)
    if given.json:
        rows = [as_json(run) for done in runs.values() for run in done]
        given.json.write_text(json.dumps({"machine": facts, "runs": rows}, indent=1) + "\n")
    if given.write:
        report.write_block(given.write, "figures", shown)
    unclean = [run.workload for done in runs.values() for run in done if not run.is_clean]
    if unclean:
        say(f"NOT CLEAN: {', '.join(unclean)}")
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())

"""How figures are shown: a table to read, one in Markdown for the documentation, and JSON."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.figures import Figures, Range, ranges

COLUMNS: dict[str, tuple[str, ...]] = {
    "accepted a second": ("accepted/s",),
    "request to answer, ms: p50; p95; p99": ("accept p50", "accept p95", "accept p99"),
    "end to end a second": ("end to end/s",),
    "to the far side, ms: p50; p95; p99": ("arrive p50", "arrive p95", "arrive p99"),
    "CPU-s per 1,000": ("CPU-s/1,000",),
    "peak MB": ("peak MB",),
    "lost": ("lost",),
    "doubled": ("doubled",),
}
EXACT = {"lost", "doubled"}
BY_PROCESS = {"CPU-s per 1,000": "CPU ", "peak MB": "memory "}
MARK = "<!-- {name}: {edge} -->"


def number(value: float) -> str:
    """Write a number with three digits that count."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 0.1 else f"{value:.3f}"


def spread(values: Range, *, exact: bool = False) -> str:
    """Write minimum, median and maximum, or the one number that they are."""
    low, middle, high = values
    if exact:
        return number(high)
    if low == high:
        return number(middle)
    return f"{number(low)} / {number(middle)} / {number(high)}"


def table(runs: Mapping[str, Sequence[Figures]]) -> str:
    """Return the figures of all workloads in Markdown, which is readable as it is."""
    head = ["workload", "messages", *COLUMNS]
    rows = [_cells(of) for of in runs.values() if of]
    tables = [aligned([head, *rows])]
    tables += [_by_process(runs, title, prefix) for title, prefix in BY_PROCESS.items()]
    return "\n\n".join(filter(None, [*tables, _notes(runs)]))


def line(run: Figures) -> str:
    """Return the gist of one run, to be shown while the others still go on."""
    spent = f", {number(sum(run.cpu.values()))} CPU-s per 1,000" if run.cpu else ""
    return (
        f"{run.workload}: {number(run.accept_rate)} accepted a second, {number(run.end_rate)} end "
        f"to end{spent}, {number(run.accepted)} of {number(run.messages)} accepted, "
        f"{run.lost} lost, {run.doubled} doubled"
    )


def _cells(runs: Sequence[Figures]) -> list[str]:
    found = ranges(runs)
    cells = [runs[0].workload, number(runs[0].messages)]
    for title, names in COLUMNS.items():
        shown = [spread(found[name], exact=title in EXACT) for name in names if name in found]
        cells.append("; ".join(shown) or "-")
    return cells


def _by_process(runs: Mapping[str, Sequence[Figures]], title: str, prefix: str) -> str:
    """Return the medians of what each kind of process cost."""
    found = {of[0].workload: ranges(of) for of in runs.values() if of}
    costs = {
        name: {key.removeprefix(prefix): row[key][1] for key in row if key.startswith(prefix)}
        for name, row in found.items()
    }
    kinds = list(dict.fromkeys(kind for cost in costs.values() for kind in cost if kind != "all"))
    rows = [[name, *(number(cost[kind]) for kind in kinds)] for name, cost in costs.items() if cost]
    return aligned([[title, *kinds], *rows]) if rows else ""


def _notes(runs: Mapping[str, Sequence[Figures]]) -> str:
    return "\n".join(
        f"- {run.workload}: {name} {number(value)}"
        for of in runs.values()
        for run in of
        for name, value in run.notes.items()
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table with even columns; the first row is the head."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]

    def written(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "| " + " | ".join(padded) + " |"

    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(map(written, [rows[0], rule, *rows[1:]]))


def facts(machine: Mapping[str, str]) -> str:
    """Return what a benchmark ran on, one fact a line."""
    return "\n".join(f"- {name}: {value}" for name, value in machine.items())


def write_block(path: Path, name: str, text: str) -> None:
    """Replace what stands in a document between the two marks of a name."""
    begin, end = (MARK.format(name=name, edge=edge) for edge in ("begin", "end"))
    old = path.read_text()
    if old.count(begin) != 1 or old.count(end) != 1:
        raise SystemExit(f"{path} lacks the marks {begin} and {end}")
    pattern = re.escape(begin) + r".*?" + re.escape(end)
    fresh = f"{begin}\n\n{text.strip()}\n\n{end}"
    path.write_text(re.sub(pattern, lambda _found: fresh, old, flags=re.DOTALL))

"""How figures are shown: a table to read, one in Markdown for the documentation, and JSON."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.figures import Figures, Range, ranges

COLUMNS: dict[str, tuple[str, ...]] = {
    "accepted a second": ("accepted/s",),
    "request to answer, ms": ("accept p50", "accept p95", "accept p99"),
    "end to end a second": ("end to end/s",),
    "to the far side, ms": ("arrive p50", "arrive p95", "arrive p99"),
    "CPU-s per 1,000": ("CPU-s/1,000",),
    "peak MB": ("peak MB",),
    "lost": ("lost",),
    "doubled": ("doubled",),
}
EXACT = {"lost", "doubled"}
CPU = "CPU "
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
    return aligned([head, *rows]) + "\n\n" + _by_process(runs) + _notes(runs)


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


def _by_process(runs: Mapping[str, Sequence[Figures]]) -> str:
    """Return what the processor seconds of a thousand messages are spent in, as medians."""
    counted = [of for of in runs.values() if of and of[0].cpu]
    if not counted:
        return ""
    kinds = list(counted[0][0].cpu)
    rows = [["CPU-s per 1,000", *kinds]]
    for of in counted:
        found = ranges(of)
        rows.append([of[0].workload, *(number(found[CPU + kind][1]) for kind in kinds)])
    return aligned(rows) + "\n"


def _notes(runs: Mapping[str, Sequence[Figures]]) -> str:
    lines = [
        f"{run.workload}: {name} {number(value)}."
        for of in runs.values()
        for run in of
        for name, value in run.notes.items()
    ]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


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

"""What a run measured, in numbers that can be compared: rates, percentiles, costs, losses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tests.bench.generator import Stamp

MILLION = 1e6
Range = tuple[float, float, float]


@dataclass(frozen=True)
class Spread:
    """Percentiles of a latency in milliseconds."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0

    @classmethod
    def of(cls, nanoseconds: Iterable[int]) -> "Spread":
        """Take the percentiles; what arrived before it was confirmed took no time."""
        ordered = sorted(max(0, value) / MILLION for value in nanoseconds)
        if not ordered:
            return cls()
        last = len(ordered) - 1
        return cls(*(ordered[round(last * share)] for share in (0.50, 0.95, 0.99)))


@dataclass(frozen=True)
class Figures:
    """One run of one workload. ``cpu`` is empty where a process was killed on the way.

    ``notes`` are further counts that belong to the run.
    """

    workload: str
    messages: int
    accepted: int
    accept_rate: float
    accept: Spread
    arrived: int
    end_rate: float
    arrive: Spread
    lost: int
    doubled: int
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether everything was accepted, and nothing was lost or doubled."""
        return self.accepted == self.messages and not self.lost and not self.doubled


def rate(stamps: Sequence[int], since: int) -> float:
    """Return how many a second there were from ``since`` to the last of them."""
    return len(stamps) * 1e9 / max(1, max(stamps) - since) if stamps else 0.0


def first_sent(stamps: Sequence[Stamp]) -> int:
    """Return when the first request was sent."""
    return min(stamp.sent for stamp in stamps)


def row_of(figures: Figures) -> dict[str, float]:
    """Return a run as named numbers, in the order in which they are shown."""
    row: dict[str, float] = {"accepted/s": figures.accept_rate}
    row |= {f"accept {name}": value for name, value in vars(figures.accept).items()}
    row |= {"end to end/s": figures.end_rate}
    row |= {f"arrive {name}": value for name, value in vars(figures.arrive).items()}
    if figures.cpu:
        row["CPU-s/1,000"] = sum(figures.cpu.values())
        row |= {f"CPU {kind}": value for kind, value in figures.cpu.items()}
    row |= {f"memory {kind}": value for kind, value in figures.memory.items()}
    row |= {
        "peak MB": figures.memory.get("all", 0.0),
        "lost": figures.lost,
        "doubled": figures.doubled,
    }
    return row | figures.notes


def ranges(runs: Sequence[Figures]) -> dict[str, Range]:
    """Return minimum, median and maximum of every number over the runs of a workload."""
    rows = [row_of(run) for run in runs]
    return {
        name: (min(column), median(column), max(column))
        for name in rows[0]
        for column in [[row.get(name, 0.0) for row in rows]]
    }


def as_json(figures: Figures) -> dict[str, Any]:
    """Return a run for a machine."""
    return {
        "workload": figures.workload,
        "messages": figures.messages,
        "accepted": figures.accepted,
        "arrived": figures.arrived,
        **row_of(figures),
    }

"""The benchmark still runs against the product as it is, and notices what it is there to notice."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench import report, workloads
from tests.bench.figures import Figures, Spread
from tests.bench.generator import Generator, Job
from tests.bench.installation import Installation, furnished, lines
from tests.bench.ledger import Ledger
from tests.bench.prepared import Mail
from tests.bench.provider import Provider, Seen
from tests.bench.workloads import Size
from tests.journeys.conftest import World

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

SMALL = Size(messages=40, seconds=1, warm_up=4)
MAIL = Mail("http://127.0.0.1", "token", lines(2), salt=1)
CLEAN = Figures(
    workload="IN",
    messages=2,
    accepted=2,
    accept_rate=10.0,
    accept=Spread(),
    arrived=2,
    end_rate=10.0,
    arrive=Spread(),
    lost=0,
    doubled=0,
)


@pytest.fixture(scope="module")
def place(world: World) -> Iterator[Installation]:
    """The product of the journeys, with the benchmark's tenant and the stub that only counts."""
    with Generator() as generator, Ledger(world.stack.env["DATABASE_URL"]) as ledger:
        yield furnished(world.stack, world.counter, generator, ledger)


@pytest.mark.parametrize("name", workloads.ALL)
def test_a_workload_arrives_whole_and_is_priced(place: Installation, name: str) -> None:
    figures = workloads.ALL[name](place, SMALL)
    assert figures.is_clean
    # What a killed worker had taken and not yet handed over is shown as unconfirmed.
    shown = figures.notes.get("unconfirmed, not with the provider", 0)
    assert figures.accepted == figures.messages == figures.arrived + shown
    assert 0 < figures.accept.p50 <= figures.accept.p95 <= figures.accept.p99
    assert figures.accept_rate > 0
    assert figures.end_rate > 0
    assert figures.memory["all"] > figures.memory["worker"] > 0
    if name != "restart":
        assert {"web", "push", "worker", "beat", "postgres", "valkey"} == set(figures.cpu)
        assert sum(figures.cpu.values()) > 0


class OddSeen(Seen):
    """A provider that never got one message, and got another one twice."""

    def __init__(self, never: bytes, twice: bytes) -> None:
        super().__init__()
        self._never, self._twice = never, twice

    def note(self, request: bytes) -> None:
        if self._never not in request:
            super().note(request)
        if self._twice in request:
            super().note(request)


def test_a_message_that_got_lost_and_one_that_went_twice_are_counted(place: Installation) -> None:
    before, first = place.provider.seen, place.next_key + SMALL.warm_up
    place.provider.seen = OddSeen(b"bench-%08d" % (first + 3), b"bench-%08d" % (first + 5))
    figures = workloads.outbound(place, SMALL)
    place.provider.seen = before
    assert (figures.accepted, figures.arrived) == (SMALL.messages, SMALL.messages - 1)
    assert (figures.lost, figures.doubled) == (1, 1)


def test_the_stub_notices_what_comes_twice() -> None:
    requests = MAIL.texts([1, 2, 2])
    with Provider(delay=0.0) as provider, Generator() as generator:
        port = int(provider.host.rpartition(":")[2])
        done = generator.start(Job(port, requests)).result(60)
    assert [stamp.status for stamp in done.stamps] == [201, 201, 201]
    assert {key: call.times for key, call in provider.seen.calls.items()} == {1: 1, 2: 2}


def test_requests_at_a_fixed_rate_are_timed_from_when_they_were_due() -> None:
    with Provider(delay=0.02) as provider, Generator() as generator:
        port = int(provider.host.rpartition(":")[2])
        requests = MAIL.texts(range(20))
        done = generator.start(Job(port, requests, rate=200.0, connections=1)).result(60)
    # One connection answers 50 a second at most, so the last one has waited for all before it.
    waited = [stamp.answered - stamp.sent for stamp in done.stamps]
    assert waited[-1] > 10 * min(waited)


def test_a_server_that_hangs_up_has_accepted_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, Generator() as generator:
        running = generator.start(Job(server.getsockname()[1], MAIL.texts([1]), connections=1))
        client, _address = server.accept()
        client.recv(65536)
        client.close()
        assert [stamp.status for stamp in running.result(60).stamps] == [0]


@pytest.mark.parametrize("fault", [{"accepted": 1}, {"lost": 1}, {"doubled": 1}])
def test_a_run_with_a_fault_is_not_clean(fault: dict[str, int]) -> None:
    assert CLEAN.is_clean
    assert not replace(CLEAN, **fault).is_clean  # type: ignore[arg-type] # all of them are counts


def test_the_figures_replace_what_the_document_held_before(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("# Head\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nfoot\n")
    slow = replace(CLEAN, accept_rate=8.0)
    report.write_block(document, "figures", report.table({"in": [CLEAN, slow, CLEAN]}))
    text = document.read_text()
    assert "old" not in text
    assert "8 / 10 / 10" in text
    assert text.startswith("# Head")
    assert text.endswith("foot\n")

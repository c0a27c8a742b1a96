"""The same thing at the same instant: webhooks, sweeps, beats; and one genuine among forgeries."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crowd import PATIENCE
from tests.faults.audit import settled
from tests.faults.world import BOTH, TELNYX, TWILIO, World
from tests.journeys import wires
from tests.stack import wait_until

CONNECTIONS = 20
# Without an id, a text that comes again at once is a redelivery.
TRUNKS = (*BOTH, "QB")


def from_all_connections(work: Callable[[int], int]) -> list[int]:
    """Do it on so many connections at the same instant; return what each came to."""
    start = threading.Barrier(CONNECTIONS)

    def run(number: int) -> int:
        start.wait(PATIENCE)
        return work(number)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(run, range(CONNECTIONS)))


@pytest.mark.parametrize("trunk", TRUNKS)
def test_one_webhook_from_20_connections_at_once_is_one_message(
    world: World, rounds: int, trunk: str
) -> None:
    for number in range(rounds):
        text = f"{trunk} once {number}"
        answers = from_all_connections(lambda _n: world.bring(trunk, text))  # noqa: B023 - at once
        assert answers == [200] * CONNECTIONS
    assert settled(world) == {f"{trunk} once {number}": "received" for number in range(rounds)}


@pytest.mark.parametrize("trunk", BOTH)
def test_one_key_from_20_connections_at_once_is_one_message(
    world: World, rounds: int, trunk: str
) -> None:
    for number in range(rounds):
        text = f"{trunk} key {number}"
        answers = from_all_connections(lambda _n: world.send(trunk, text))  # noqa: B023 - at once
        assert answers == [202] * CONNECTIONS
    assert len(world.accepted) == rounds
    assert set(settled(world).values()) == {"accepted"}


def test_a_flood_of_forgeries_neither_stops_nor_hides_a_genuine_text(
    world: World, rounds: int
) -> None:
    before = refused(world)
    each = 10 * rounds
    text = "genuine"

    def flood(number: int) -> int:
        forged = (
            wires.twilio_text(world.webhooks[TWILIO], f"SM{number:032x}", "forged", secret="f" * 32)
            for _each in range(each)
        )
        return sum(answer.status == 403 for answer in forged)

    def genuine() -> int:
        # In the middle: some forgeries came before it, the others are on their way.
        wait_until(lambda: refused(world) - before > each, what="forgeries")
        return world.bring(TWILIO, text)

    answers = from_all_connections(lambda number: flood(number) if number else genuine())
    assert answers == [200] + [each] * (CONNECTIONS - 1)
    assert refused(world) - before == each * (CONNECTIONS - 1)
    assert settled(world) == {text: "received"}
    kept = world.rows("SELECT count(*) FROM sms_providerevent WHERE reason = 'refused'")
    assert 0 < kept[0][0] <= 20


def refused(world: World) -> int:
    """Return how many requests were refused so far."""
    counted = world.rows("SELECT coalesce(sum(count), 0) FROM sms_refusedcount")
    return int(counted[0][0])


def test_two_beats_make_nothing_happen_twice(world: World) -> None:
    with world.another("beat", "-s", str(world.orders.parent / "second-schedule")):
        with world.frozen("beat"):
            rung = world.expect_sweep("worker")
            wait_until(lambda: world.is_done(*rung), what="a ring of the second beat")
        for trunk in BOTH:
            world.send_all(trunk, *(f"{trunk} beats {number}" for number in range(20)))
            assert world.bring(trunk, f"{trunk} beats in") == 200
        states = settled(world)
    assert set(states.values()) == {"accepted", "received"}


def test_two_workers_that_sweep_at_once_free_each_message_once(world: World) -> None:
    with world.another("worker", "-n", "second@%h") as second:
        wait_until(lambda: " ready." in world.stack.log(second), what="a second worker")
        both = ("worker", second)
        texts = {trunk: [f"{trunk} swept {number}" for number in range(8)] for trunk in BOTH}
        for trunk in BOTH:
            # As a killed worker leaves them: claimed long ago, and nobody at work on them.
            with world.frozen("worker"), world.frozen(second):
                world.send_all(trunk, *texts[trunk])
                world.rows(
                    "UPDATE sms_message SET state = 'sending', claimed_at = '2026-01-01'"
                    " WHERE text = ANY(%s)",
                    [texts[trunk]],
                )
                world.ring_sweeps(16)
                swept = world.expect_sweep(*both)
            wait_until(lambda: world.is_done(*swept), what="a sweep of each")  # noqa: B023 - at once
        states = settled(world)
    assert states == dict.fromkeys(texts[TWILIO], "unconfirmed") | dict.fromkeys(
        texts[TELNYX], "accepted"
    )
    lines = dict(world.rows("SELECT text, history FROM sms_message"))
    freed = {
        text: sum("stopped" in line.get("note", "") for line in lines[text])
        for text in (*texts[TWILIO], *texts[TELNYX])
    }
    assert set(freed.values()) == {1}

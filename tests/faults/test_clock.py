"""Clocks that jump while texts wait and calls are open."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.faults.audit import settled
from tests.faults.provider import Step
from tests.faults.world import BOTH, TWILIO, World
from tests.stack import wait_until

HOUR = 3600.0
EVERYTHING = ("web", "worker", "beat")


@contextlib.contextmanager
def jumped(world: World, seconds: float, *kinds: str) -> Iterator[None]:
    """Have the clocks of these processes jump, and in the end jump back."""
    for kind in kinds:
        world.set_clock(kind, seconds)
    try:
        yield
    finally:
        for kind in kinds:
            world.set_clock(kind, 0)


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour forth", "an hour back"])
@pytest.mark.parametrize("kinds", [EVERYTHING, ("worker",)], ids=["everywhere", "at the worker"])
def test_a_clock_that_jumps_loses_and_doubles_nothing(
    world: World, hours: int, kinds: tuple[str, ...]
) -> None:
    word = f"{'-'.join(kinds)} {hours}"
    opened = {trunk: f"{trunk} {word} open" for trunk in BOTH}
    before, after = {t: f"{t} {word} before" for t in BOTH}, {t: f"{t} {word} after" for t in BOTH}
    with world.provider.without(world.provider.gate):
        for trunk, text in opened.items():
            world.provider.script(text, Step(held=True))
            world.send_all(trunk, text)
            wait_until(lambda: world.provider.read(text), what="the request")  # noqa: B023 - at once
        with world.frozen("worker"):
            for trunk in BOTH:
                world.send_all(trunk, before[trunk])
            assert world.bring(TWILIO, f"{word} before in") == 200
        with jumped(world, hours * HOUR, *kinds):
            for trunk in BOTH:
                world.send_all(trunk, after[trunk])
            # Not by Telnyx, whose signatures hold for minutes by our clock.
            assert world.bring(TWILIO, f"{word} after in") == 200
            # By such a clock the open calls may be an hour old when the sweep sees them.
            swept = world.expect_sweep("worker")
            wait_until(lambda: world.is_done(*swept), what="a sweep")
            world.provider.gate.set()
            # Whatever is due by the clock as it is now goes its way; the rest waits for its time.
            if hours > 0:
                settled(world)
            elif kinds == EVERYTHING:
                wait_until(lambda: all(world.state(text) == "accepted" for text in after.values()))
    states = settled(world)
    assert states.pop(opened[TWILIO]) in {"accepted", "unconfirmed"}
    assert set(states.values()) == {"accepted", "received"}


def test_a_jump_over_the_deadline_ends_what_waits_and_says_why(world: World) -> None:
    texts = {trunk: f"{trunk} too late" for trunk in BOTH}
    world.provider.refuse()
    for trunk, text in texts.items():
        world.send_all(trunk, text)
        wait_until(lambda: world.error(text), what="a reason to wait")  # noqa: B023 - at once
    with jumped(world, 25 * HOUR, "worker", "beat"):
        states = settled(world)
    world.provider.listen()
    assert states == dict.fromkeys(texts.values(), "failed")


@pytest.mark.parametrize("hours", [1, -1], ids=["an hour forth", "an hour back"])
@pytest.mark.parametrize("kinds", [EVERYTHING, ("worker",)], ids=["everywhere", "at the worker"])
def test_sweeps_go_on_whatever_the_clock_says(
    world: World, hours: int, kinds: tuple[str, ...]
) -> None:
    with jumped(world, hours * HOUR, *kinds):
        swept = world.expect_sweep("worker")
        wait_until(lambda: world.is_done(*swept), what="a sweep")
    swept = world.expect_sweep("worker")
    wait_until(lambda: world.is_done(*swept), what="a sweep after the clock was put right")
    assert settled(world) == {}

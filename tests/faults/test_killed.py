"""Processes killed at every point of a message's way: nothing is lost, nothing is doubled."""

import uuid

import pytest

from tests.faults import points
from tests.faults.audit import settled
from tests.faults.provider import Step
from tests.faults.world import BOTH, TELNYX, TWILIO, World
from tests.journeys import wires
from tests.stack import wait_until

REFUSED = Step(status=400, body=b'{"code": 21211, "message": "no such number"}', takes=False)


def kill_at(world: World, point: str, trunk: str, texts: list[str]) -> None:
    """Have a worker killed at a point of its way with these texts, all of them due."""
    [worker] = world.workers()
    with world.frozen("worker"):
        world.send_all(trunk, *texts)
        world.order(point)
    wait_until(lambda: world.is_done(point), what=f"a worker {point}")
    wait_until(lambda: worker not in world.workers(), what="the worker's end")
    wait_until(world.workers, what="another worker")


@pytest.mark.parametrize("trunk", BOTH)
def test_a_worker_killed_at_every_point_between_claim_and_settle(
    world: World, rounds: int, trunk: str
) -> None:
    for n in range(max(1, rounds // 10)):
        for point in points.WORKER:
            texts = [f"{trunk} {point} {n} {number}" for number in range(4)]
            if point == "inside the settling":
                # What is not taken is settled in a transaction: here it is still open.
                for text in texts:
                    world.provider.script(text, REFUSED)
            kill_at(world, point, trunk, texts)
    states = settled(world)
    ends = {TWILIO: {"accepted", "unconfirmed", "failed"}, TELNYX: {"accepted", "failed"}}
    assert set(states.values()) <= ends[trunk]


def test_a_worker_killed_while_the_provider_thinks(world: World) -> None:
    texts = {trunk: f"{trunk} thinks" for trunk in BOTH}
    for trunk, text in texts.items():
        world.provider.script(text, Step(first=lambda _heard: world.kill_worker()))
        world.send_all(trunk, text)
        wait_until(lambda: world.provider.read(text), what="the request")  # noqa: B023 - at once
        wait_until(world.workers, what="another worker")
    states = settled(world)
    # Whether the first one took it cannot be known; the second one was asked again.
    assert states == {texts[TWILIO]: "unconfirmed", texts[TELNYX]: "accepted"}
    assert len(world.provider.read(texts[TELNYX])) == 2


def test_a_worker_killed_with_many_calls_open_leaves_exactly_those_in_doubt(world: World) -> None:
    provider, texts = world.provider, [f"many {number}" for number in range(40)]
    for text in texts:
        provider.script(text, Step(held=True))
    with provider.without(provider.gate):
        world.send_all(TWILIO, *texts)
        wait_until(lambda: 0 < len(read(world, texts)) == sending(world), what="calls")
        world.kill_worker()
        opened = read(world, texts)
    states = settled(world)
    assert {text for text in texts if states[text] == "unconfirmed"} == opened
    assert {states[text] for text in set(texts) - opened} == {"accepted"}
    # What is in doubt is settled by its receipt.
    text = min(opened)
    [call] = provider.read(text)
    fields = {"MessageSid": f"SM{uuid.uuid4().hex}", "MessageStatus": "delivered"}
    wires.twilio(call.heard.form()["StatusCallback"][0], fields)
    wait_until(lambda: world.state(text) == "delivered", what="delivered")


def read(world: World, texts: list[str]) -> set[str]:
    """Return which of these texts the provider has read."""
    return {text for text in texts if world.provider.read(text)}


def sending(world: World) -> int:
    """Return how many messages are being sent."""
    return len(world.rows("SELECT 1 FROM sms_message WHERE state = 'sending'"))


@pytest.mark.parametrize("point", points.WEB)
def test_a_web_process_killed_while_it_keeps_a_request(world: World, point: str) -> None:
    for trunk in BOTH:
        sent, brought = f"{trunk} {point} out", f"{trunk} {point} in"
        # Nobody got an answer, so both ask once more, as they would.
        world.order(point)
        assert world.send(trunk, sent) == 0
        assert wait_until(lambda: world.send(trunk, sent)) == 202  # noqa: B023 - at once
        world.order(point)
        assert world.bring(trunk, brought) == 0
        assert wait_until(lambda: world.bring(trunk, brought)) == 200  # noqa: B023 - at once
    assert set(settled(world).values()) == {"accepted", "received"}
    assert world.is_done(point)

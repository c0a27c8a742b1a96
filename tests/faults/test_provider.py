"""A provider that refuses, hangs, resets and answers nonsense."""

import uuid

import pytest

from tests.faults.audit import settled
from tests.faults.provider import Step
from tests.faults.world import BOTH, TELNYX, TWILIO, World
from tests.journeys import wires
from tests.journeys.carrier import Heard
from tests.stack import wait_until
from tests.web import Answer

HTML = (("Content-Type", "text/html"),)
GATEWAY = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
# What comes once in place of the usual answer; where a text ends of which nobody knows whether the
# provider took it, and where nobody doubts.
UNKNOWN, TAKEN = "unconfirmed", "accepted"
ANSWERS = {
    "429 and a pause": (Step(429, b"{}", (("Retry-After", "1"),), takes=False), TAKEN),
    "429 without a pause": (Step(429, b"{}", takes=False), TAKEN),
    "500 and not taken": (Step(500, b"{}", takes=False), UNKNOWN),
    "500 although taken": (Step(500, b"{}"), UNKNOWN),
    "502 in HTML": (Step(502, GATEWAY, HTML, takes=False), UNKNOWN),
    "502 in HTML although taken": (Step(502, GATEWAY, HTML), UNKNOWN),
    "200 with an error": (Step(200, b'{"code": 1, "errors": [{"title": "no"}]}'), UNKNOWN),
    "200 in HTML": (Step(200, GATEWAY, HTML), UNKNOWN),
    "200 and nothing": (Step(200), UNKNOWN),
    "silence": (Step(held=True), UNKNOWN),
    "a reset": (Step(cut=True, takes=False), UNKNOWN),
    "a reset although taken": (Step(cut=True), UNKNOWN),
}


@pytest.mark.parametrize("trunk", BOTH)
def test_an_odd_answer_neither_loses_nor_doubles_a_text(world: World, trunk: str) -> None:
    texts = {f"{trunk} {name}": answer for name, answer in ANSWERS.items()}
    with world.provider.without(world.provider.gate):
        for text, (step, _end) in texts.items():
            world.provider.script(text, step)
        world.send_all(trunk, *texts)
        states = settled(world)
    # A provider that drops repeats is asked again, one that does not is not.
    ends = {text: TAKEN if trunk == TELNYX else end for text, (_step, end) in texts.items()}
    assert states == ends
    asked = {text: len(world.provider.read(text)) for text in texts}
    assert asked == {text: 1 if states[text] == UNKNOWN else 2 for text in texts}
    if trunk == TELNYX:
        keys = [{call.key for call in world.provider.read(text)} for text in texts]
        assert {len(one) for one in keys} == {1}


def test_a_provider_that_refuses_connections_is_called_again(world: World) -> None:
    texts = {trunk: f"{trunk} refused" for trunk in BOTH}
    world.provider.refuse()
    for trunk, text in texts.items():
        world.send_all(trunk, text)
        # The reason is there while it waits.
        wait_until(lambda: "refused the connection" in world.error(text))  # noqa: B023 - at once
    world.provider.listen()
    assert settled(world) == dict.fromkeys(texts.values(), "accepted")
    assert {len(world.provider.read(text)) for text in texts.values()} == {1}


@pytest.mark.parametrize("manner", ["hears nothing", "greets with a reset"])
def test_a_provider_that_does_not_read_leaves_the_outcome_open(world: World, manner: str) -> None:
    texts = {trunk: f"{trunk} {manner}" for trunk in BOTH}
    provider = world.provider
    sense = provider.hears if manner == "hears nothing" else provider.greets
    with provider.without(sense):
        for trunk, text in texts.items():
            world.send_all(trunk, text)
        wait_until(lambda: world.state(texts[TWILIO]) == "unconfirmed", what="unconfirmed")
        wait_until(lambda: world.error(texts[TELNYX]), what="a reason to wait")
    states = settled(world)
    assert states == {texts[TWILIO]: "unconfirmed", texts[TELNYX]: "accepted"}
    assert provider.read(texts[TWILIO]) == []


@pytest.mark.parametrize("trunk", BOTH)
def test_two_texts_that_got_one_id_are_told_apart_by_their_receipts(
    world: World, trunk: str
) -> None:
    texts = [f"{trunk} one id {number}" for number in range(2)]
    ident = uuid.uuid4().hex
    for text in texts:
        world.provider.script(text, Step(ident=ident))
    world.send_all(trunk, *texts)
    assert settled(world) == dict.fromkeys(texts, "accepted")
    [call] = world.provider.read(texts[1])
    assert receipt(trunk, call.heard, ident).status == 200
    wait_until(lambda: world.state(texts[1]) == "delivered", what="delivered")
    assert settled(world) == {texts[0]: "accepted", texts[1]: "delivered"}


@pytest.mark.parametrize("trunk", BOTH)
def test_a_receipt_before_the_answer_counts(world: World, trunk: str) -> None:
    text, ident = f"{trunk} early", uuid.uuid4().hex

    def deliver(heard: Heard) -> None:
        assert receipt(trunk, heard, ident).status == 200
        wait_until(lambda: world.state(text) == "delivered", what="delivered")

    world.provider.script(text, Step(ident=ident, first=deliver))
    world.send_all(trunk, text)
    assert settled(world) == {text: "delivered"}
    wait_until(
        lambda: world.rows(
            "SELECT 1 FROM sms_message WHERE text = %s AND provider_id LIKE %s", [text, f"%{ident}"]
        ),
        what="the id",
    )


def receipt(trunk: str, heard: Heard, ident: str) -> Answer:
    """Post to where the provider was told that the message was delivered."""
    if trunk == TWILIO:
        fields = {"MessageSid": f"SM{ident}", "MessageStatus": "delivered"}
        return wires.twilio(heard.form()["StatusCallback"][0], fields)
    payload: dict[str, object] = {"id": ident, "type": "SMS"}
    payload["from"] = {"phone_number": "+12025550124"}
    payload["to"] = [{"phone_number": "+16175550188", "status": "delivered"}]
    return wires.telnyx(heard.json()["webhook_url"], "message.finalized", payload)

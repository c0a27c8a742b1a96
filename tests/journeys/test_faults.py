"""Killed workers and a Valkey that lost everything: nothing is lost, nothing is doubled."""

from collections import Counter

import pytest

from tests.journeys import wires
from tests.journeys.conftest import World
from tests.stack import wait_until
from tests.web import Api

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]

ENDED = {"accepted", "sent", "delivered", "unconfirmed"}


def states(api: Api, idents: list[int]) -> Counter[str]:
    """Count the states of these messages."""
    return Counter(str(api.get(f"messages/{ident}").json()["state"]) for ident in idents)


def send_many(api: Api, word: str, count: int) -> list[int]:
    """Send so many texts to as many people and return their ids."""
    answers = [
        api.post("messages", {"to": f"+1202555{number:04d}", "text": f"{word} {number}"}, key=key)
        for number, key in ((n, f"{word}-{n}") for n in range(1000, 1000 + count))
    ]
    assert {answer.status for answer in answers} == {202}
    return [answer.json()["id"] for answer in answers]


def test_workers_killed_in_the_middle_of_sends_lose_and_double_nothing(world: World) -> None:
    api, carrier, heard = world.apis["1001"], world.carrier, len(world.carrier.heard)
    carrier.gate.clear()
    idents = send_many(api, "kill", 40)

    def at_the_provider() -> list[str]:
        return [text for text in carrier.texts()[heard:] if text.startswith("kill ")]

    wait_until(
        lambda: 0 < len(at_the_provider()) == states(api, idents)["sending"],
        what="every claimed text at the provider",
    )
    world.stack.kill("worker")
    open_calls = len(at_the_provider())
    carrier.gate.set()
    world.stack.restart("worker")
    wait_until(
        lambda: set(states(api, idents)) <= ENDED, seconds=90, what="an end for every message"
    )
    texts = Counter(at_the_provider())
    assert set(texts) == {f"kill {number}" for number in range(1000, 1040)}
    assert set(texts.values()) == {1}
    # Exactly those whose answer was lost are shown as unknown, and none as failed.
    assert states(api, idents)["unconfirmed"] == open_calls


def test_an_unconfirmed_text_is_settled_by_its_receipt(world: World) -> None:
    api, carrier, heard = world.apis["1002"], world.carrier, len(world.carrier.heard)
    carrier.gate.clear()
    [ident] = send_many(api, "lost", 1)
    sent = carrier.wait_for(heard + 1)[-1]
    world.stack.kill("worker")
    carrier.gate.set()
    world.stack.restart("worker")
    wait_until(lambda: states(api, [ident])["unconfirmed"], seconds=60, what="unconfirmed")
    receipt = {"MessageSid": "SM" + "9" * 32, "MessageStatus": "delivered"}
    wires.twilio(sent.form()["StatusCallback"][0], receipt)
    wait_until(lambda: states(api, [ident])["delivered"], what="delivered")


def test_a_valkey_that_restarts_empty_loses_and_doubles_nothing(world: World) -> None:
    api, carrier, heard = world.apis["1001"], world.carrier, len(world.carrier.heard)
    world.stack.kill("valkey")
    idents = send_many(api, "empty", 10)
    for number in range(5):
        assert wires.questblue_text(world.webhooks["QB"], f"while dead {number}").status == 200
    world.stack.restart("valkey", empty=True)
    wait_until(
        lambda: states(api, idents)["accepted"] == 10, seconds=90, what="every text accepted"
    )
    texts = Counter(text for text in carrier.texts()[heard:] if text.startswith("empty "))
    assert set(texts) == {f"empty {number}" for number in range(1000, 1010)}
    assert set(texts.values()) == {1}

    def arrived() -> list[str]:
        results = api.get("messages?direction=inbound").json()["results"]
        return sorted(m["text"] for m in results if m["text"].startswith("while dead "))

    wait_until(lambda: len(arrived()) >= 5, seconds=60, what="the texts from outside")
    assert arrived() == [f"while dead {number}" for number in range(5)]

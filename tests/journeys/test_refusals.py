"""What must not go through does not, and says why, over running processes."""

import pytest

from tests.journeys import wires
from tests.journeys.conftest import World
from tests.stack import wait_until
from tests.web import Api, call

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


def inbound(api: Api, text: str) -> list[dict[str, object]]:
    """Return every inbound message of this text."""
    results = api.get("messages?direction=inbound").json()["results"]
    return [message for message in results if message["text"] == text]


def test_a_forged_signature_is_refused_and_brings_nothing_in(world: World) -> None:
    url = world.webhooks["TW"]
    forged = wires.twilio_text(url, "SM" + "b" * 32, "forged", secret="f" * 32)
    assert forged.status == 403
    genuine = wires.twilio_text(url, "SM" + "c" * 32, "after the forged one")
    assert genuine.status == 200
    wait_until(lambda: inbound(world.apis["1002"], "after the forged one"), what="the genuine one")
    assert inbound(world.apis["1002"], "forged") == []


def test_an_unknown_token_is_not_found(world: World) -> None:
    assert wires.questblue_text(f"{world.stack.url}/webhooks/no-such-token/", "x").status == 404


def test_a_body_of_five_megabytes_is_refused_at_once(world: World) -> None:
    answer = call("POST", world.webhooks["QB"], b"x" * 5_000_000, wires.JSON)
    assert answer.status == 413


def test_invalid_utf8_is_stored_and_answered(world: World) -> None:
    assert call("POST", world.webhooks["QB"], b'{"from":"\xff\xfe"}', wires.JSON).status == 200


def test_refusals_of_a_send_have_stable_codes(world: World) -> None:
    front, lobby = world.apis["1001"], world.apis["1009"]
    to = {"to": "+12025550150", "text": "hello"}
    cases = [
        (lobby.post("messages", to, key="n-1"), 403, "not_allowed"),
        (
            front.post("messages", to | {"from": "+12025550123"}, key="n-2"),
            403,
            "caller_id_unknown",
        ),
        (front.post("messages", to | {"to": "12"}, key="n-3"), 400, "number_invalid"),
        (front.post("messages", to), 400, "key_missing"),
    ]
    for answer, status, code in cases:
        assert (answer.status, answer.json()["code"]) == (status, code)
        assert answer.json()["detail"]


def test_a_key_means_one_text(world: World) -> None:
    api = world.apis["1001"]
    first = api.post("messages", {"to": "+12025550151", "text": "one"}, key="k-1")
    again = api.post("messages", {"to": "+12025550151", "text": "one"}, key="k-1")
    other = api.post("messages", {"to": "+12025550151", "text": "two"}, key="k-1")
    assert first.json()["id"] == again.json()["id"]
    assert (other.status, other.json()["code"]) == (409, "key_reused")


def test_a_stop_forbids_the_answer(world: World) -> None:
    api = world.apis["1001"]
    wires.questblue_text(world.webhooks["QB"], "STOP", sender="12025550166")
    wait_until(lambda: inbound(api, "STOP"), what="the STOP")
    answer = api.post("messages", {"to": "+12025550166", "text": "but wait"}, key="stop-1")
    assert (answer.status, answer.json()["code"]) == (403, "opted_out")

"""A text to a queue waits, goes to who comes, and on to the next when that one leaves."""

import contextlib
import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from sms import attendance
from tests.journeys import wires
from tests.journeys.conftest import QUEUE_DID, World
from tests.stack import wait_until
from tests.web import Api

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("journeys")]


@contextlib.contextmanager
def client_of(api: Api) -> Iterator[None]:
    """Have an extension's client open: its push stream is."""
    where = urlsplit(api.get("events").json()["url"])
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
    with contextlib.closing(line):
        line.request("GET", f"{where.path}?{where.query}")
        assert line.getresponse().readline() == b"event: hello\n"
        yield


def thread_of(api: Api) -> dict[str, Any]:
    """Return the queue's one conversation as a member sees it."""
    rows = api.get("conversations").json()["results"]
    found: dict[str, Any] = next((row for row in rows if row["group"]), {})
    return found


def agent_of(api: Api) -> str:
    agent = thread_of(api).get("assignee")
    return str(agent["number"]) if agent else ""


def test_a_text_to_a_queue_finds_whoever_is_there(world: World) -> None:
    one, two = world.apis["1005"], world.apis["1006"]
    wires.twilio_text(world.webhooks["TW"], "SM" + "d" * 32, "Anybody?", to=f"+{QUEUE_DID}")
    wait_until(lambda: thread_of(one).get("waiting_since"), what="waiting")

    with client_of(one):
        wait_until(lambda: agent_of(two) == "1005", what="the offer to who came")
    with client_of(two):
        seconds = attendance.GRACE + 20
        wait_until(lambda: agent_of(one) == "1006", seconds, what="passing it on")

    thread = thread_of(two)
    answer = {"text": "Yes.", "conversation": thread["id"]}
    assert thread["answer_by"]
    assert two.post("messages", answer, key="q-1").status == 202
    assert thread_of(two)["answer_by"] is None
    messages = one.get(f"conversations/{thread['id']}/messages").json()["results"]
    notes = [row["text"] for row in reversed(messages) if row["direction"] == "note"]
    assert notes == [
        "Waiting for the first member who comes: nobody is there.",
        "@1005 is asked to answer: it waited for somebody to come.",
        "@1006 is asked to answer: 1005 is not there.",
    ]

"""Aire Networks: nothing is guessed, and what cannot go out is refused before any call."""

import dataclasses

import pytest
import responses

from providers import registry
from providers.errors import Rejected, Unreadable
from tests.providers.cases import of

CASE = of("airenetworks")[0]
VALUES = CASE.credentials
ACCOUNT = {name: VALUES[name] for name in ("username", "password", "sender_id")}


@pytest.mark.parametrize("sender", ["+34600123123", "12345", "OTHER", "alderco"])
def test_a_text_from_anything_but_the_approved_word_is_refused(
    edge: responses.RequestsMock, sender: str
) -> None:
    message = dataclasses.replace(CASE.plain(), sender=sender)
    with pytest.raises(
        Rejected, match=f"Sender ID 'ALDERCO' only, and this is from .?{sender[1:]}"
    ):
        registry.build("airenetworks", VALUES).send(message)
    assert not edge.calls


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"send_url": VALUES["send_url"]},
        {"body_template": VALUES["body_template"]},
    ],
)
def test_until_the_request_is_described_nothing_is_sent(
    edge: responses.RequestsMock, described: dict[str, str]
) -> None:
    with pytest.raises(Rejected, match="Enter the Send URL and the body template"):
        registry.build("airenetworks", {**ACCOUNT, **described}).send(CASE.plain())
    assert not edge.calls


@pytest.mark.parametrize("name", ["token", "media"])
def test_only_what_the_account_has_can_be_asked_for(name: str) -> None:
    template = VALUES["body_template"].replace("{user}", f"{{{name}}}")
    with pytest.raises(ValueError, match=f"body_template .*unknown placeholder .{name}.;"):
        registry.build("airenetworks", {**VALUES, "body_template": template})


def test_there_is_nothing_to_read() -> None:
    refused = next(case for case in of("airenetworks") if case.kind == "signature")
    with pytest.raises(Unreadable):
        registry.build("airenetworks", ACCOUNT).parse(refused.request())

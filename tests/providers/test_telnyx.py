"""Telnyx: a repeat must be the same to the byte, or it is no repeat."""

import dataclasses

import responses

from providers.abilities import ListsNumbers
from providers.contract import OutboundMessage
from tests.providers.cases import load


def test_a_repeat_is_the_same_to_the_byte(edge: responses.RequestsMock) -> None:
    case = next(case for case in load("send_request") if case.key == "telnyx")
    edge.post("https://api.telnyx.com/v2/messages", body=case.body)
    adapter = case.adapter()
    assert adapter.capabilities.idempotent_send
    adapter.send(case.message())
    case.adapter().send(OutboundMessage(**dataclasses.asdict(case.message())))
    first, second = (call.request for call in edge.calls)
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_without_a_profile_the_numbers_of_the_account_are_listed(
    edge: responses.RequestsMock,
) -> None:
    case = next(case for case in load("call") if case.name == "numbers of the profile")
    case.credentials.pop("messaging_profile_id")
    edge.get("https://api.telnyx.com/v2/phone_numbers/messaging", body=case.read("numbers_2.json"))
    adapter = case.adapter()
    assert isinstance(adapter, ListsNumbers)
    assert adapter.list_numbers()[0].number == "+12025550124"

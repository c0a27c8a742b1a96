"""Telnyx: a repeat must be the same to the byte, or it is no repeat."""

import dataclasses

import pytest
import responses

from providers import telnyx_codes
from providers.abilities import ListsNumbers
from providers.contract import OutboundMessage
from providers.errors import Rejected
from tests.providers.cases import load, of


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


def test_a_word_as_sender_without_a_profile_is_refused_before_any_call(
    edge: responses.RequestsMock,
) -> None:
    case = next(case for case in of("telnyx") if case.name == "word as sender")
    case.credentials.pop("messaging_profile_id")
    with pytest.raises(Rejected, match="profile ID"):
        case.adapter().send(case.message())
    assert not edge.calls


def test_every_code_that_stops_or_delays_a_trunk_has_plain_words() -> None:
    assert telnyx_codes.ADVICE.keys() >= telnyx_codes.ACCOUNT | telnyx_codes.LATER
    for code, sentence in telnyx_codes.ADVICE.items():
        assert code.isdecimal()
        assert sentence.endswith(".")

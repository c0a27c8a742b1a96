"""QuestBlue: nothing identifies a message, and nothing pretends to."""

from providers.contract import InboundMessage, StatusUpdate
from tests.providers.cases import load


def test_no_event_carries_an_id() -> None:
    for case in load("inbound", "status"):
        if case.key == "questblue" and isinstance(case.data["expect"], list):
            assert not case.adapter().capabilities.message_ids
            for event in case.adapter().parse(case.request()):
                assert isinstance(event, InboundMessage | StatusUpdate)
                assert event.provider_id == ""

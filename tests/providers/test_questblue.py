"""QuestBlue: nothing identifies a message, and nothing pretends to; files may come in a form."""

import dataclasses

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import embedded, registry
from providers.contract import InboundMessage, OutboundMessage, StatusUpdate
from providers.download import Media
from providers.errors import Rejected, Unreadable
from tests.providers.cases import load, of

TYPES = st.text(max_size=30).map("multipart/form-data; boundary={}".format) | st.text(max_size=30)


def test_no_event_carries_an_id() -> None:
    for case in load("inbound", "status"):
        if case.key == "questblue" and isinstance(case.data["expect"], list):
            assert not case.adapter().capabilities.message_ids
            for event in case.adapter().parse(case.request()):
                assert isinstance(event, InboundMessage | StatusUpdate)
                assert event.provider_id == ""


def test_a_number_abroad_is_refused_before_any_call(edge: responses.RequestsMock) -> None:
    adapter = registry.build("questblue", of("questblue")[0].credentials)
    message = OutboundMessage(
        reference="r", sender="+12025550123", recipient="+442079460123", text="Hello"
    )
    with pytest.raises(Rejected, match="another trunk"):
        adapter.send(message)
    assert not edge.calls


@settings(deadline=None)
@given(body=st.binary(max_size=80))
def test_an_uploaded_file_arrives_as_it_was(body: bytes) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="media"; filename="f"\r\n\r\n'
    _, files = embedded.multipart("multipart/form-data; boundary=b", head + body + b"\r\n--b--\r\n")
    assert files == (Media("application/octet-stream", body, "f"),)


@settings(deadline=None)
@given(content_type=TYPES, body=st.binary(max_size=80))
def test_no_form_breaks_the_adapter(content_type: str, body: bytes) -> None:
    case = next(case for case in load("inbound") if case.key == "questblue")
    headers = {"content-type": content_type}
    request = dataclasses.replace(case.request(), headers=headers, body=body)
    with pytest.raises(Unreadable):
        list(case.adapter().parse(request))

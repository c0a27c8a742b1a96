"""Flowroute: a signed link is enough, and a second proof beside it would be too much."""

import pytest
import responses

from providers import registry
from providers.contract import InboundMessage
from tests.providers.cases import load, of

ADAPTER = registry.build("flowroute", of("flowroute")[0].credentials)


@pytest.mark.parametrize(
    "url",
    [
        "https://mms-media-prod.s3.amazonaws.com/1-IMG1.jpg?Expires=1&Signature=EXAMPLESIG%3D",
        "https://api.flowroute.com/v2.1/media/1-IMG1.jpg",
    ],
)
def test_no_link_to_a_file_gets_our_keys(edge: responses.RequestsMock, url: str) -> None:
    edge.get(url, body=b"jpg", content_type="image/jpeg")
    assert ADAPTER.fetch_media(url).body == b"jpg"
    assert edge.calls[0].request.url == url
    assert "Authorization" not in edge.calls[0].request.headers


def test_the_webhooks_address_which_a_message_repeats_goes_no_further() -> None:
    case = next(case for case in load("inbound") if case.key == "flowroute")
    assert b"k3JtQ9" in case.body
    (event,) = case.adapter().parse(case.request())
    assert isinstance(event, InboundMessage)
    assert "k3JtQ9" not in repr(event)

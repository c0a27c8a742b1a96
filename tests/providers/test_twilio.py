"""Twilio: who gets our credentials, and what the texter never reads."""

import pytest
import responses

from providers import registry, twilio_codes
from tests.providers.cases import load, of

MEDIA = (
    "https://api.twilio.com/2010-04-01/Accounts/AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    "/Messages/MM1/Media/ME1"
)
ADAPTER = registry.build("twilio", of("twilio")[0].credentials)


def test_an_attachment_of_our_account_is_fetched_with_credentials(
    edge: responses.RequestsMock,
) -> None:
    edge.get(MEDIA, status=307, headers={"Location": "https://media.twiliocdn.com/x"})
    edge.get("https://media.twiliocdn.com/x", body=b"jpg", content_type="image/jpeg")
    assert ADAPTER.fetch_media(MEDIA).body == b"jpg"
    first, second = (call.request.headers for call in edge.calls)
    assert first["Authorization"].startswith("Basic ")
    assert "Authorization" not in second


@pytest.mark.parametrize(
    "url",
    [
        MEDIA.replace("api.twilio.com", "api.twilio.com.evil.example"),
        MEDIA.replace("https", "http"),
        MEDIA.replace("AC0", "AC1"),
        MEDIA.replace("MM1", ".."),
        f"{MEDIA}/../../x",
        f"{MEDIA}?x=1",
        "https://evil.example/2010-04-01/Accounts/x",
    ],
)
def test_no_other_address_gets_credentials(edge: responses.RequestsMock, url: str) -> None:
    edge.get(url, body=b"jpg")
    ADAPTER.fetch_media(url)
    assert "Authorization" not in edge.calls[0].request.headers


def test_the_answer_to_a_webhook_texts_nobody() -> None:
    for case in load("inbound", "status"):
        if case.key == "twilio":
            reply = case.adapter().reply(case.request())
            assert (reply.status, reply.content_type) == (200, "text/xml")
            assert reply.body.endswith("?><Response/>")


def test_every_code_that_stops_or_delays_a_trunk_has_plain_words() -> None:
    assert twilio_codes.ADVICE.keys() >= twilio_codes.ACCOUNT | twilio_codes.LATER
    for code, sentence in twilio_codes.ADVICE.items():
        assert code.isdecimal()
        assert sentence.endswith(".")

"""VoiceMeUp: two hosts, and two posts that make one MMS."""

import responses

from providers import registry
from providers.contract import InboundMessage, OutboundMessage
from tests.providers.cases import of

CASES = {case.name: case for case in of("voicemeup")}
MESSAGE = OutboundMessage(
    reference="r", sender="+12025550123", recipient="+15005550006", text="Hello"
)


def piece_of(name: str) -> InboundMessage:
    """Return the one message of a case."""
    (event,) = CASES[name].adapter().parse(CASES[name].request())
    assert isinstance(event, InboundMessage)
    return event


def test_the_two_posts_of_an_mms_belong_together() -> None:
    text, file = piece_of("mms: the text and its wrapper"), piece_of("mms: the file")
    assert text.piece is not None
    assert file.piece is not None
    assert text.piece.key == file.piece.key
    assert text.piece.index < file.piece.index
    assert text.provider_id != file.provider_id


def test_production_and_sandbox_are_two_hosts(edge: responses.RequestsMock) -> None:
    for name, host in (("text", "clients"), ("sandbox", "dev-clients")):
        url = f"https://{host}.voicemeup.com/api/v1.1/json/queue_sms"
        edge.post(url, body=CASES["taken"].body)
        case = next(c for c in of("voicemeup") if (c.kind, c.name) == ("send_request", name))
        case.adapter().send(MESSAGE)
        assert edge.calls[-1].request.url == url


def test_another_api_base_takes_the_sandbox_along(edge: responses.RequestsMock) -> None:
    values = {**CASES["sandbox"].credentials, "environment": "sandbox"}
    edge.post("http://127.0.0.1:9/api/v1.1/json/queue_sms", body=CASES["taken"].body)
    registry.build("voicemeup", values, api_base="http://127.0.0.1:9").send(MESSAGE)
    assert len(edge.calls) == 1


def test_the_check_sends_nothing_and_says_so(edge: responses.RequestsMock) -> None:
    assert CASES["check"].adapter().check().startswith("Not checked")
    assert not edge.calls

"""VoIP.ms: what is said in few calls, and what a picture may call itself."""

import re

import pytest
import responses

from providers import registry
from providers.abilities import PollsReceipts
from providers.errors import CredentialsRefused, Throttled
from tests.providers.cases import Case, load, of

ADAPTER = registry.build("voipms", of("voipms")[0].credentials)
API = "https://voip.ms/api/v1/rest.php"


def named(name: str) -> Case:
    """Return one case of the table."""
    return next(case for case in of("voipms") if case.name == name)


def test_receipts_stop_at_the_first_refusal_and_keep_what_came_before(
    edge: responses.RequestsMock,
) -> None:
    case = named("receipts: one call for each kind and day")
    edge.post(API, body=case.read("sent_sms.json"))
    edge.post(API, body=case.read("limit_reached.json"))
    assert isinstance(ADAPTER, PollsReceipts)
    updates = ADAPTER.poll_receipts(*case.arguments())
    came = [next(updates).provider_id for _ in range(4)]
    assert came[0] == "sms:112275001"
    with pytest.raises(Throttled):
        next(updates)
    assert len(edge.calls) == 2


def test_the_check_names_the_address_that_must_be_allowed(edge: responses.RequestsMock) -> None:
    case = named("check from an address that is not allowed")
    edge.post(API, body=case.read("ip_not_enabled.json"))
    edge.post(API, body=case.read("ip.json"))
    with pytest.raises(CredentialsRefused, match=re.escape("203.0.113.7")):
        ADAPTER.check()


def test_of_several_types_of_an_attachment_the_first_counts(edge: responses.RequestsMock) -> None:
    url = "https://voip.ms/media/a1/media.amr"
    edge.get(url, body=b"#!AMR", content_type="audio/amr, application/octet-stream")
    media = ADAPTER.fetch_media(url)
    assert (media.content_type, media.name) == ("audio/amr", "media.amr")
    assert "Authorization" not in edge.calls[0].request.headers


def test_every_webhook_is_answered_with_two_letters() -> None:
    for case in load("inbound"):
        if case.key == "voipms":
            reply = case.adapter().reply(case.request())
            assert (reply.status, reply.content_type, reply.body) == (200, "text/plain", "ok")

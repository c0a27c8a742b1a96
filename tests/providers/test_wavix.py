"""Wavix: who gets the key for an attachment, and what the words of a refusal become."""

import pytest
import responses

from providers import registry
from providers.contract import OutboundMessage
from providers.errors import CredentialsRefused, Rejected, SendError
from tests.providers.cases import of

MEDIA = "https://api.wavix.com/v3/messages/attachments/abc123/file1.jpg"
ADAPTER = registry.build("wavix", of("wavix")[0].credentials)
PLAIN = OutboundMessage(reference="r-1", sender="+12025550123", recipient="+16175550188", text="Hi")


def test_an_open_attachment_is_fetched_without_the_key(edge: responses.RequestsMock) -> None:
    edge.get(MEDIA, body=b"jpg", content_type="image/jpeg")
    assert ADAPTER.fetch_media(MEDIA).content_type == "image/jpeg"
    (call,) = edge.calls
    assert "Authorization" not in call.request.headers


@pytest.mark.parametrize("status", [401, 403])
def test_an_attachment_that_wavix_keeps_private_is_fetched_with_the_key(
    edge: responses.RequestsMock, status: int
) -> None:
    edge.get(MEDIA, status=status)
    edge.get(MEDIA, body=b"jpg", content_type="image/jpeg")
    assert ADAPTER.fetch_media(MEDIA).body == b"jpg"
    first, second = (call.request.headers for call in edge.calls)
    assert "Authorization" not in first
    assert second["Authorization"] == "Bearer wvx_test_key_0001"


@pytest.mark.parametrize(
    "url",
    [
        MEDIA.replace("api.wavix.com", "api.wavix.com.evil.example"),
        MEDIA.replace("api.wavix.com", "evil.example"),
        MEDIA.replace("https", "http"),
        MEDIA.replace("api.wavix.com", "api.wavix.com@evil.example"),
    ],
)
def test_no_other_address_gets_the_key(edge: responses.RequestsMock, url: str) -> None:
    edge.get(url, status=401)
    with pytest.raises(Rejected):
        ADAPTER.fetch_media(url)
    assert [call.request.headers.get("Authorization") for call in edge.calls] == [None]


def test_an_attachment_that_is_refused_otherwise_is_not_asked_for_twice(
    edge: responses.RequestsMock,
) -> None:
    edge.get(MEDIA, status=410)
    with pytest.raises(Rejected):
        ADAPTER.fetch_media(MEDIA)
    assert len(edge.calls) == 1


def refusal(edge: responses.RequestsMock, status: int, words: str) -> SendError:
    """Return what a refusal with these words becomes."""
    edge.post("https://api.wavix.com/v3/messages", status=status, json={"message": words})
    with pytest.raises(SendError) as caught:
        ADAPTER.send(PLAIN)
    return caught.value


def test_a_reason_that_we_know_comes_with_a_next_step_and_the_words_themselves(
    edge: responses.RequestsMock,
) -> None:
    assert str(refusal(edge, 422, "error: SENDER ID NOT FOUND!")) == (
        "Register the sender at Wavix under SMS, Sender IDs. "
        "Wavix says: error: SENDER ID NOT FOUND!"
    )


def test_a_key_that_is_inactive_is_not_taken_for_a_phone_that_is(
    edge: responses.RequestsMock,
) -> None:
    error = refusal(edge, 401, "The key is inactive")
    assert isinstance(error, CredentialsRefused)
    assert str(error) == "Wavix refuses the key, or this server's address: The key is inactive"

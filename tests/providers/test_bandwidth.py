"""Bandwidth: one token for many messages, none for strangers, and a list that has pages."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import responses
import time_machine

from providers import registry
from providers.abilities import ListsNumbers
from providers.contract import OutboundMessage, Proof, Provider
from providers.errors import CredentialsRefused, Rejected, SendError, Unavailable
from tests.providers.cases import Case, of

CASE = of("bandwidth")[0]
TOKEN_URL = "https://api.bandwidth.com/api/v1/oauth2/token"
MESSAGES = "https://messaging.bandwidth.com/api/v2/users/5500123/messages"
MEDIA = "https://messaging.bandwidth.com/api/v2/users/5500123/media/1793369720100b/1/door.jpg"
NUMBERS = "https://api.bandwidth.com/api/v2/tns"
LEGACY = {"client_id": "", "client_secret": "", "username": "acme", "password": "old"}
TEXT = OutboundMessage(
    reference="r-1", sender="+12025550188", recipient="+16175550123", text="Hello"
)


def adapter(**amended: str) -> Provider[Any]:
    return registry.build("bandwidth", {**CASE.credentials, **amended})


def give_tokens(edge: responses.RequestsMock, *tokens: str) -> None:
    """Answer the calls for a token, the last one for ever."""
    for token in tokens:
        edge.post(TOKEN_URL, json={"access_token": token, "expires_in": 600})


def asked(edge: responses.RequestsMock) -> int:
    """Return how many tokens were asked for."""
    return [call.request.url for call in edge.calls].count(TOKEN_URL)


def bearers(edge: responses.RequestsMock, url: str) -> list[str]:
    """Return the tokens that went to an address, in order."""
    sent = [call.request for call in edge.calls if call.request.url == url]
    return [request.headers["Authorization"].removeprefix("Bearer ") for request in sent]


def test_a_token_serves_every_message_until_a_minute_before_its_end(
    edge: responses.RequestsMock,
) -> None:
    give_tokens(edge, "one", "two")
    edge.post(MESSAGES, body=CASE.read("taken.json"), status=202)
    trunk = adapter()
    with time_machine.travel(1793369717, tick=False) as clock:
        trunk.send(TEXT)
        clock.shift(539)
        trunk.send(TEXT)
        clock.shift(1)
        trunk.send(TEXT)
    assert bearers(edge, MESSAGES) == ["one", "one", "two"]


def test_a_token_of_unknown_life_serves_one_call(edge: responses.RequestsMock) -> None:
    edge.post(TOKEN_URL, json={"access_token": "one"})
    edge.post(MESSAGES, body=CASE.read("taken.json"), status=202)
    trunk = adapter()
    trunk.send(TEXT)
    trunk.send(TEXT)
    assert asked(edge) == 2


def test_threads_share_one_token(edge: responses.RequestsMock) -> None:
    give_tokens(edge, "one")
    edge.post(MESSAGES, body=CASE.read("taken.json"), status=202)
    trunk = adapter()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: trunk.send(TEXT), range(8)))
    assert len(results) == 8
    assert asked(edge) == 1


def test_a_message_is_tried_twice_at_most(edge: responses.RequestsMock) -> None:
    give_tokens(edge, "one", "two")
    edge.post(MESSAGES, body=CASE.read("error_401.json"), status=401)
    with pytest.raises(CredentialsRefused):
        adapter().send(TEXT)
    assert bearers(edge, MESSAGES) == ["one", "two"]


@pytest.mark.parametrize("lost", [requests.ReadTimeout(), requests.ConnectionError("reset")])
def test_where_the_answer_with_the_token_is_lost_the_message_was_not_sent(
    edge: responses.RequestsMock, lost: Exception
) -> None:
    edge.post(TOKEN_URL, body=lost)
    with pytest.raises(Unavailable):
        adapter().send(TEXT)


@pytest.mark.parametrize("file", ["token.json", "token_half.json"])
def test_no_kept_text_holds_the_token(edge: responses.RequestsMock, file: str) -> None:
    body = CASE.read(file)
    token = body.decode().split('"')[3]
    # Cut off in the middle, the answer is no JSON and would be quoted as it came.
    edge.post(TOKEN_URL, body=body[:-3] if file == "token.json" else body)
    with pytest.raises(SendError) as caught:
        adapter().send(TEXT)
    error = caught.value
    assert error.request
    assert error.response.startswith("HTTP 200")
    assert not [text for text in (str(error), error.request, error.response) if token in text]


def test_an_attachment_of_our_account_is_fetched_with_a_token_that_holds(
    edge: responses.RequestsMock,
) -> None:
    give_tokens(edge, "one", "two")
    edge.get(MEDIA, status=401)
    edge.get(MEDIA, body=b"jpg", content_type="image/jpeg")
    assert adapter().fetch_media(MEDIA).body == b"jpg"
    assert bearers(edge, MEDIA) == ["one", "two"]


def test_the_legacy_login_fetches_attachments_too(edge: responses.RequestsMock) -> None:
    edge.get(MEDIA, body=b"jpg")
    adapter(**LEGACY).fetch_media(MEDIA)
    assert bearers(edge, MEDIA) == ["Basic YWNtZTpvbGQ="]


@pytest.mark.parametrize(
    "url",
    [
        MEDIA.replace("bandwidth.com", "bandwidth.com.evil.example"),
        MEDIA.replace("https", "http"),
        MEDIA.replace("5500123", "5500124"),
        MEDIA.replace("/media/", "/messages/"),
        MEDIA.replace("1793369720100b", "..%2f.."),
        "https://evil.example/api/v2/users/5500123/media/door.jpg",
    ],
)
def test_no_other_address_gets_the_token(edge: responses.RequestsMock, url: str) -> None:
    edge.get(url, body=b"jpg")
    adapter().fetch_media(url)
    assert "Authorization" not in edge.calls[0].request.headers


def test_numbers_are_read_until_a_page_is_not_full(edge: responses.RequestsMock) -> None:
    give_tokens(edge, "one")
    row = "<TelephoneNumber><FullNumber>+1202555{:04}</FullNumber></TelephoneNumber>"
    for first, last in ((0, 500), (500, 503)):
        rows = "".join(row.format(number) for number in range(first, last))
        edge.get(NUMBERS, body=f"<TelephoneNumbersResponse>{rows}</TelephoneNumbersResponse>")
    trunk = adapter()
    assert isinstance(trunk, ListsNumbers)
    numbers = [listed.number for listed in trunk.list_numbers()]
    assert len(numbers) == len(set(numbers)) == 503
    pages = [str(call.request.url).rpartition("&page=")[2] for call in edge.calls[1:]]
    assert pages == ["1", "2"]


def test_the_legacy_login_asks_nothing_of_the_account(edge: responses.RequestsMock) -> None:
    trunk = adapter(**LEGACY)
    assert isinstance(trunk, ListsNumbers)
    with pytest.raises(Rejected, match="API Credentials"):
        trunk.list_numbers()
    assert not edge.calls


def test_webhooks_prove_themselves_by_a_password_where_one_was_agreed_on() -> None:
    assert adapter().proof is Proof.ADDRESS
    assert adapter(callback_user_id="pbx", callback_password="s").proof is Proof.PASSWORD


@pytest.mark.parametrize("case", [c for c in of("bandwidth") if c.name == "refused"], ids=str)
def test_a_refusal_names_the_field(case: Case, edge: responses.RequestsMock) -> None:
    give_tokens(edge, "one")
    edge.post(MESSAGES, body=case.body, status=400)
    with pytest.raises(Rejected, match=r"from: '2025550188' must be replaced"):
        case.adapter().send(TEXT)

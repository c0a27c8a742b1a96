"""Vonage: an application's token and who may see it, long lists, and what a clerk reads."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
import responses
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from providers import registry
from providers.abilities import ListsNumbers
from providers.contract import OutboundMessage, Proof, Provider, WebhookRequest
from providers.errors import CredentialsRefused, Rejected, WebhookRefused
from tests.providers.cases import of

CASE = of("vonage")[0]
NOW = 1772600767
SECRET = "jwtS1gnatureSecretForSheet-0001-abcdef" * 2
MESSAGES = "https://api.nexmo.com/v1/messages"
MEDIA = "https://api-us.nexmo.com/v3/media/1f9c2a7e-6d4b-4f0e-8a11-52c3d4e5f601"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
APPLICATION = {"application_id": "7d3c9f10-52aa-4e7e-8c1d-90ab12cd34ef", "private_key": PEM}
TEXT = OutboundMessage(
    reference="r-1", sender="+15005550006", recipient="+12025550123", text="Hello"
)


def adapter(**amended: str) -> Provider[Any]:
    return registry.build("vonage", {**CASE.credentials, **amended})


def in_base64(part: bytes) -> str:
    """Write a part of a token."""
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def posted(body: bytes, claims: dict[str, object], algorithm: str = "HS256") -> WebhookRequest:
    """Make a webhook with a token of these claims."""
    key: Any = None if algorithm == "none" else SECRET
    token = jwt.encode(claims, key, algorithm=algorithm)
    headers = {"authorization": f"Bearer {token}"}
    url = "https://sms.example.com/webhooks/k3JtQ9/"
    return WebhookRequest(method="POST", url=url, headers=headers, query="", body=body)


def test_an_application_signs_in_with_a_token_of_its_own(edge: responses.RequestsMock) -> None:
    edge.post(MESSAGES, body=CASE.read("taken_messages.json"), status=202)
    trunk = adapter(api_flavour="messages", **APPLICATION)
    trunk.send(TEXT)
    trunk.send(TEXT)
    tokens = [call.request.headers["Authorization"].partition(" ")[2] for call in edge.calls]
    first, second = (jwt.decode(one, KEY.public_key(), algorithms=["RS256"]) for one in tokens)
    assert first["application_id"] == APPLICATION["application_id"]
    assert first["exp"] - first["iat"] == 900
    assert first["jti"] != second["jti"]


@pytest.mark.parametrize("key", ["nonsense", PEM.replace("MII", "AAA", 1), PEM[:200]])
def test_an_unreadable_private_key_is_named_and_not_quoted(
    edge: responses.RequestsMock, key: str
) -> None:
    trunk = adapter(**{**APPLICATION, "private_key": key, "api_flavour": "messages"})
    for act in (trunk.check, lambda: trunk.send(TEXT)):
        with pytest.raises(CredentialsRefused, match="private key") as caught:
            act()
        assert key[:8] not in str(caught.value).replace("-----", "")
    assert not edge.calls


def test_an_attachment_is_fetched_without_a_login(edge: responses.RequestsMock) -> None:
    edge.get(MEDIA, body=b"jpg", content_type="image/jpeg")
    assert adapter(**APPLICATION).fetch_media(MEDIA).body == b"jpg"
    assert "Authorization" not in edge.calls[0].request.headers


def test_a_secured_attachment_is_fetched_with_the_token(edge: responses.RequestsMock) -> None:
    edge.get(MEDIA, status=401)
    edge.get(MEDIA, body=b"jpg", content_type="image/jpeg")
    assert adapter(**APPLICATION).fetch_media(MEDIA).body == b"jpg"
    assert edge.calls[1].request.headers["Authorization"].startswith("Bearer ey")


@pytest.mark.parametrize(
    ("url", "status", "amended"),
    [
        (MEDIA.replace("nexmo.com", "nexmo.com.evil.example"), 401, APPLICATION),
        (MEDIA.replace("api-us.nexmo", "evilnexmo"), 401, APPLICATION),
        (MEDIA.replace("https", "http"), 401, APPLICATION),
        ("https://evil.example/api.nexmo.com/x", 403, APPLICATION),
        (MEDIA, 410, APPLICATION),
        (MEDIA, 401, {}),
    ],
)
def test_nobody_else_gets_the_token(
    edge: responses.RequestsMock, url: str, status: int, amended: dict[str, str]
) -> None:
    edge.get(url, status=status)
    with pytest.raises(Rejected):
        adapter(**amended).fetch_media(url)
    assert len(edge.calls) == 1
    assert "Authorization" not in edge.calls[0].request.headers


def test_numbers_are_read_until_a_page_is_not_full(edge: responses.RequestsMock) -> None:
    for first, last in ((0, 100), (100, 103)):
        rows = [
            {"country": "US", "msisdn": f"1202555{number:04}", "features": ["SMS"]}
            for number in range(first, last)
        ]
        edge.get("https://rest.nexmo.com/account/numbers", json={"count": 103, "numbers": rows})
    trunk = adapter()
    assert isinstance(trunk, ListsNumbers)
    numbers = [listed.number for listed in trunk.list_numbers()]
    assert len(numbers) == len(set(numbers)) == 103
    assert [str(call.request.url)[-8:] for call in edge.calls] == ["&index=1", "&index=2"]


def test_a_message_of_which_parts_went_out_says_how_many(edge: responses.RequestsMock) -> None:
    edge.post("https://rest.nexmo.com/sms/json", body=CASE.read("partly_throttled.json"))
    with pytest.raises(Rejected, match="Only 2 of 3 parts went out"):
        adapter().send(TEXT)


def test_a_refusal_names_the_field(edge: responses.RequestsMock) -> None:
    edge.post(MESSAGES, body=CASE.read("problem_1150.json"), status=422)
    with pytest.raises(Rejected, match="to: Not a number"):
        adapter(api_flavour="messages").send(TEXT)


def test_webhooks_prove_themselves_once_the_signature_secret_is_entered() -> None:
    assert adapter().proof is Proof.ADDRESS
    assert adapter(signature_secret=SECRET).proof is Proof.SIGNED


@pytest.mark.parametrize(
    ("changed", "algorithm"),
    [
        ({}, "HS512"),
        ({}, "none"),
        ({"iat": None}, "HS256"),
        ({"iat": "now"}, "HS256"),
        ({"payload_hash": None}, "HS256"),
        ({"payload_hash": ""}, "HS256"),
        ({"exp": NOW - 3600}, "HS256"),
    ],
)
def test_a_token_must_be_whole_and_of_the_one_algorithm(
    changed: dict[str, object], algorithm: str
) -> None:
    body = CASE.read("messages_mms.json")
    claims: dict[str, object] = {"iat": NOW, "payload_hash": hashlib.sha256(body).hexdigest()}
    trunk = adapter(signature_secret=SECRET)
    with time_machine.travel(NOW, tick=False):
        trunk.authenticate(posted(body, claims))
        amended = {**claims, **changed}
        present = {name: value for name, value in amended.items() if value is not None}
        with pytest.raises(WebhookRefused):
            trunk.authenticate(posted(body, present, algorithm))


def test_a_token_of_a_public_key_is_no_proof() -> None:
    body = CASE.read("messages_mms.json")
    claims = {"iat": NOW, "payload_hash": hashlib.sha256(body).hexdigest()}
    token = jwt.encode(claims, PEM, algorithm="RS256")
    plain = posted(body, claims)
    request = WebhookRequest(**{**vars(plain), "headers": {"authorization": f"Bearer {token}"}})
    with time_machine.travel(NOW, tick=False), pytest.raises(WebhookRefused):
        adapter(signature_secret=SECRET).authenticate(request)


def test_a_short_signature_secret_is_as_good_as_a_long_one() -> None:
    body = CASE.read("messages_mms.json")
    claims: dict[str, Any] = {"iat": NOW, "payload_hash": hashlib.sha256(body).hexdigest()}
    # Written by hand: the library warns of short keys when it signs, too.
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    signed = ".".join(in_base64(json.dumps(part).encode()) for part in parts)
    token = f"{signed}.{in_base64(hmac.digest(b'short', signed.encode(), 'sha256'))}"
    plain = posted(body, claims)
    request = WebhookRequest(**{**vars(plain), "headers": {"authorization": f"Bearer {token}"}})
    with time_machine.travel(NOW, tick=False):
        adapter(signature_secret="short").authenticate(request)
        for other in ("shor", "shorts", "another"):
            with pytest.raises(WebhookRefused):
                adapter(signature_secret=other).authenticate(request)


@settings(deadline=None, max_examples=200)
@given(token=st.text(max_size=60), body=st.binary(max_size=60), query=st.text(max_size=60))
def test_a_trunk_with_a_signature_secret_believes_no_stranger(
    token: str, body: bytes, query: str
) -> None:
    url, trunk = "https://sms.example.com/webhooks/k3JtQ9/", adapter(signature_secret=SECRET)
    for method, headers in (("POST", {"authorization": f"Bearer {token}"}), ("GET", {})):
        request = WebhookRequest(method=method, url=url, headers=headers, query=query, body=body)
        if not (query or body.strip()):
            continue  # the trial of a new URL
        with pytest.raises(WebhookRefused):
            trunk.authenticate(request)

"""Vonage: its official SDK and we send the same requests and believe the same signatures."""

import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
import pytest
import requests
import responses
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from vonage_account import Account  # type: ignore[import-untyped] # the SDK has no types
from vonage_http_client import Auth, HttpClient  # type: ignore[import-untyped] # the same
from vonage_jwt import (  # type: ignore[import-untyped] # the same
    VonageVerifyJwtError,
    verify_signature,
)
from vonage_messages import Messages, models  # type: ignore[import-untyped] # the same
from vonage_numbers import (  # type: ignore[import-untyped] # the same
    ListOwnedNumbersFilter,
    Numbers,
    UpdateNumberParams,
)
from vonage_sms import Sms, SmsMessage  # type: ignore[import-untyped] # the same
from vonage_sms.errors import (  # type: ignore[import-untyped] # the same
    PartialFailureError,
    SmsError,
)

from providers import registry
from providers.abilities import ListsNumbers, SetsWebhook
from providers.contract import OutboundMessage, Provider, WebhookRequest
from providers.errors import SendError, WebhookRefused
from tests.providers.cases import Case, of

CASES = of("vonage")
SENDS = [case for case in CASES if case.kind == "send_request"]
OLD = [case for case in SENDS if case.data["expect"]["path"] == "/sms/json"]
NEW = [case for case in SENDS if case not in OLD]
SMS_URL = "https://rest.nexmo.com/sms/json"
MESSAGES_URL = "https://api.nexmo.com/v1/messages"
URL = "https://sms.example.com/webhooks/k3JtQ9/"
NOW = 1772600767
SECRET = "sig5ecretForTheSheetVector0001"
TOKEN_SECRET = "jwtS1gnatureSecretForSheet-0001-abcdef"
METHODS = ["md5", "sha1", "sha256", "sha512"]
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
APPLICATION = {
    "application_id": "7d3c9f10-52aa-4e7e-8c1d-90ab12cd34ef",
    "private_key": KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode(),
}
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# The signature and the account are ours to say; a time is never empty.
NAMES = st.sampled_from(["text", "msisdn", "to", "messageId", "message-timestamp", "x", "é"])
FIELDS = st.dictionaries(NAMES, st.text(st.characters(codec="utf-8", exclude_characters="\x00")))


@dataclasses.dataclass(frozen=True)
class Call:
    """One HTTP request, as far as it means something to Vonage."""

    method: str
    url: str
    authorization: str
    content_type: str
    body: Any


def call(sent: requests.PreparedRequest) -> Call:
    """Read a request that left; the order of its fields means nothing, that of files does."""
    text = sent.body.decode() if isinstance(sent.body, bytes) else str(sent.body or "")
    kind = sent.headers.get("Content-Type", "") if text else ""
    body = json.loads(text) if kind == JSON else parse_qs(text, keep_blank_values=True)
    # The SDK writes the login of an application in bytes.
    login: Any = sent.headers["Authorization"]
    login = login.decode() if isinstance(login, bytes) else login
    return Call(str(sent.method), str(sent.url), login, kind, body)


def both(edge: responses.RequestsMock) -> tuple[Call, Call]:
    """Return the SDK's request and ours."""
    first, second = (call(found.request) for found in edge.calls)
    return first, second


def client(case: Case, **amended: str) -> HttpClient:
    """Log the SDK in with the credentials of a case."""
    own = {"api_key": case.credentials["api_key"], "api_secret": case.credentials["api_secret"]}
    return HttpClient(Auth(**own, **amended))


def adapter(case: Case, **amended: str) -> Provider[Any]:
    return registry.build("vonage", {**case.credentials, **amended})


def digits(number: str) -> str:
    return number.removeprefix("+")


def old_message(case: Case) -> SmsMessage:
    """Make the SDK's message of a text for the SMS API."""
    message, sent = case.message(), dict(case.data["expect"]["form"])
    return SmsMessage(
        to=digits(message.recipient),
        from_=digits(message.sender),
        text=message.text,
        # Both are for the caller to know, of the SDK too.
        type=sent["type"],
        callback=sent.get("callback"),
        client_ref=message.reference,
    )


def new_message(message: OutboundMessage) -> Any:
    """Make the SDK's message for the Messages API."""
    ends = {"to": digits(message.recipient), "from_": digits(message.sender)}
    common: dict[str, Any] = {**ends, "client_ref": message.reference}
    if message.status_url:
        common |= {"webhook_url": message.status_url.partition("?")[0], "webhook_version": "v1"}
    if not message.media_urls:
        return models.Sms(text=message.text, **common)
    first, *others = message.media_urls
    caption = message.text or None
    if not others:
        return models.MmsImage(image=models.MmsResource(url=first, caption=caption), **common)
    pictures = [models.MmsContentItemImage(url=first, caption=caption)]
    pictures += [models.MmsContentItemImage(url=url) for url in others]
    return models.MmsContent(content=pictures, **common)


@pytest.mark.parametrize("case", OLD, ids=str)
def test_both_send_the_same_text(case: Case, edge: responses.RequestsMock) -> None:
    edge.post(SMS_URL, body=case.body)
    theirs = Sms(client(case)).send(old_message(case))
    ours = adapter(case).send(case.message())
    first, second = both(edge)
    assert first == second
    assert theirs.messages[0].message_id == ours.provider_id


@pytest.mark.parametrize("case", NEW, ids=str)
def test_both_send_the_same_over_the_messages_api(case: Case, edge: responses.RequestsMock) -> None:
    edge.post(MESSAGES_URL, body=case.body, status=202)
    theirs = Messages(client(case)).send(new_message(case.message()))
    ours = adapter(case).send(case.message())
    first, second = both(edge)
    assert first == second
    assert theirs.message_uuid == ours.provider_id


def test_both_sign_an_application_in_alike(edge: responses.RequestsMock) -> None:
    case = NEW[0]
    edge.post(MESSAGES_URL, body=case.body, status=202)
    with time_machine.travel(time.time(), tick=False):
        Messages(client(case, **APPLICATION)).send(new_message(case.message()))
        adapter(case, **APPLICATION).send(case.message())
        first, second = both(edge)
        tokens = [one.authorization.removeprefix("Bearer ") for one in (first, second)]
        claims = [jwt.decode(one, KEY.public_key(), algorithms=["RS256"]) for one in tokens]
        heads = [jwt.get_unverified_header(one) for one in tokens]
    assert first.body == second.body
    assert heads[0] == heads[1]
    assert claims[0].pop("jti") != claims[1].pop("jti")
    assert claims[0] == claims[1]


ANSWERS = [
    case
    for case in CASES
    if case.kind == "send_response"
    and case.data["http_status"] == 200
    and case.credentials["api_flavour"] == "sms"
    and case.data["expect"].get("error") != "Unconfirmed"
]


@pytest.mark.parametrize("case", ANSWERS, ids=str)
def test_both_see_success_and_refusal_in_the_same_answers(
    case: Case, edge: responses.RequestsMock
) -> None:
    told = json.loads(case.body)
    # The SDK insists that counts and statuses are texts.
    told["message-count"] = str(told["message-count"])
    told["messages"] = [{**part, "status": str(part["status"])} for part in told["messages"]]
    edge.post(SMS_URL, json=told)
    message = SmsMessage(to="16175550188", from_="12025550123", text="Hello")
    if "error" in case.data["expect"]:
        with pytest.raises((SmsError, PartialFailureError)):
            Sms(client(case)).send(message)
        with pytest.raises(SendError):
            adapter(case).send(case.plain())
        return
    theirs = [part.message_id for part in Sms(client(case)).send(message).messages]
    ours = adapter(case).send(case.plain())
    assert list(ours.part_ids or (ours.provider_id,)) == theirs
    assert ours.segments == len(theirs)


def test_both_ask_for_the_balance_alike(edge: responses.RequestsMock) -> None:
    case = CASES[0]
    edge.get("https://rest.nexmo.com/account/get-balance", body=case.read("balance.json"))
    assert Account(client(case)).get_balance().value == 29.18
    adapter(case).check()
    first, second = both(edge)
    assert first == second


def test_both_list_the_numbers_alike(edge: responses.RequestsMock) -> None:
    case = CASES[0]
    edge.get("https://rest.nexmo.com/account/numbers", body=case.read("numbers.json"))
    pages = ListOwnedNumbersFilter(size=100, index=1)
    numbers, _count, following = Numbers(client(case)).list_owned_numbers(pages)
    trunk = adapter(case)
    assert isinstance(trunk, ListsNumbers)
    ours = [digits(listed.number) for listed in trunk.list_numbers()]
    first, second = both(edge)
    assert sorted(parse_qs(first.url.partition("?")[2])) == ["index", "size"]
    assert parse_qs(first.url.partition("?")[2]) == parse_qs(second.url.partition("?")[2])
    assert first.authorization == second.authorization
    assert [number.msisdn for number in numbers] == ours
    assert following is None


WEBHOOKS = [
    {"country": "US", "msisdn": "15005550006", "app_id": APPLICATION["application_id"]},
    {"country": "SG", "msisdn": "6581234567"},
    {
        "country": "GB",
        "msisdn": "442079460006",
        "voice_callback_type": "sip",
        "voice_callback_value": "442079460006@pbx.example.com",
    },
]


@pytest.mark.parametrize("told", WEBHOOKS, ids=lambda told: told["country"])
def test_both_enter_the_same_webhook(told: dict[str, str], edge: responses.RequestsMock) -> None:
    case = CASES[0]
    edge.get("https://rest.nexmo.com/account/numbers", body=case.read("numbers.json"))
    edge.post("https://rest.nexmo.com/number/update", body=case.read("done.json"))
    Numbers(client(case)).update_number(UpdateNumberParams(mo_http_url=URL, **told))
    trunk = adapter(case)
    assert isinstance(trunk, SetsWebhook)
    trunk.set_webhook(f"+{told['msisdn']}", URL)
    first, _listing, last = (call(found.request) for found in edge.calls)
    assert first == last


def believed(request: WebhookRequest, secret: str = SECRET) -> bool:
    """Say whether our adapter believes a request."""
    try:
        adapter(CASES[0], signature_secret=secret).authenticate(request)
    except WebhookRefused:
        return False
    return True


def webhook(body: bytes, kind: str = JSON, **changed: Any) -> WebhookRequest:
    """Make the request of a webhook."""
    headers = {"content-type": kind}
    made = WebhookRequest(method="POST", url=URL, headers=headers, query="", body=body)
    return dataclasses.replace(made, **changed)


def sdk(method: str) -> Auth:
    """Give the SDK the signature secret."""
    return Auth(api_key="ab12cd34", signature_secret=SECRET, signature_method=method)


def as_json(fields: dict[str, str]) -> WebhookRequest:
    return webhook(json.dumps(fields, ensure_ascii=False).encode())


def as_form(fields: dict[str, str]) -> WebhookRequest:
    return webhook(urlencode(fields).encode(), FORM)


def as_query(fields: dict[str, str]) -> WebhookRequest:
    return webhook(b"", "", method="GET", query=urlencode(fields))


WAYS: list[Callable[[dict[str, str]], WebhookRequest]] = [as_json, as_form, as_query]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=30)
@given(fields=FIELDS, upper=st.booleans())
def test_what_the_sdk_signs_is_believed(
    way: Callable[[dict[str, str]], WebhookRequest],
    method: str,
    fields: dict[str, str],
    upper: bool,
) -> None:
    fields = {**fields, "timestamp": str(NOW)}
    sig = sdk(method).sign_params(dict(fields))
    with time_machine.travel(NOW, tick=False):
        assert believed(way({**fields, "sig": sig.upper() if upper else sig}))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=30)
@given(fields=FIELDS, others=FIELDS)
def test_what_the_sdk_refuses_is_refused(
    way: Callable[[dict[str, str]], WebhookRequest],
    method: str,
    fields: dict[str, str],
    others: dict[str, str],
) -> None:
    sig = sdk(method).sign_params({**fields, "timestamp": str(NOW)})
    # What an empty value is worth differs between Vonage's signers: we allow what they do.
    changed = {name: value or "-" for name, value in others.items()}
    changed |= {"timestamp": str(NOW), "sig": sig}
    with time_machine.travel(NOW, tick=False):
        assert believed(way(changed)) == sdk(method).check_signature(dict(changed))


def neighbours(text: bytes) -> Iterator[bytes]:
    """Yield the text with each one of its bytes changed."""
    for place, byte in enumerate(text):
        yield text[:place] + bytes([byte ^ 1]) + text[place + 1 :]


VECTOR = re.compile(r"signed_[abc]_(\w+)\.json")
SIGNED = sorted({c.data["file"] for c in CASES if VECTOR.fullmatch(c.data.get("file") or "")})


@pytest.mark.parametrize("file", SIGNED)
def test_one_changed_byte_is_refused(file: str) -> None:
    body = CASES[0].read(file)
    fields = json.loads(body)
    method = VECTOR.sub(r"\1", file)
    # The SDK no longer knows the oldest method, "md5hash".
    assert method == "md5hash" or sdk(method).check_signature(dict(fields))
    with time_machine.travel(int(fields["timestamp"]), tick=False):
        assert believed(webhook(body))
        for changed in neighbours(body):
            assert not believed(webhook(changed)), changed
        for way in (as_form, as_query):
            assert believed(way(fields))
        for changed in neighbours(as_form(fields).body):
            assert not believed(webhook(changed, FORM)), changed
            query = changed.decode()
            assert not believed(webhook(b"", "", method="GET", query=query)), query


def with_token(token: str, body: bytes) -> WebhookRequest:
    return webhook(body, headers={"content-type": JSON, "authorization": f"Bearer {token}"})


def sdk_believes(token: str) -> bool:
    try:
        return bool(verify_signature(token, TOKEN_SECRET))
    except VonageVerifyJwtError:
        return False


@pytest.mark.parametrize("file", ["messages_mms.json", "messages_text.json"])
def test_a_token_is_believed_by_both_until_one_byte_changes(file: str) -> None:
    body = CASES[0].read(file)
    claims = {
        "iat": NOW,
        "jti": "c1f4d2ab-73c0-4a55-bb2e-0d9a8e7f6c5b",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": "ab12cd34",
    }
    token = jwt.encode(claims, TOKEN_SECRET, algorithm="HS256")
    with time_machine.travel(NOW, tick=False):
        assert sdk_believes(token)
        assert believed(with_token(token, body), TOKEN_SECRET)
        assert not believed(with_token(token, body), f"{TOKEN_SECRET}x")
        for changed in neighbours(body):
            assert not believed(with_token(token, changed), TOKEN_SECRET)
        for changed in neighbours(token.encode()):
            assert not sdk_believes(changed.decode())
            assert not believed(with_token(changed.decode(), body), TOKEN_SECRET)


def test_the_published_token_is_believed_by_both() -> None:
    name = "Messages API, a token over the body"
    case = next(case for case in CASES if case.name == name)
    token = case.data["headers"]["Authorization"].removeprefix("Bearer ")
    with time_machine.travel(NOW, tick=False):
        assert sdk_believes(token)
        assert believed(with_token(token, case.body), TOKEN_SECRET)

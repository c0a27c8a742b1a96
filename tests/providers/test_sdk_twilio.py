"""Twilio: its official SDK and we send the same requests and believe the same signatures."""

import dataclasses
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import pytest
import requests
import responses
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped] # no types
from twilio.rest import Client  # type: ignore[import-untyped] # the SDK has no types

from providers import registry
from providers.abilities import SetsWebhook
from providers.contract import WebhookRequest
from providers.errors import WebhookRefused
from tests.providers.cases import Case, of

CASES = of("twilio")
SENDS = [case for case in CASES if case.kind == "send_request"]
TOKEN = CASES[0].credentials["auth_token"]
ADAPTER = registry.build("twilio", CASES[0].credentials)
FORM = "application/x-www-form-urlencoded"
URL = "https://sms.example.com/webhooks/k3JtQ9/?ref=5b1f6f0e3a524c1e9d5c7f2f0a9b6d11"
# A port that is written may be signed or not, a changed one would often change nothing.
URLS = st.sampled_from([URL, "http://h.example/a%20b?x=%C3%A9&y", "https://h.example:8443/w/"])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
PAIRS = st.lists(st.tuples(st.sampled_from(["Body", "From", "Extra", ""]) | TEXTS, TEXTS))
SIGNED_BODIES = sorted({case.data["file"] for case in CASES if case.kind in {"inbound", "status"}})


@dataclasses.dataclass(frozen=True)
class Call:
    """One HTTP request, as far as it means something to Twilio."""

    method: str
    url: str
    authorization: str
    content_type: str
    fields: dict[str, list[str]]


def call(sent: requests.PreparedRequest) -> Call:
    """Read a request that left; the order of its fields means nothing, that of files does."""
    fields = parse_qs(str(sent.body or ""), keep_blank_values=True, strict_parsing=bool(sent.body))
    kind = sent.headers.get("Content-Type", "") if sent.body else ""
    return Call(str(sent.method), str(sent.url), sent.headers["Authorization"], kind, fields)


def client(case: Case) -> Client:
    """Log the SDK in with the credentials of a case."""
    own = case.credentials
    if own.get("api_key_sid"):
        return Client(own["api_key_sid"], own["api_key_secret"], own["account_sid"])
    return Client(own["account_sid"], own["auth_token"])


@pytest.mark.parametrize("case", SENDS, ids=str)
def test_both_send_the_same_message(case: Case, edge: responses.RequestsMock) -> None:
    account = case.credentials["account_sid"]
    path = f"https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json"
    edge.post(path, body=case.body, status=201)
    message = case.message()
    optional = {
        "body": message.text,
        "media_url": list(message.media_urls),
        "status_callback": message.status_url,
        "messaging_service_sid": case.credentials.get("messaging_service_sid"),
    }
    given_ = {name: value for name, value in optional.items() if value}
    theirs = client(case).messages.create(to=message.recipient, from_=message.sender, **given_)
    ours = case.adapter().send(message)
    first, second = (call(found.request) for found in edge.calls)
    assert first == second
    assert (theirs.sid, int(theirs.num_segments)) == (ours.provider_id, ours.segments)


def test_both_enter_the_same_webhook(edge: responses.RequestsMock) -> None:
    case = next(case for case in CASES if case.name == "webhook of a number of a service")
    number, url = case.arguments()
    for exchange in case.data["exchanges"]:
        host = "messaging" if exchange["path"].startswith("/v1/") else "api"
        target = f"https://{host}.twilio.com{exchange['path'].partition('?')[0]}"
        edge.add(exchange["method"], target, body=case.read(exchange["file"]))
    sdk, adapter = client(case), case.adapter()
    assert isinstance(adapter, SetsWebhook)
    adapter.set_webhook(number, url)
    found = sdk.incoming_phone_numbers.list(phone_number=number, limit=1, page_size=50)[0]
    found.update(sms_url=url, sms_method="POST")
    service = sdk.messaging.v1.services(case.credentials["messaging_service_sid"])
    service.update(inbound_request_url=url, inbound_method="POST")
    sent = [call(each.request) for each in edge.calls]
    assert sent[1:3] == sent[4:6]
    # The SDK adds the size of a page to every listing.
    assert sent[3] == dataclasses.replace(sent[0], url=f"{sent[0].url}&PageSize=50")


def webhook(url: str, body: bytes, signature: str, **changed: Any) -> WebhookRequest:
    """Make the request of a webhook."""
    headers = {"content-type": FORM, "x-twilio-signature": signature, **changed.pop("headers", {})}
    query = url.partition("#")[0].partition("?")[2]
    made = WebhookRequest(method="POST", url=url, headers=headers, query=query, body=body)
    return dataclasses.replace(made, **changed)


def believed(request: WebhookRequest, **credentials: str) -> bool:
    """Say whether our adapter believes a request."""
    adapter = ADAPTER
    if credentials:
        adapter = registry.build("twilio", {**CASES[0].credentials, **credentials})
    try:
        adapter.authenticate(request)
    except WebhookRefused:
        return False
    return True


def theirs_believes(request: WebhookRequest) -> bool:
    """Say whether the SDK believes a request with a form."""
    signature = request.headers["x-twilio-signature"]
    fields = QueryDict(request.body)
    return bool(RequestValidator(TOKEN).validate(request.url, fields, signature))


def sign(url: str, body: bytes) -> str:
    """Sign a form with the SDK."""
    return str(RequestValidator(TOKEN).compute_signature(url, QueryDict(body)))


@settings(deadline=None)
@given(url=URLS, pairs=PAIRS)
def test_what_the_sdk_signs_is_believed(url: str, pairs: list[tuple[str, str]]) -> None:
    fields = [pair for pair in pairs if pair[0] != "AccountSid"]
    body = urlencode(fields).encode()
    request = webhook(url, body, sign(url, body))
    assert theirs_believes(request)
    assert believed(request)


@settings(deadline=None)
@given(url=URLS, other=URLS, pairs=PAIRS, more=PAIRS)
def test_what_the_sdk_refuses_is_refused(
    url: str, other: str, pairs: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    body, changed = urlencode(pairs).encode(), urlencode(more).encode()
    request = webhook(other, changed, sign(url, body))
    assert believed(request) == theirs_believes(request)


def neighbours(text: bytes) -> Iterator[bytes]:
    """Yield the text with each one of its bytes changed."""
    for place, byte in enumerate(text):
        yield text[:place] + bytes([byte ^ 1]) + text[place + 1 :]


@pytest.mark.parametrize("file", [name for name in SIGNED_BODIES if name != "empty.txt"])
def test_one_changed_byte_is_refused(file: str) -> None:
    body = CASES[0].read(file)
    signature = sign(URL, body)
    assert believed(webhook(URL, body, signature))
    for changed in neighbours(body):
        assert not believed(webhook(URL, changed, signature))
    for changed in neighbours(URL.encode()):
        assert not believed(webhook(changed.decode(), body, signature))
    for changed in neighbours(signature.encode()):
        assert not believed(webhook(URL, body, changed.decode()))


def test_a_webhook_by_get_is_signed_in_its_url_alone() -> None:
    case = next(case for case in CASES if case.name == "by GET")
    url = case.data["url"]
    signature = str(RequestValidator(TOKEN).compute_signature(url, {}))
    assert believed(webhook(url, b"", signature, method="GET"))
    for changed in neighbours(url.encode()):
        assert not believed(webhook(changed.decode(), b"", signature, method="GET"))


def test_a_body_that_is_no_form_is_bound_by_its_hash() -> None:
    body = CASES[0].read("hashed.json")
    validator = RequestValidator(TOKEN)
    url = f"{URL}&bodySHA256={validator.compute_hash(body.decode())}"
    signature = str(validator.compute_signature(url, {}))
    assert validator.validate(url, body.decode(), signature)
    assert believed(webhook(url, body, signature))
    for changed in neighbours(body):
        assert not believed(webhook(url, changed, signature))


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA1", "HMAC_MD5"])
def test_a_shared_key_signs_by_the_only_algorithm_that_it_has(algorithm: str) -> None:
    key, body = "wsk_0123456789abcdef0123456789abcdef", CASES[0].read("inbound.txt")
    validator = RequestValidator(key)
    signature = str(
        validator.compute_signature(URL, dict(parse_qsl(body.decode(), True)), "HMAC_SHA256")
    )
    settings_ = {"x-twilio-webhooks-signature-settings": f"key=SK1,algorithm={algorithm}"}
    request = webhook(URL, body, signature, headers=settings_)
    assert believed(request, webhook_shared_key=key) == (algorithm == "HMAC_SHA256")
    assert not believed(request)

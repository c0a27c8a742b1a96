"""Telnyx: its official SDK and we send the same requests and believe the same signatures."""

import base64
import dataclasses
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest
import responses
import telnyx
import time_machine
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from providers import registry
from providers.abilities import ReadsWebhook
from providers.adapters.telnyx import STATUSES
from providers.contract import InboundMessage, StatusUpdate, WebhookRequest
from providers.errors import WebhookRefused
from tests.providers.cases import Case, of

CASES = of("telnyx")
SENDS = [case for case in CASES if case.kind == "send_request"]
EVENTS = [case for case in CASES if case.kind in {"inbound", "status"}]
# The shapes and words that the SDK has models for.
MODELLED = {"text", "mms", "delivered", "sent", "delivery_failed", "sending_failed", "queued"}
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
NOW = 1793369717


@dataclasses.dataclass(frozen=True)
class Call:
    """One HTTP request, as far as it means something to Telnyx."""

    method: str
    url: str
    authorization: str
    repeat: str | None
    content: dict[str, Any]


def call(method: str, url: str, headers: Any, body: bytes) -> Call:
    """Read a request that left."""
    if body:
        assert headers["Content-Type"] == "application/json"
    content = json.loads(body) if body else {}
    # Writing a bracket in a query as itself or escaped is the same.
    url = str(httpx.URL(url))
    return Call(method, url, headers["Authorization"], headers.get("Idempotency-Key"), content)


class Edge:
    """Where the SDK's requests end: each is noted and answered with the next body."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Note a request and answer it."""
        request.read()
        self.calls.append(call(request.method, str(request.url), request.headers, request.content))
        body = self.answers.pop(0)
        return httpx.Response(200, content=body, headers={"Content-Type": "application/json"})

    def client(self, case: Case) -> telnyx.Telnyx:
        """Log the SDK in with the credentials of a case, and let its requests end here."""
        http = httpx.Client(transport=httpx.MockTransport(self))
        return telnyx.Telnyx(api_key=case.credentials["api_key"], http_client=http, max_retries=0)


def ours(edge: responses.RequestsMock) -> list[Call]:
    """Return the requests that we made."""
    found = []
    for one in (each.request for each in edge.calls):
        body = one.body or b""
        assert isinstance(body, bytes)
        found.append(call(str(one.method), str(one.url), one.headers, body))
    return found


@pytest.mark.parametrize("case", SENDS, ids=str)
def test_both_send_the_same_message(case: Case, edge: responses.RequestsMock) -> None:
    edge.post(f"https://api.telnyx.com{case.data['expect']['path']}", body=case.body)
    theirs, message = Edge(case.body), case.message()
    optional: dict[str, Any] = {
        "text": message.text,
        "media_urls": list(message.media_urls),
        "webhook_url": message.status_url,
    }
    given = {name: value for name, value in optional.items() if value}
    if message.status_url:
        given["use_profile_webhooks"] = False
    if message.sender.isalpha():
        given["messaging_profile_id"] = case.credentials["messaging_profile_id"]
    given |= {"from_": message.sender, "idempotency_key": message.reference}
    sdk, people = theirs.client(case).messages, list(message.recipients)
    sent = sdk.send_group_mms(to=people, **given) if people[1:] else sdk.send(to=people[0], **given)
    result = case.adapter().send(message)
    assert ours(edge) == theirs.calls
    assert sent.data is not None
    assert (sent.data.id, sent.data.parts) == (result.provider_id, result.segments)


def play(edge: responses.RequestsMock, case: Case) -> tuple[Edge, Any]:
    """Answer both sides with the exchanges of a case; return the SDK's edge and what we return."""
    told = case.data["exchanges"]
    for one in told:
        url = f"https://api.telnyx.com{one['path']}"
        edge.add(one["method"], url, body=case.read(one["file"]))
    method = getattr(case.adapter(), case.data["call"])
    return Edge(*(case.read(one["file"]) for one in told)), method(*case.arguments())


def of_name(name: str) -> Case:
    """Return the call of this name."""
    return next(case for case in CASES if case.kind == "call" and case.name == name)


def test_both_check_the_same(edge: responses.RequestsMock) -> None:
    case = of_name("check")
    theirs, _ = play(edge, case)
    sdk = theirs.client(case)
    sdk.balance.retrieve()
    sdk.messaging_profiles.retrieve(case.credentials["messaging_profile_id"])
    assert ours(edge) == theirs.calls


def test_both_list_the_same_numbers(edge: responses.RequestsMock) -> None:
    case = of_name("numbers of the profile")
    theirs, found = play(edge, case)
    pages = theirs.client(case).messaging_profiles.list_phone_numbers(
        case.credentials["messaging_profile_id"], page_number=1, page_size=250
    )
    assert [row.phone_number for row in pages] == [number.number for number in found]
    assert ours(edge) == theirs.calls


def test_both_enter_and_read_the_same_webhook(edge: responses.RequestsMock) -> None:
    case = of_name("webhook")
    number, url = case.arguments()
    theirs, _ = play(edge, case)
    sdk = theirs.client(case)
    row = next(iter(sdk.phone_numbers.messaging.list(filter_phone_number=number)))
    assert row.messaging_profile_id
    sdk.messaging_profiles.update(
        row.messaging_profile_id, webhook_url=url, webhook_api_version="2"
    )
    assert ours(edge) == theirs.calls
    again = Edge(case.read("profile.json"))
    profile = again.client(case).messaging_profiles.retrieve(row.messaging_profile_id).data
    assert profile is not None
    adapter = case.adapter()
    assert isinstance(adapter, ReadsWebhook)
    edge.get(again.calls[0].url, body=case.read("profile.json"))
    assert adapter.read_webhook(number) == profile.webhook_url
    assert ours(edge)[-1] == again.calls[0]


class BadSignatureError(Exception):
    """What PyNaCl raises, by its name there."""


class VerifyKey:
    """What the SDK needs of PyNaCl, which is not installed here, over another library."""

    def __init__(self, key: bytes) -> None:
        self.key = Ed25519PublicKey.from_public_bytes(key)

    def verify(self, message: bytes, signature: bytes) -> bytes:
        """Return the message if the signature fits."""
        try:
            self.key.verify(signature, message)
        except InvalidSignature as error:
            raise BadSignatureError from error
        return message


ADAPTER = registry.build("telnyx", {**CASES[0].credentials, "public_key": PUBLIC})
SDK = telnyx.Telnyx(
    api_key="KEY",
    public_key=PUBLIC,
    http_client=httpx.Client(transport=httpx.MockTransport(Edge())),
)


@pytest.fixture
def nacl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK find the two names that it looks for."""
    parts: dict[str, dict[str, type]] = {
        "signing": {"VerifyKey": VerifyKey},
        "exceptions": {"BadSignatureError": BadSignatureError},
    }
    monkeypatch.setitem(sys.modules, "nacl", ModuleType("nacl"))
    for name, held in parts.items():
        module = ModuleType(f"nacl.{name}")
        vars(module).update(held)
        monkeypatch.setitem(sys.modules, f"nacl.{name}", module)


def signed(body: bytes, at: int = NOW) -> WebhookRequest:
    """Make a request that our own key signed."""
    signature = base64.b64encode(KEY.sign(f"{at}|".encode() + body)).decode()
    headers = {"telnyx-timestamp": str(at), "telnyx-signature-ed25519": signature}
    return WebhookRequest(
        method="POST", url="https://sms.example.com/w/", headers=headers, query="", body=body
    )


def verdict(request: WebhookRequest) -> bool:
    """Say whether the request is believed, by us and by both ways of the SDK alike."""
    headers, verdicts = dict(request.headers), []
    for check in (
        lambda: ADAPTER.authenticate(request),
        lambda: verify_webhook_signature(request.body, headers, PUBLIC),
        lambda: unwrap(request),
    ):
        try:
            check()
        except (WebhookRefused, WebhookVerificationError, ValueError):
            verdicts.append(False)
        else:
            verdicts.append(True)
    assert len(set(verdicts)) == 1, verdicts
    return verdicts[0]


def unwrap(request: WebhookRequest) -> Any:
    """Let the SDK verify and read an event."""
    return SDK.webhooks.unwrap(request.body.decode(), headers=dict(request.headers))


def neighbours(text: bytes) -> Iterator[bytes]:
    """Yield the text with each one of its bytes changed."""
    for place, byte in enumerate(text):
        yield text[:place] + bytes([byte ^ 1]) + text[place + 1 :]


@pytest.mark.usefixtures("nacl")
@pytest.mark.parametrize("case", EVENTS, ids=str)
def test_both_believe_the_same_events(case: Case) -> None:
    with time_machine.travel(NOW, tick=False):
        assert verdict(signed(case.body))


@pytest.mark.usefixtures("nacl")
@pytest.mark.parametrize("case", [case for case in EVENTS if case.name in MODELLED], ids=str)
def test_both_read_the_same_events(case: Case) -> None:
    with time_machine.travel(NOW, tick=False):
        payload = unwrap(signed(case.body)).data.payload
    (event,) = case.adapter().parse(case.request())
    assert isinstance(event, InboundMessage | StatusUpdate)
    assert payload.id == event.provider_id
    assert payload.from_.phone_number == event.sender
    if isinstance(event, InboundMessage):
        assert payload.text == event.text
        assert [one.phone_number for one in payload.to] == list(event.recipients)
        assert [one.url for one in payload.media] == list(event.media_urls)
    else:
        assert payload.to[0].phone_number == event.recipient
        assert STATUSES[payload.to[0].status] == event.status


@pytest.mark.usefixtures("nacl")
@pytest.mark.parametrize("file", ["short.json", "empty_object.json", "status.json"])
def test_one_changed_byte_is_refused_by_both(file: str) -> None:
    request = signed(CASES[0].read(file))
    with time_machine.travel(NOW, tick=False):
        assert verdict(request)
        for body in neighbours(request.body):
            assert not verdict(dataclasses.replace(request, body=body))
        for name, value in request.headers.items():
            for changed in neighbours(value.encode()):
                headers = {**request.headers, name: changed.decode()}
                assert not verdict(dataclasses.replace(request, headers=headers))
            fewer = {other: text for other, text in request.headers.items() if other != name}
            assert not verdict(dataclasses.replace(request, headers=fewer))


@pytest.mark.usefixtures("nacl")
@pytest.mark.parametrize("skew", [-301, -300, 0, 300, 301])
def test_both_are_as_patient(skew: int) -> None:
    with time_machine.travel(NOW + skew, tick=False):
        assert verdict(signed(b"{}")) == (abs(skew) <= 300)


@pytest.mark.usefixtures("nacl")
def test_a_key_of_another_is_refused_by_both() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    request = signed(b"{}")
    signature = base64.b64encode(other.sign(f"{NOW}|{{}}".encode())).decode()
    headers = {**request.headers, "telnyx-signature-ed25519": signature}
    with time_machine.travel(NOW, tick=False):
        assert not verdict(dataclasses.replace(request, headers=headers))

"""Bandwidth: what its official SDK sends and reads, and what we do, are the same."""

import json
from dataclasses import dataclass, field
from typing import Any

import bandwidth  # type: ignore[import-untyped] # the SDK has no types
import pytest
import responses
import urllib3

from providers import registry
from providers.contract import InboundMessage, StatusUpdate, WebhookRequest
from providers.errors import SendError, WebhookRefused
from tests.providers.cases import Case, of

CASES = of("bandwidth")
SDK = "official SDK and its specification"
# In ASCII: beyond it the SDK writes this login in Latin-1, but a client's in UTF-8 as we do.
LEGACY = {"client_id": "", "client_secret": "", "username": "acme_api", "password": "old:S3cret!"}
LOGINS = {"client": {}, "client beyond ASCII": {"client_secret": "clïent:S3cret"}, "legacy": LEGACY}
EVENTS = [
    case for case in CASES if case.kind in {"inbound", "status"} and case.data["source"] == SDK
]
REFUSALS = [
    case
    for case in CASES
    if case.kind == "send_response" and case.before and (case.data["file"] or "").startswith("err")
]


@dataclass(frozen=True)
class Call:
    """One HTTP request, as far as it means something to the other side."""

    method: str
    url: str
    authorization: str
    content_type: str
    body: Any


def call(method: str, url: str, headers: Any, body: Any) -> Call:
    text = body.decode() if isinstance(body, bytes) else body or ""
    kind = headers.get("Content-Type", "").partition(";")[0]
    meaning = json.loads(text) if kind == "application/json" and text else text
    return Call(method, url, headers["Authorization"], kind, meaning)


@dataclass
class Edge:
    """Where the SDK's requests end: each is noted and answered with the next body."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def urlopen(self, method: str, url: str, **parts: Any) -> urllib3.HTTPResponse:
        """Note a request and answer it, in the place of urllib3."""
        self.calls.append(call(method, url, parts["headers"], parts.get("body")))
        status, body = self.answers.pop(0)
        headers = {"Content-Type": "application/json"}
        return urllib3.HTTPResponse(body=body, status=status, headers=headers)


@pytest.fixture
def sdk_edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    """Let every request that urllib3 would send for the SDK end here."""
    edge = Edge()
    monkeypatch.setattr(urllib3.PoolManager, "urlopen", staticmethod(edge.urlopen))
    return edge


def client(credentials: dict[str, str]) -> bandwidth.Configuration:
    own = {name: credentials.get(name) or None for name in ("client_id", "client_secret")}
    return bandwidth.Configuration(
        username=credentials.get("username"), password=credentials.get("password"), **own
    )


def sdk_send(credentials: dict[str, str], told: dict[str, Any]) -> Any:
    """Send a message with the SDK."""
    api = bandwidth.MessagesApi(bandwidth.ApiClient(client(credentials)))
    request = bandwidth.models.MessageRequest(
        application_id=credentials["application_id"],
        to=told["recipient"].split(";"),
        var_from=told["sender"],
        text=told["text"] or None,
        media=told["media_urls"] or None,
        tag=told["reference"],
    )
    return api.create_message(credentials["account_id"], request)


def ours(edge: responses.RequestsMock) -> list[Call]:
    """Return the requests that we made."""
    sent = [found.request for found in edge.calls]
    return [call(str(one.method), str(one.url), one.headers, one.body) for one in sent]


def answer(edge: responses.RequestsMock, method: str, status: int, body: bytes) -> None:
    urls = {"POST": "https://messaging.bandwidth.com/api/v2/users/5500123/messages"}
    url = urls.get(method, "https://messaging.bandwidth.com/api/v2/users/5500123/media")
    edge.post("https://api.bandwidth.com/api/v1/oauth2/token", body=CASES[0].read("token.json"))
    edge.add(method, url, body=body, status=status)


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
@pytest.mark.parametrize(
    "case",
    [c for c in CASES if c.kind == "send_request" and len(c.before) == 1],
    ids=str,
)
def test_both_send_the_same_and_read_the_same(
    case: Case, login: dict[str, str], edge: responses.RequestsMock, sdk_edge: Edge
) -> None:
    credentials = {**case.credentials, **login}
    if login is not LEGACY:
        sdk_edge.answers.append((200, case.read("token.json")))
    sdk_edge.answers.append((202, case.body))
    answer(edge, "POST", 202, case.body)
    theirs = sdk_send(credentials, case.data["message"])
    result = registry.build("bandwidth", credentials).send(case.message())
    assert ours(edge) == sdk_edge.calls
    assert len(sdk_edge.calls) == (1 if login is LEGACY else 2)
    assert (result.provider_id, result.segments) == (theirs.id, theirs.segment_count)


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
def test_both_list_the_media_the_same(
    login: dict[str, str], edge: responses.RequestsMock, sdk_edge: Edge
) -> None:
    credentials, body = {**CASES[0].credentials, **login}, CASES[0].read("media.json")
    if login is not LEGACY:
        sdk_edge.answers.append((200, CASES[0].read("token.json")))
    sdk_edge.answers.append((200, body))
    answer(edge, "GET", 200, body)
    api = bandwidth.MediaApi(bandwidth.ApiClient(client(credentials)))
    assert api.list_media(credentials["account_id"])[0].media_name == "door.jpg"
    registry.build("bandwidth", credentials).check()
    assert ours(edge) == sdk_edge.calls


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_both_see_a_refusal(case: Case, edge: responses.RequestsMock, sdk_edge: Edge) -> None:
    status = case.data["http_status"]
    sdk_edge.answers += [(200, case.read("token.json")), (status, case.body)]
    told = {"recipient": "+16175550123", "sender": "+12025550188", "text": "Hi", "media_urls": []}
    with pytest.raises(bandwidth.exceptions.ApiException) as theirs:
        sdk_send(case.credentials, {**told, "reference": "r-1"})
    assert theirs.value.status == status
    answer(edge, "POST", status, case.body)
    message = next(other for other in CASES if other.kind == "send_request").message()
    with pytest.raises(SendError) as caught:
        case.adapter().send(message)
    said = json.loads(case.body).get("type", "")
    assert caught.value.code == (said if isinstance(said, str) else "")


@pytest.mark.parametrize("case", EVENTS, ids=str)
def test_the_models_of_the_sdk_read_our_samples_as_we_do(case: Case) -> None:
    body = json.loads(case.body)
    items = body if isinstance(body, list) else [body]
    callbacks = [bandwidth.models.Callback.from_dict(item).actual_instance for item in items]
    events = list(case.adapter().parse(case.request()))
    assert len(events) == len(callbacks) or not events
    for event, callback in zip(events, callbacks, strict=bool(events)):
        match event:
            case InboundMessage():
                assert isinstance(callback, bandwidth.models.InboundCallback)
                message = callback.message
                assert event.provider_id == message.id
                assert event.owner == callback.to == message.owner
                assert (event.sender, event.text) == (message.var_from, message.text)
                assert event.sent_at == message.time
                assert set(event.media_urls) <= set(message.media or ())
            case StatusUpdate():
                assert isinstance(callback, bandwidth.models.StatusCallback)
                assert event.provider_id == callback.message.id
                assert event.reference == callback.message.tag
                assert event.error_code == str(callback.error_code or "")
                assert event.at == callback.time


def test_every_kind_of_event_that_the_sdk_knows_is_known_here() -> None:
    kinds = [*bandwidth.models.StatusCallbackTypeEnum, *bandwidth.models.InboundCallbackTypeEnum]
    bodies = [json.loads(case.body) for case in EVENTS]
    seen = {item["type"] for body in bodies if isinstance(body, list) for item in body}
    assert seen == {kind.value for kind in kinds}


@pytest.mark.parametrize(
    ("user", "password"),
    [("pbxhook", "s3cr3t-Callback"), ("us er", "a:b:c"), ("hook", "p&ss<w>/+%")],
)
def test_a_login_is_written_as_the_sdk_writes_it(user: str, password: str) -> None:
    token = bandwidth.Configuration(username=user, password=password).get_basic_auth_token()
    login = {"callback_user_id": user, "callback_password": password}
    adapter = registry.build("bandwidth", {**CASES[0].credentials, **login})
    url = "https://sms.example.com/webhooks/k3JtQ9/"
    for header, fits in ((token, True), (f"{token}=", False), ("", False)):
        headers = {"authorization": str(header)}
        request = WebhookRequest(method="POST", url=url, headers=headers, query="", body=b"[]")
        if fits:
            adapter.authenticate(request)
            continue
        with pytest.raises(WebhookRefused):
            adapter.authenticate(request)

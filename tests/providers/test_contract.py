"""Every case of every adapter: bodies in, events out; messages in, requests out."""

import base64
import email
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
import time_machine

from providers import errors, registry
from providers.abilities import ListsNumbers, PollsReceipts, ReadsWebhook, SetsWebhook
from providers.contract import (
    Broken,
    Event,
    InboundMessage,
    Piece,
    Status,
    StatusUpdate,
)
from providers.download import Media
from tests.providers.cases import FIXTURES, Case, load, of

ANY = re.compile(".*")
KEYS = sorted(registry.all())
ABILITIES: dict[str, type] = {
    "list_numbers": ListsNumbers,
    "set_webhook": SetsWebhook,
    "read_webhook": ReadsWebhook,
    "poll_receipts": PollsReceipts,
}


def expected(told: dict[str, Any], kind: str) -> Event:
    """Make the event that a case tells of; a broken one may come in either kind."""
    if "broken" in told:
        return Broken(detail=told["broken"])
    fields = dict(told)
    if kind == "status" or "status" in fields:
        fields["status"] = Status(fields["status"]) if fields["status"] else None
        fields["at"] = datetime.fromisoformat(fields["at"]) if "at" in fields else None
        return StatusUpdate(**fields)
    fields["recipients"] = tuple(fields["recipients"])
    fields["media_urls"] = tuple(fields.get("media_urls", ()))
    fields["files"] = tuple(
        Media(file["content_type"], base64.b64decode(file["body"]), file["name"])
        for file in fields.get("files", ())
    )
    fields["piece"] = Piece(**fields["piece"]) if "piece" in fields else None
    fields["sent_at"] = datetime.fromisoformat(fields["sent_at"]) if "sent_at" in fields else None
    return InboundMessage(**fields)


def register(edge: responses.RequestsMock, case: Case, told: dict[str, Any], method: str) -> None:
    """Let the faked edge answer the next call with what the case tells."""
    edge.add(
        method,
        ANY,
        body=case.read(told["file"]),
        status=told["http_status"],
        headers=told.get("headers", {}),
        content_type=told.get("content_type", "application/json"),
    )


def prepare(edge: responses.RequestsMock, case: Case) -> None:
    """Let the faked edge answer the calls before a send, and the send."""
    for exchange in case.before:
        register(edge, case, exchange, exchange["method"])
    told = case.data["expect"]
    register(edge, case, case.data, told.get("method", case.data.get("method", "POST")))


def raised(case: Case, told: dict[str, Any], act: Callable[[], object]) -> None:
    """Check that the act fails as told, and that the error keeps the exchange."""
    with pytest.raises(getattr(errors, told["error"])) as caught:
        act()
    error = caught.value
    assert type(error).__name__ == told["error"]
    assert error.code == told["code"]
    if isinstance(error, errors.Throttled):
        assert error.limit == told.get("limit", "account")
        assert error.retry_after == pytest.approx(told.get("retry_after"))
    assert error.request.startswith(("POST ", "GET ", "PUT ")), "the exchange is kept"
    assert error.response or case.kind == "call"
    secrets_stay_hidden(case, str(error), error.request, error.response)


def secrets_stay_hidden(case: Case, *texts: str) -> None:
    """Check that no secret of the case stands in any of the texts."""
    fields = registry.all()[case.key].credentials_type.__dataclass_fields__.values()
    for field in fields:
        secret = case.credentials.get(field.name, "")
        if field.metadata["secret"] and secret:
            assert not any(secret in text for text in texts), field.name


def check_request(case: Case, sent: requests.PreparedRequest, told: dict[str, Any]) -> None:
    """Compare a request that left with what a case expects of it."""
    parts = urlsplit(str(sent.url))
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    assert (sent.method, path) == (told["method"], told["path"])
    for name, value in told.get("headers", {}).items():
        assert sent.headers[name] == value
    body = sent.body or b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    if "json" in told:
        assert json.loads(text) == told["json"]
    if "form" in told:
        pairs = parse_qsl(text, keep_blank_values=True)
        assert pairs == [tuple(pair) for pair in told["form"]]
    if "multipart" in told:
        assert fields_of(sent.headers["Content-Type"], text) == told["multipart"]
    if "body" in told:
        assert text.encode() == case.read(told["body"])


def fields_of(content_type: str, body: str) -> list[list[str]]:
    """Read the pairs of a multipart form, in order."""
    whole = email.message_from_string(f"Content-Type: {content_type}\n\n{body}")
    parts = [part for part in whole.walk() if not part.is_multipart()]
    names = [str(part.get_param("name", header="content-disposition")) for part in parts]
    return [[name, str(part.get_payload())] for name, part in zip(names, parts, strict=True)]


@pytest.mark.parametrize("case", load("inbound", "status"), ids=str)
def test_a_webhook_body_becomes_events(case: Case) -> None:
    adapter, told = case.adapter(), case.data["expect"]
    if isinstance(told, dict):
        with pytest.raises(errors.Unreadable):
            list(adapter.parse(case.request()))
        return
    assert list(adapter.parse(case.request())) == [expected(item, case.kind) for item in told]


@pytest.mark.parametrize("case", load("signature"), ids=str)
def test_only_the_provider_can_sign(case: Case) -> None:
    with time_machine.travel(case.data.get("at", 1793369717), tick=False):
        if case.data["valid"]:
            case.adapter().authenticate(case.request())
            return
        with pytest.raises(errors.WebhookRefused):
            case.adapter().authenticate(case.request())


@pytest.mark.parametrize("case", load("send_response"), ids=str)
def test_an_answer_to_a_send_becomes_a_result_or_an_error(
    case: Case, edge: responses.RequestsMock
) -> None:
    told, plain = case.data["expect"], case.plain()
    prepare(edge, case)
    with time_machine.travel(case.data.get("at", 1793369717), tick=False):
        if "error" in told:
            raised(case, told, lambda: case.adapter().send(plain))
            return
        result = case.adapter().send(plain)
    assert (result.provider_id, result.segments) == (told["provider_id"], told.get("segments", 0))
    assert result.part_ids == tuple(told.get("part_ids", ()))
    assert plain.text in result.request
    # An adapter may put the kind of the message before the id: "mms:1".
    assert result.provider_id.rpartition(":")[2] in result.response
    secrets_stay_hidden(case, result.request, result.response)


@pytest.mark.parametrize("case", load("send_request"), ids=str)
def test_a_message_becomes_a_request(case: Case, edge: responses.RequestsMock) -> None:
    prepare(edge, case)
    result = case.adapter().send(case.message())
    *before, call = edge.calls
    for earlier, exchange in zip(before, case.before, strict=True):
        check_request(case, earlier.request, exchange)
    check_request(case, call.request, case.data["expect"])
    secrets_stay_hidden(case, result.request, result.response)


@pytest.mark.parametrize("case", load("call"), ids=str)
def test_account_calls(case: Case, edge: responses.RequestsMock) -> None:
    exchanges, told = case.data["exchanges"], case.data["expect"]
    for exchange in exchanges:
        register(edge, case, exchange, exchange["method"])
    method = getattr(case.adapter(), case.data["call"])
    if isinstance(told, dict):
        with pytest.raises(getattr(errors, told["error"])) as caught:
            method(*case.arguments())
        assert caught.value.code == told["code"]
        secrets_stay_hidden(case, str(caught.value))
    elif case.data["call"] == "poll_receipts":
        updates = list(method(*case.arguments()))
        assert updates == [expected(item, "status") for item in told]
    elif isinstance(told, list):
        assert [vars(number) for number in method(*case.arguments())] == told
    else:
        assert method(*case.arguments()) == told
    assert len(edge.calls) == len(exchanges)
    for call, exchange in zip(edge.calls, exchanges, strict=True):
        check_request(case, call.request, exchange)


@pytest.mark.parametrize("key", KEYS)
def test_every_claim_of_an_adapter_has_a_case(key: str) -> None:
    adapter, cases = registry.get(key), of(key)
    able = adapter.capabilities
    kinds = {case.kind for case in cases}
    sends = [case.data["message"] for case in cases if case.kind == "send_request"]
    events = [event for case in cases if case.kind == "inbound" for event in case.data["expect"]]
    assert {"send_response", "send_request", "signature", "call"} <= kinds
    assert able.inbound == ("inbound" in kinds)
    assert able.receipts == ("status" in kinds)
    assert able.mms == any(message["media_urls"] for message in sends)
    if able.inbound:
        assert able.mms == any("media_urls" in event or "files" in event for event in events)
    assert able.sender_id == any(message["sender"].isalpha() for message in sends)
    assert bool(able.group) == any(";" in message["recipient"] for message in sends)
    assert able.mms or not able.group
    refused = [case for case in cases if case.kind == "signature" and not case.data["valid"]]
    assert refused
    if able.signed_webhooks:
        assert any(case.data["valid"] for case in cases if case.kind == "signature")


@pytest.mark.parametrize("key", KEYS)
def test_every_call_of_an_adapter_has_a_case(key: str) -> None:
    calls = {case.data["call"] for case in of(key) if case.kind == "call"}
    able = {name for name, kind in ABILITIES.items() if issubclass(registry.get(key), kind)}
    assert calls == {"check"} | able


@pytest.mark.parametrize("key", KEYS)
def test_every_adapter_has_a_refusal_and_a_text_beyond_ascii(key: str) -> None:
    cases = of(key)
    classes = {case.data["expect"].get("error") for case in cases if case.kind == "send_response"}
    assert {"Rejected", "CredentialsRefused", "Throttled", "Unconfirmed"} <= classes
    events = [event for case in cases if case.kind == "inbound" for event in case.data["expect"]]
    inbound = [event["text"] for event in events if "text" in event]
    assert any(not text.isascii() for text in inbound) == registry.get(key).capabilities.inbound
    sends = [case.data["message"]["text"] for case in cases if case.kind == "send_request"]
    assert any(not text.isascii() for text in sends)


@pytest.mark.parametrize("key", KEYS)
def test_every_fixture_is_used(key: str) -> None:
    cases = of(key)
    used = {case.data.get("file") for case in cases}
    played = [item for case in cases for item in (*case.before, *case.data.get("exchanges", ()))]
    compared = [item for item in [*played, *(case.data.get("expect") for case in cases)] if item]
    used |= {item["file"] for item in played}
    used |= {item["body"] for item in compared if isinstance(item, dict) and "body" in item}
    folder = {path.name for path in (FIXTURES / key).iterdir()} - {"cases.json"}
    assert used - {None} == folder

"""Custom: what is wrong is named while it is saved, and no tenant reaches a private address."""

import dataclasses
import re
from pathlib import Path

import pytest
import responses
import yaml

from providers import registry
from providers.contract import Proof
from providers.errors import CredentialsRefused, Rejected
from providers.exchange import MASK
from tests.providers.cases import of
from tests.providers.conftest import Server

PAGE = Path(__file__).parents[2] / "docs" / "custom-provider.md"
CASE = of("custom")[0]
VALUES = CASE.credentials
TAKEN = b'{"result": {"status": "ok", "id": "m1"}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(TAKEN), TAKEN)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"send_url": "api.example.net"}, r"send_url \(Send URL\) does not look like one"),
        ({"send_url": "https://me@api.example.net/"}, "send_url .* does not look like one"),
        ({"send_url": "https://{token}.example.net/"}, "send_url .* does not look like one"),
        ({"send_url": "https://a.example/{to}"}, r"send_url .*unknown placeholder \{to\}"),
        ({"headers": "X-Key"}, "headers .* not written as Name: value"),
        ({"headers": "X Key: 1"}, "headers .* not written as Name: value"),
        ({"headers": "Host: evil.example"}, "headers .* sets Host"),
        ({"headers": "X-Text: {text}"}, r"headers .*unknown placeholder \{text\}"),
        ({"query": "a={media}"}, r"query \(Query template\) .*unknown placeholder \{media\}"),
        ({"body_template": '{"to": "{phone}"}'}, r"body_template \(Body template\) .*\{phone\}"),
        ({"body_template": "to={to}"}, r"body_template .* is not JSON"),
        ({"body_template": '{"to": "{to}"}'}, r"body_template .* has no \{text\}"),
        ({"body_template": '{"text": "{text}"}'}, r"body_template .* has no \{to\}"),
        ({"method": "GET"}, r"body_format \(Body format\) must be a form"),
        ({"method": "PATCH"}, r"method \(Method\) is none of: POST, GET, PUT"),
        ({"user": "", "password": ""}, r"authentication \(Authentication\) needs a user name"),
        ({"authentication": "bearer"}, "authentication .* needs a token"),
        ({"authentication": "query"}, "authentication .* needs a query template with"),
        ({"authentication": "body"}, "authentication .* needs a body template with"),
        ({"success": "= ok"}, r"success \(Success test\) is not written as"),
        ({"success": "", "message_id": ""}, "success .* is missing, and so is the path of the"),
        ({"message_id": "a//b"}, r"message_id .* holds a path with an empty step"),
        ({"receipt_status": "~x"}, r"receipt_status .* holds a ~"),
        ({"events": "/"}, r"events .* holds a path with an empty step"),
        ({"status_words": "ok"}, r"status_words .* has the line 'ok'"),
        ({"status_words": "a = sent\nok = fine"}, r"has the line 'ok = fine'; write word = one of"),
        ({"authenticity": "basic"}, r"webhook_user \(Webhook user name\) is missing"),
        ({"authenticity": "header"}, "webhook_secret .* is missing"),
        ({"authenticity": "hmac", "webhook_secret": "k"}, "signature_header .* is missing"),
    ],
)
def test_a_field_that_makes_no_sense_is_named(changes: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        registry.build("custom", {**VALUES, **changes})


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://api.example.net/v2/send?x=https://y/z", "https://api.example.net"),
        ("http://api.example.net:8080?x=1", "http://api.example.net:8080"),
        ("https://api.example.net", "https://api.example.net"),
    ],
)
def test_the_base_is_the_origin_of_the_send_url(url: str, base: str) -> None:
    assert registry.build("custom", {**VALUES, "send_url": url}).http.base == base


def test_a_private_address_is_not_called(server: Server) -> None:
    values = {**VALUES, "send_url": f"{server.url}/send"}
    with pytest.raises(CredentialsRefused, match="not on the public internet"):
        registry.build("custom", values).send(CASE.plain())
    assert server.connections == 0


def test_an_address_that_the_operator_trusts_is_called(server: Server) -> None:
    server.answers += [ANSWER, ANSWER]
    server.hang_up = True
    trusted = frozenset({f"127.0.0.1:{server.port}"})
    values = {**VALUES, "send_url": f"{server.url}/send"}
    registry.build("custom", values, trusted_hosts=trusted).send(CASE.plain())
    # An override is the operator's own choice.
    registry.build("custom", VALUES, api_base=f"{server.url}/mock").send(CASE.plain())
    lines = [seen.partition(b"\r\n")[0] for seen in server.seen]
    assert lines == [b"POST /send HTTP/1.1", b"POST /mock/v2/messages?format=json HTTP/1.1"]


def test_files_are_refused_where_the_template_has_no_place_for_them(
    edge: responses.RequestsMock,
) -> None:
    values = {**VALUES, "body_template": '{"to": "{to}", "text": "{text}"}'}
    message = dataclasses.replace(CASE.plain(), media_urls=("https://sms.example.com/m/a.jpg",))
    with pytest.raises(Rejected, match=r"no \{media\}"):
        registry.build("custom", values).send(message)
    assert not edge.calls


def test_a_key_in_the_url_and_in_a_header_stays_hidden(edge: responses.RequestsMock) -> None:
    edge.post("https://api.example.net/a%2Fb%3F../send", body=TAKEN)
    url = "https://api.example.net/{token}/send"
    values = {**VALUES, "send_url": url, "token": "a/b?..", "headers": "authorization: Key {token}"}
    result = registry.build("custom", values).send(CASE.plain())
    assert edge.calls[0].request.headers["Authorization"] == "Key a/b?.."
    assert result.request.startswith(f"POST https://api.example.net/{MASK}/send\n")
    assert "a/b?" not in result.request


@pytest.mark.parametrize(
    ("authentication", "sent"),
    [("basic", "Basic YWNtZTpTM2NyZXQhcGFzcw=="), ("bearer", "Bearer t"), ("none", None)],
)
def test_an_attachment_is_fetched_with_the_proof_of_a_send_from_our_host_only(
    edge: responses.RequestsMock, authentication: str, sent: str | None
) -> None:
    adapter = registry.build("custom", {**VALUES, "authentication": authentication, "token": "t"})
    for host in ("api.example.net", "api.example.net.evil.example"):
        edge.get(f"https://{host}/1.jpg", body=b"jpg", content_type="image/jpeg")
        assert adapter.fetch_media(f"https://{host}/1.jpg").body == b"jpg"
    ours, theirs = (call.request.headers for call in edge.calls)
    assert ours.get("Authorization") == sent
    assert "Authorization" not in theirs


@pytest.mark.parametrize(
    ("changes", "proof"),
    [
        ({}, Proof.ADDRESS),
        ({"authenticity": "basic", "webhook_user": "u", "webhook_password": "p"}, Proof.PASSWORD),
        (
            {"authenticity": "header", "webhook_secret": "s", "signature_header": "X"},
            Proof.PASSWORD,
        ),
        ({"authenticity": "hmac", "webhook_secret": "s", "signature_header": "X"}, Proof.SIGNED),
    ],
)
def test_the_proof_is_the_one_that_was_chosen(changes: dict[str, str], proof: Proof) -> None:
    assert registry.build("custom", {**VALUES, **changes}).proof is proof


def test_a_webhook_is_answered_with_the_text_that_was_entered() -> None:
    adapter = registry.build("custom", {**VALUES, "webhook_reply": "ok"})
    assert adapter.reply(CASE.request()).body == "ok"


def test_the_examples_of_the_documentation_can_be_saved() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    trunks = [yaml.safe_load(example) for example in examples]
    assert len(trunks) > 1
    for trunk in trunks:
        registry.build(trunk["provider"], trunk["credentials"])

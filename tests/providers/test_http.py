"""The door to the network: what is said, what is hidden, and what each failure means."""

import itertools
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import requests
import responses
import time_machine
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError

from providers import wire
from providers.answer import Answer
from providers.errors import (
    CredentialsRefused,
    Rejected,
    SendError,
    Throttled,
    Unavailable,
    Unconfirmed,
)
from providers.exchange import MASK
from providers.http import Http
from tests.providers.conftest import Server

BASE = "https://api.example"
SECRET = 'p"ss wörd/+%'


def reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Write an HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def nothing(answer: Answer) -> None:
    """Explain nothing: the guess stands."""


def test_head_and_body_leave_in_one_piece(server: Server) -> None:
    server.answers = [reply(b"{}")]
    Http(server.url).post("/send", form={"to": "1"})
    # The server reads no further than to the end of the head.
    assert server.seen[0].endswith(b"\r\n\r\nto=1")


def test_a_call_says_what_it_was_told(edge: responses.RequestsMock) -> None:
    edge.post(f"{BASE}/v1/send", json={"id": 7})
    http = Http(f"{BASE}/v1/", secrets=[SECRET])
    answer = http.post(
        "/send",
        basic=("user", SECRET),
        headers={"Idempotency-Key": "r-1"},
        params={"page[size]": "5"},
        json={"text": "日本"},
    )
    sent = edge.calls[0].request
    assert answer.ident("id") == "7"
    assert sent.url == f"{BASE}/v1/send?page%5Bsize%5D=5"
    assert sent.body == '{"text": "日本"}'.encode()
    assert sent.headers["Idempotency-Key"] == "r-1"
    assert sent.headers["Accept"] == "application/json"
    first, *headers, _, body = answer.exchange.request.splitlines()
    assert first == f"POST {BASE}/v1/send?page%5Bsize%5D=5"
    assert set(headers) == {
        "Idempotency-Key: r-1",
        "Content-Type: application/json",
        f"Authorization: {MASK}",
    }
    assert body == '{"text": "日本"}'
    assert answer.exchange.response.startswith("HTTP 200\n")


def test_a_form_may_repeat_a_name(edge: responses.RequestsMock) -> None:
    edge.put(f"{BASE}/x", json={})
    edge.patch(f"{BASE}/x", json={})
    edge.delete(f"{BASE}/x", status=204)
    http = Http(BASE)
    http.put("/x", form=[("a", "1"), ("a", "é &")])
    http.patch("/x", form={"b": "2"}, bearer="t")
    assert http.delete("/x").status == 204
    put, patch, _ = (call.request for call in edge.calls)
    assert put.body == "a=1&a=%C3%A9+%26"
    assert (patch.body, patch.headers["Authorization"]) == ("b=2", "Bearer t")


def test_a_full_url_must_lie_below_the_base(edge: responses.RequestsMock) -> None:
    edge.get(f"{BASE}/next", json={})
    Http(BASE).get(f"{BASE}/next")
    for url in ("https://api.example.evil/x", "https://evil/x", "next"):
        with pytest.raises(Rejected, match="outside its own API"):
            Http(BASE).get(url)


@pytest.mark.parametrize(
    ("status", "headers", "body", "error", "retry_after"),
    [
        (401, {}, "{}", CredentialsRefused, None),
        (403, {}, "<html>", CredentialsRefused, None),
        (429, {"Retry-After": "12"}, "", Throttled, 12.0),
        (429, {"Retry-After": "Sun, 01 Nov 2026 00:00:30 GMT"}, "", Throttled, 30.0),
        (429, {"Retry-After": "Sat, 31 Oct 2026 00:00:00 GMT"}, "", Throttled, 0.0),
        (429, {"Retry-After": "soon"}, "", Throttled, None),
        (429, {"Retry-After": "9" * 5000}, "", Throttled, None),
        (429, {}, "", Throttled, None),
        (400, {}, '{"why":"because"}', Rejected, None),
        (404, {}, "", Rejected, None),
        (408, {}, "", Unavailable, None),
        (302, {"Location": "https://elsewhere"}, "", Unavailable, None),
        (302, {"Location": "http://["}, "", Unavailable, None),
        (500, {}, "{}", Unconfirmed, None),
        (502, {}, "<html>", Unconfirmed, None),
        (200, {}, "OK", Unconfirmed, None),
        (200, {}, "[]", Unconfirmed, None),
        (200, {}, '{"a":"' + "x" * 1_000_001 + '"}', Unconfirmed, None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_status_means_what_we_do_next(
    edge: responses.RequestsMock,
    status: int,
    headers: dict[str, str],
    body: str,
    error: type[SendError],
    retry_after: float | None,
) -> None:
    edge.post(f"{BASE}/", status=status, headers=headers, body=body)
    with (
        time_machine.travel(datetime(2026, 11, 1, tzinfo=UTC), tick=False),
        pytest.raises(SendError) as caught,
    ):
        Http(BASE).post("/", json={}, explain=nothing)
    assert type(caught.value) is error
    assert getattr(caught.value, "retry_after", None) == retry_after
    assert "<" not in str(caught.value)
    assert caught.value.request.startswith(f"POST {BASE}/\n")
    assert caught.value.response.startswith(f"HTTP {status}\n")


def test_the_body_explains_before_the_status_is_guessed(edge: responses.RequestsMock) -> None:
    def explain(answer: Answer) -> None:
        if answer.status != 400:
            raise Rejected(f"No: {answer.text('why')}", code="7")

    edge.post(f"{BASE}/", status=200, json={"why": f"{SECRET} is wrong"})
    edge.post(f"{BASE}/", status=500, json={"why": {}})
    edge.post(f"{BASE}/", status=200, json={})
    edge.post(f"{BASE}/", status=400, json={})
    http = Http(BASE, secrets=[SECRET])
    with pytest.raises(Rejected, match=f"No: {MASK} is wrong") as caught:
        http.post("/", explain=explain)
    assert caught.value.code == "7"
    assert caught.value.response.startswith("HTTP 200")
    for error in (Unconfirmed, Unconfirmed, Rejected):
        with pytest.raises(error):
            http.post("/", explain=explain)


@pytest.mark.parametrize("body", ["{}", '{"id":null}', '{"id":""}', '{"id":{}}', ""])
def test_a_success_without_an_id_is_unconfirmed(edge: responses.RequestsMock, body: str) -> None:
    edge.post(f"{BASE}/", body=body)
    answer = Http(BASE).post("/", json={"a": 1})
    with pytest.raises(Unconfirmed, match="id: ") as caught:
        answer.ident("id")
    assert '{"a": 1}' in caught.value.request
    with pytest.raises(Unconfirmed):
        answer.children("data")


def test_a_header_that_cannot_be_sent_is_refused_without_repeating_it(server: Server) -> None:
    for headers in ({"X-Key": "hush\r\nX: 1"}, {"X-Key": "hush日"}):
        with pytest.raises(Rejected, match="could not be formed") as caught:
            Http(server.url).get("/", headers=headers)
        assert "hush" not in str(caught.value)


def test_a_connection_stays_warm_per_thread(server: Server) -> None:
    server.answers += [reply(b"{}")] * 4
    http = Http(server.url)
    http.get("/1")
    http.get("/2")
    assert server.connections == 1
    assert b"GET /1 HTTP/1.1\r\n" in server.seen[0]


def test_each_thread_has_its_own_connection(server: Server) -> None:
    server.answers += [reply(b"{}", "Connection: close")] * 2
    http = Http(server.url)
    threads = [threading.Thread(target=http.get, args=("/",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=5)
    assert server.connections == 2


def test_a_refused_connection_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://127.0.0.1")
        with pytest.raises(Unavailable, match="refused the connection"):
            Http(f"http://127.0.0.1:{port}").post("/", json={})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433"])
def test_a_guarded_door_keeps_out_of_private_networks(server: Server, host: str) -> None:
    server.answers.append(reply(b"{}"))
    base = f"http://{host}:{server.port}"
    with responses.RequestsMock() as mock:
        mock.add_passthru(base)
        with pytest.raises(CredentialsRefused, match="not on the public internet") as caught:
            Http(base, guarded=True).post("/", json={"text": "hello"})
    assert '{"text": "hello"}' in caught.value.request
    assert server.connections == 0
    trusted = frozenset({f"127.0.0.1:{server.port}"})
    assert Http(server.url, guarded=True, trusted_hosts=trusted).post("/", json={}).status == 200


def test_a_guarded_door_looks_at_where_a_name_leads(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def private(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.5", server.port))]

    monkeypatch.setattr(socket, "getaddrinfo", private)
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://api.example")
        with pytest.raises(CredentialsRefused, match=r"^api\.example is not on the public"):
            Http(f"http://api.example:{server.port}", guarded=True).get("/")


@pytest.mark.parametrize("guarded", [False, True])
def test_an_unknown_name_is_unavailable(monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://nowhere.example")
        with pytest.raises(Unavailable, match="cannot be resolved"):
            Http("http://nowhere.example", guarded=guarded).post("/", json={})


def test_a_guarded_connection_that_is_refused_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    trusted = frozenset({f"127.0.0.1:{port}"})
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://127.0.0.1")
        http = Http(f"http://127.0.0.1:{port}", guarded=True, trusted_hosts=trusted)
        with pytest.raises(Unavailable, match="refused the connection"):
            http.post("/", json={})


def test_an_authorization_of_any_case_is_masked(edge: responses.RequestsMock) -> None:
    edge.get(f"{BASE}/", json={})
    answer = Http(BASE).get("/", headers={"authorization": "Key hush"})
    assert f"authorization: {MASK}" in answer.exchange.request


def test_a_connect_time_out_is_unavailable(edge: responses.RequestsMock) -> None:
    pool = HTTPConnectionPool("api.example")
    cause = MaxRetryError(pool, "/", ConnectTimeoutError())
    edge.post(f"{BASE}/", body=requests.ConnectTimeout(cause))
    with pytest.raises(Unavailable, match="did not answer in time"):
        Http(BASE).post("/")


def test_a_failed_hand_shake_is_unavailable(server: Server) -> None:
    server.answers.append(reply(b"not TLS"))
    server.first_bytes_are_enough = True
    with pytest.raises(Unavailable, match="secure connection"):
        Http(server.url.replace("http:", "https:")).post("/", json={})


def test_a_reset_after_sending_is_unconfirmed(server: Server) -> None:
    server.answers += [b"", reply(b"{}"), b""]
    http = Http(server.url)
    with pytest.raises(Unconfirmed, match="broke off") as caught:
        http.post("/", json={"text": "hello"})
    assert '{"text": "hello"}' in caught.value.request
    http.get("/")
    # The same on a connection that has served before: it is never tried again by itself.
    with pytest.raises(Unconfirmed):
        http.post("/", json={})
    assert len(server.seen) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_half_an_answer_is_unconfirmed(server: Server, answer: bytes) -> None:
    server.answers += [answer]
    server.hang_up = True
    with pytest.raises(Unconfirmed):
        Http(server.url).post("/", json={})


def test_silence_is_unconfirmed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.2)
    server.answers.append(None)
    with pytest.raises(Unconfirmed, match="did not answer in time"):
        Http(server.url).post("/", json={})


def test_an_answer_that_trickles_in_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.2)
    server.answers.append(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    with pytest.raises(Unconfirmed, match="did not answer in time"):
        Http(server.url).post("/", json={})


def test_a_long_trickle_meets_the_deadline(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Callable[[], float] = itertools.count(0.0, 40.0).__next__
    monkeypatch.setattr(time, "monotonic", clock)
    server.answers.append(reply(b"{}"))
    with pytest.raises(Unconfirmed, match="did not answer in time"):
        Http(server.url).post("/", json={})

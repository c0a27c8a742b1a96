"""Attachments: only from the public internet, only so large, and credentials stay at home."""

import pytest
import responses

from providers import connection, wire
from providers.connection import is_public
from providers.download import Media
from providers.errors import Rejected, SendError, Throttled, Unavailable
from providers.http import Http
from tests.providers.conftest import Server

URL = "https://media.example/files/cat.jpg?x=1"
HTTP = Http("https://api.example")


@pytest.fixture
def second() -> Server:
    """Another server of this machine, of which the first one knows nothing."""
    return Server()


def trusting(*servers: Server) -> Http:
    """Return a door that trusts these servers."""
    hosts = frozenset(f"127.0.0.1:{server.port}" for server in servers)
    return Http("https://api.example", trusted_hosts=hosts)


def ok(body: bytes = b"jpg", *headers: str) -> bytes:
    """Write an answer with a picture."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: image/jpeg; q=1", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def moved(url: str) -> bytes:
    """Write a redirect."""
    return f"HTTP/1.1 307 Temporary\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n".encode()


def test_an_attachment_comes_with_type_and_name(edge: responses.RequestsMock) -> None:
    edge.get(URL, body=b"jpg", content_type="Image/JPEG; charset=x")
    assert HTTP.download(URL) == Media("image/jpeg", b"jpg", "cat.jpg")
    assert "Authorization" not in edge.calls[0].request.headers


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('inline; filename="a b.png"', "a b.png"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\x\\\\y.png"', "y.png"),
        ("attachment; filename*=UTF-8''caf%C3%A9.png", "café.png"),
        ('attachment; filename="a%0ab"', "a%0ab"),
        ("attachment; filename=" + "x" * 500, "x" * 100),
        ("attachment", "cat.jpg"),
        ("", "cat.jpg"),
    ],
)
def test_a_name_is_never_a_path(edge: responses.RequestsMock, header: str, name: str) -> None:
    edge.get(URL, body=b"x", headers={"Content-Disposition": header})
    assert HTTP.download(URL).name == name


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, Unavailable),
        (408, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (429, Throttled),
        (400, Rejected),
        (401, Rejected),
        (403, Rejected),
        (410, Rejected),
        (204, Rejected),
        (304, Rejected),
    ],
)
def test_a_status_says_whether_to_try_again(
    edge: responses.RequestsMock, status: int, error: type[SendError]
) -> None:
    edge.get(URL, status=status)
    with pytest.raises(error) as caught:
        HTTP.download(URL)
    assert type(caught.value) is error


def test_what_is_too_large_is_refused_while_it_comes(server: Server) -> None:
    http = trusting(server)
    server.answers += [
        ok(b"x" * 11),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"6\r\nabcdef\r\n" * 2,
        ok(b"x" * 10),
    ]
    server.hang_up = True
    for _ in range(2):
        with pytest.raises(Rejected, match="larger than 10 bytes"):
            http.download(f"{server.url}/a", max_bytes=10)
    assert len(http.download(f"{server.url}/a", max_bytes=10).body) == 10


def test_a_broken_download_may_be_tried_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.2)
    server.hang_up = True
    server.answers += [b"", ok(b"x" * 9)[:-5], None]
    for _ in range(3):
        with pytest.raises(Unavailable):
            trusting(server).download(server.url + "/a")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://media.example/a",
        "file:///etc/passwd",
        "media.example/a",
        "https://",
        "https://[::1",
        "http://h:99999/",
        "",
        "javascript:alert(1)",
        "http://exa mple/",
    ],
)
@pytest.mark.usefixtures("server")
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Rejected):
        HTTP.download(url)


@pytest.mark.parametrize("host", ["a" * 300, "a..b"])
def test_an_impossible_host_name_is_refused(host: str) -> None:
    with pytest.raises(connection.NotPublic, match="impossible host name"):
        connection.public_addresses(host, 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1"])
def test_a_private_address_is_refused_unless_trusted(server: Server, host: str) -> None:
    server.answers.append(ok())
    with responses.RequestsMock() as mock:
        mock.add_passthru(f"http://{host}")
        with pytest.raises(Rejected, match="not on the public internet"):
            HTTP.download(f"http://{host}:{server.port}/a")
    assert server.connections == 0
    assert trusting(server).download(f"{server.url}/a").body == b"jpg"


def test_trust_is_for_one_port(server: Server, second: Server) -> None:
    with pytest.raises(Rejected):
        trusting(server).download(f"{second.url}/a")
    assert second.connections == 0
    second.close()


def test_a_redirect_is_checked_again(server: Server, second: Server) -> None:
    server.answers += [moved(f"{second.url}/a"), moved("file:///etc/passwd"), moved("//[")]
    http = trusting(server)
    for _ in range(3):
        with pytest.raises(Rejected):
            http.download(f"{server.url}/a")
    assert second.connections == 0
    second.close()


def test_credentials_stay_with_their_host_and_port(server: Server, second: Server) -> None:
    server.answers += [moved("/b"), moved(f"{second.url}/c")]
    second.answers += [moved(f"{server.url}/d")]
    server.answers += [ok()]
    http = trusting(server, second)
    assert http.download(f"{server.url}/a", basic=("u", "p")).body == b"jpg"
    assert [b"Authorization: Basic dTpw" in request for request in server.seen] == [True] * 3
    assert b"Authorization" not in second.seen[0]
    second.close()


def test_three_redirects_are_enough(server: Server) -> None:
    server.answers += [moved("/1"), moved("/2"), moved("/3"), ok()]
    assert trusting(server).download(server.url + "/a", bearer="t").body == b"jpg"
    server.answers += [moved("/x")] * 4
    with pytest.raises(Rejected, match="more than 3 times"):
        trusting(server).download(server.url + "/a")
    assert len(server.seen) == 8


def test_the_checked_address_is_the_one_that_is_called(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first one

    monkeypatch.setattr(connection, "public_addresses", resolve)
    server.answers.append(ok())
    with responses.RequestsMock() as mock:
        mock.add_passthru("http://media.example")
        assert HTTP.download(f"http://media.example:{server.port}/cat.jpg").name == "cat.jpg"
    assert asked == [("media.example", server.port)]
    assert f"Host: media.example:{server.port}\r\n".encode() in server.seen[0]


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - an address that must not be reached
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fc00::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "203.0.114.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)

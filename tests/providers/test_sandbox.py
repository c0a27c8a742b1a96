"""Sandbox: its pictures come from this machine, because the portal trusts its own address."""

import pytest

from providers import registry
from providers.errors import Rejected
from tests.providers.conftest import Server

PICTURE = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: 3\r\n\r\ngif"


def test_a_picture_of_the_handset_needs_trust(server: Server) -> None:
    server.answers.append(PICTURE)
    values, base = {"secret": "s"}, f"{server.url}/handset/gateway"
    with pytest.raises(Rejected):
        registry.build("sandbox", values, api_base=base).fetch_media(f"{server.url}/m/1.gif")
    trusted = frozenset({f"127.0.0.1:{server.port}"})
    adapter = registry.build("sandbox", values, api_base=base, trusted_hosts=trusted)
    assert adapter.fetch_media(f"{server.url}/m/1.gif").content_type == "image/gif"


def test_a_base_with_a_prefix_is_called_below_it(server: Server) -> None:
    server.answers.append(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"name":"x"}')
    registry.build("sandbox", {"secret": "s"}, api_base=f"{server.url}/a/b/").check()
    assert server.seen[0].startswith(b"GET /a/b/account HTTP/1.1\r\n")

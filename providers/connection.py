"""Connections that tell whether a request can have left, and that keep out of private networks."""

import functools
import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# NAT64: on an IPv6-only machine every IPv4 address of the world looks like this.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """A host that a guarded connection keeps away from; the text goes on from its name."""


class HandshakeFailed(NewConnectionError):
    """TCP stood, TLS did not: nothing of the request was sent."""


@contextmanager
def _nothing_sent(connection: HTTPConnection) -> Iterator[None]:
    # urllib3 reports a failed or slow TLS hand-shake like a failure after sending; whatever is
    # raised before connect() returns is surely before.
    try:
        yield
    except OSError as error:
        raise HandshakeFailed(connection, str(error)) from error


class PlainConnection(HTTPConnection):
    """HTTP; every failure to connect is a ``NewConnectionError`` or a connect time-out."""

    _held: bytearray | None = None

    def connect(self) -> None:
        """Connect, or say that nothing was sent."""
        with _nothing_sent(self):
            super().connect()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send head and body in one piece: one packet and one call of the system, not two."""
        self._held = bytearray()
        try:
            super().request(*args, **kwargs)
        finally:
            held, self._held = self._held, None
        self.send(bytes(held))

    def send(self, data: Any) -> None:
        """Send, or keep what belongs to a request that is being written."""
        if self._held is None:
            super().send(data)
        else:
            self._held += data


class TlsConnection(PlainConnection, HTTPSConnection):
    """The same over TLS."""


class GuardedConnection(PlainConnection):
    """Connects to public addresses only, and to the very address that it checked.

    ``Host``, SNI and the certificate check keep the name, so a name that resolves differently
    a moment later gains nothing. ``trusted`` names the ``host:port`` that may be private.
    """

    def __init__(self, *args: Any, trusted: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._trusted = trusted

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        if f"{name}:{self.port}" in self._trusted:
            return super()._new_conn()
        try:
            addresses = self._addresses(name)
            for address in addresses[:-1]:
                self._dns_host = address
                try:
                    return super()._new_conn()
                except ConnectTimeoutError:
                    continue
            self._dns_host = addresses[-1]
            return super()._new_conn()
        finally:
            self._dns_host = name

    def _addresses(self, name: str) -> list[str]:
        try:
            return public_addresses(name, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(name, self, error) from error


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same over TLS."""


class PlainPool(HTTPConnectionPool):
    """A pool of ``PlainConnection``."""

    ConnectionCls = PlainConnection


class TlsPool(HTTPSConnectionPool):
    """A pool of ``TlsConnection``."""

    ConnectionCls = TlsConnection


class GuardedPool(HTTPConnectionPool):
    """A pool of ``GuardedConnection``."""

    ConnectionCls = GuardedConnection


class GuardedTlsPool(HTTPSConnectionPool):
    """A pool of ``GuardedTlsConnection``."""

    ConnectionCls = GuardedTlsConnection


def plain_pools() -> dict[str, Any]:
    """Return what a urllib3 PoolManager opens for API calls, by scheme."""
    return {"http": PlainPool, "https": TlsPool}


def guarded_pools(trusted: frozenset[str]) -> dict[str, Any]:
    """Return what a urllib3 PoolManager opens for addresses that strangers chose, by scheme."""
    return {
        "http": functools.partial(GuardedPool, trusted=trusted),
        "https": functools.partial(GuardedTlsPool, trusted=trusted),
    }


def public_addresses(host: str, port: int) -> list[str]:
    """Resolve a name; ``NotPublic`` if any of its addresses is not on the public internet."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise NotPublic("has an impossible host name") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(is_public(address) for address in addresses):
        raise NotPublic("is not on the public internet")
    return addresses


def is_public(text: str) -> bool:
    """Say whether an IP address is a public unicast one, also inside IPv6 wrappings."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in NAT64:
            address = ipaddress.IPv4Address(address.packed[-4:])
        elif address.sixtofour is not None or address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def unsent_reason(error: Exception) -> str | None:
    """Return plain words if the request surely never left, None if it may have."""
    inner = error.args[0] if error.args else None
    cause = inner.reason if isinstance(inner, MaxRetryError) else inner
    if isinstance(cause, NameResolutionError):
        return "its name cannot be resolved"
    if isinstance(cause, HandshakeFailed):
        return "no secure connection could be made; its certificate may be wrong"
    if isinstance(cause, NewConnectionError):
        return "it refused the connection"
    if isinstance(cause, ConnectTimeoutError):
        return "it did not answer in time"
    return None

"""Asks a server for its certificates: once to see all it sends, once as a strict client would.

Nothing is fetched beside that (no AIA): the HTTP clients of providers do not either, so what they
would miss is missed here.
"""

import ssl
import sys
from dataclasses import dataclass
from socket import create_connection

from cryptography import x509

SECONDS = 5.0  # for each connection, and for each handshake on it


@dataclass(frozen=True)
class Seen:
    """What a server sent, leaf first, and why a client would not trust it (empty: it would)."""

    sent: tuple[x509.Certificate, ...]
    refusal: str


def strict(roots: str) -> ssl.SSLContext:
    """Return what a client goes by that trusts these roots (a PEM file); ``OSError`` if unread."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(roots)
    return context


def look(host: str, port: int, client: ssl.SSLContext) -> Seen:
    """Shake hands twice. Raises ``OSError``, and where it is of TLS ``ssl.SSLError``."""
    sent = _sent(host, port)
    try:
        _shake(client, host, port)
    except ssl.SSLCertVerificationError as error:
        return Seen(sent, error.verify_message)
    return Seen(sent, "")


def _sent(host: str, port: int) -> tuple[x509.Certificate, ...]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only to look: nothing is said over this connection
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak keys are to be seen, and then named
    return tuple(x509.load_der_x509_certificate(der) for der in _shake(context, host, port))


def _shake(context: ssl.SSLContext, host: str, port: int) -> list[bytes]:
    with (
        create_connection((host, port), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        return _chain(secure)


def _chain(secure: ssl.SSLSocket) -> list[bytes]:
    """Return what the server sent, as it sent it."""
    if sys.version_info >= (3, 13):
        return secure.get_unverified_chain()
    # The same call, which older Pythons have but do not document.
    hidden = secure._sslobj.get_unverified_chain()  # type: ignore[attr-defined] # noqa: SLF001 - see above
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in hidden or ()]

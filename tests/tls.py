"""Certificates of every sort, and servers on loopback that show them."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from django.utils import timezone

HOST = "texts.example.com"
WEEK = timedelta(days=7)
YEAR = timedelta(days=365)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Holder:
    """A certificate and its key; one that may sign can issue others."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        """The certificate as it stands in a file."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str, **more: Any) -> "Holder":
        """Sign a certificate; ``hosts`` makes it one of a server."""
        return make(name, signer=self, **more)


def make(
    name: str,
    *,
    signer: Holder | None = None,
    hosts: Sequence[str] = (),
    starts: datetime | None = None,
    ends: datetime | None = None,
    key: Key | None = None,
) -> Holder:
    """Make a certificate that is good for a year from last week on, unless said otherwise."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = timezone.now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts or now - WEEK)
        .not_valid_after(ends or now + YEAR)
        .add_extension(x509.BasicConstraints(ca=not hosts, path_length=None), critical=True)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    signing = signer.key if signer else key
    return Holder(builder.sign(signing, hashes.SHA256()), key)


@contextlib.contextmanager
def serving(folder: Path, leaf: Holder, *others: Holder) -> Iterator[int]:
    """Show a certificate, and these others behind it, on a port of loopback; yield the port."""
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    shown = folder / "shown.pem"
    shown.write_bytes(b"".join([leaf.pem, key, *(one.pem for one in others)]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # weak ones are shown, too
    context.load_cert_chain(shown)
    with accepting(lambda client: _greet(context, client)) as port:
        yield port


def _greet(context: ssl.SSLContext, client: socket.socket) -> None:
    with context.wrap_socket(client, server_side=True) as secure:
        secure.recv(1)


@contextlib.contextmanager
def accepting(greet: Any) -> Iterator[int]:
    """Greet everybody who connects to a port of loopback; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def run() -> None:
            with contextlib.suppress(OSError):  # the door is closed at the end
                while True:
                    client, _address = door.accept()
                    with client, contextlib.suppress(OSError):  # clients that refuse hang up
                        greet(client)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)
            thread.join(10)

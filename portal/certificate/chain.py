"""Follows a chain from the server's own certificate to a root, as far as what was sent leads."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

WEAK_HASHES = {"md5", "sha1"}
RSA_BITS, CURVE_BITS = 2048, 224


@dataclass(frozen=True)
class Chain:
    """The server's certificate and who signed it, link by link.

    ``root`` is the known one that signed the last link; without it the chain leads nowhere.
    ``spare`` was sent and helps nobody.
    """

    links: tuple[x509.Certificate, ...]
    root: x509.Certificate | None
    spare: tuple[x509.Certificate, ...]
    in_order: bool

    @property
    def is_self_signed(self) -> bool:
        """Whether the last link vouches for itself, and nobody knows it."""
        return self.root is None and signed(self.links[-1], self.links[-1])


def follow(sent: tuple[x509.Certificate, ...], roots: Iterable[bytes], now: datetime) -> Chain:
    """Find the way through what was sent; roots come first, as in every client of today."""
    known = tuple(roots)
    links = [sent[0]]
    root = _signer(links[-1], known)
    while root is None:
        last = links[-1]
        found = [one for one in sent if one not in links and signed(last, one)]
        if not found:
            break
        links.append(min(found, key=lambda one: not is_valid(one, now)))
        root = _signer(links[-1], known)
    spare = tuple(one for one in sent if one not in links and one != root)
    return Chain(tuple(links), root, spare, in_order=list(sent[: len(links)]) == links)


def _signer(certificate: x509.Certificate, roots: Iterable[bytes]) -> x509.Certificate | None:
    """Return the root that signed a certificate, which may be itself one."""
    # Only those that name the issuer are read: of the others some are too odd to be.
    name = certificate.issuer.public_bytes()
    maybe = (x509.load_der_x509_certificate(der) for der in roots if name in der)
    return next((root for root in maybe if signed(certificate, root)), None)


def signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Say whether the issuer's name and key are those that signed the certificate."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Say whether the certificate's time is now."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the host names and addresses that a certificate is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Say whether a certificate is for this host; ``*`` stands for one first label."""
    try:
        return str(ipaddress.ip_address(host)) in names(certificate)
    except ValueError:
        wild = "*." + host.partition(".")[2]
        return any(name.lower() in {host.lower(), wild.lower()} for name in names(certificate))


def title(name: x509.Name) -> str:
    """Return what people call a subject or an issuer."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for one in name.get_attributes_for_oid(kind):
            return str(one.value)
    return name.rfc4514_string()


def weakness(certificate: x509.Certificate) -> str:
    """Return what is too weak about a certificate, as in "RSA 1024"; empty if nothing is."""
    try:
        key, used = certificate.public_key(), certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return certificate.signature_algorithm_oid.dotted_string
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS:
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < CURVE_BITS:
        return f"EC {key.key_size}"
    return used.name.upper() if used is not None and used.name in WEAK_HASHES else ""

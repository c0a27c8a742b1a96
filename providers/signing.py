"""Proofs that a webhook request comes from the provider, compared in constant time."""

import base64
import hashlib
import hmac
import re
import time
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from providers.contract import WebhookRequest
from providers.errors import Unreadable, WebhookRefused
from providers.payload import Payload

Digest = Literal["sha1", "sha256"]
Encoding = Literal["hex", "base64"]

# What stands before the 32 bytes of an Ed25519 key in DER (SubjectPublicKeyInfo).
SPKI_PREFIX = bytes.fromhex("302a300506032b6570032100")

# Scheme, userinfo (dropped), host, port, path with query, fragment (dropped).
URL = re.compile(
    r"(https?)://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#:]*)(?::([0-9]*))?([^#]*).*", re.DOTALL
)


def same(given: str, expected: str) -> bool:
    """Compare two texts in constant time, whatever characters the foreign one holds."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace"))


def require_hmac(
    key: str,
    signature: str,
    *messages: bytes,
    digest: Digest = "sha256",
    encoding: Encoding = "hex",
) -> None:
    """Refuse the request unless ``signature`` is the HMAC of one of the messages."""
    if not signature.strip():
        raise WebhookRefused("The request carries no signature.")
    if not key:
        raise WebhookRefused("This trunk has no key to check the signature with.")
    given = signature.strip().lower() if encoding == "hex" else signature.strip()
    if not any(same(given, _hmac(key, text, digest, encoding)) for text in messages):
        raise WebhookRefused("The signature does not fit the request and the key of this trunk.")


def _hmac(key: str, message: bytes, digest: Digest, encoding: Encoding) -> str:
    mac = hmac.digest(key.encode(), message, digest)
    return mac.hex() if encoding == "hex" else base64.b64encode(mac).decode()


def require_recent(timestamp: str, *, tolerance: int = 300) -> None:
    """Refuse a request whose signed time, in Unix seconds, is too far from now."""
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise WebhookRefused("The request carries no readable time-stamp.")
    if abs(int(time.time()) - int(timestamp)) > tolerance:
        raise WebhookRefused(
            f"The request was signed more than {tolerance} seconds from now; check the clock."
        )


def ed25519_key(text: str) -> Ed25519PublicKey:
    """Read a public key: Base64 of 32 bytes, or SPKI as Base64 or PEM; else ``ValueError``."""
    encoded = re.sub(r"-----[A-Z ]+-----|\s", "", text)
    raw = base64.b64decode(encoded, validate=True)
    if raw.startswith(SPKI_PREFIX):
        raw = raw.removeprefix(SPKI_PREFIX)
    if len(raw) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    return Ed25519PublicKey.from_public_bytes(raw)


def require_ed25519(public_key: str, message: bytes, signature: str) -> None:
    """Refuse the request unless ``signature``, in Base64, is the key owner's over ``message``."""
    if not signature.strip():
        raise WebhookRefused("The request carries no signature.")
    try:
        key = ed25519_key(public_key)
    except ValueError as error:
        raise WebhookRefused("The public key of this trunk is not an Ed25519 key.") from error
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), message)
    except (ValueError, InvalidSignature) as error:
        raise WebhookRefused(
            "The signature does not fit the request and the public key of this trunk."
        ) from error


def url_and_fields(request: WebhookRequest) -> list[bytes]:
    """Return the texts that schemes over "URL, then sorted form fields" may have signed.

    The URL comes without its port and with it, because signers disagree; never with userinfo or
    fragment. GET has its fields in the URL. A body of another kind is bound to the URL by the
    hash in the query parameter ``bodySHA256``.
    """
    if (match := URL.fullmatch(request.url)) is None:
        return []
    scheme, host, port, rest = match.groups()
    port = port or {"https": "443", "http": "80"}[scheme]
    fields = _signed_fields(request)
    texts = (f"{scheme}://{host}{written}{rest}{fields}" for written in ("", f":{port}"))
    return [text.encode(errors="replace") for text in texts]


def _signed_fields(request: WebhookRequest) -> str:
    if request.method == "GET":
        return ""
    try:
        promised = Payload.form(request.query).text("bodySHA256", "")
        if promised:
            if not same(hashlib.sha256(request.body).hexdigest(), promised.lower()):
                raise WebhookRefused("The body does not fit the hash in the signed URL.")
            return ""
        # A repeated pair counts once; empty fields count; nothing is trimmed.
        pairs = sorted(set(Payload.form(request.body).pairs))
    except Unreadable as error:
        raise WebhookRefused("The fields of the request cannot be read.") from error
    return "".join(name + value for name, value in pairs)

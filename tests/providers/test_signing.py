"""Signatures: only the right key over the right bytes, in plain words otherwise."""

import base64
import hashlib
import hmac

import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from providers import signing
from providers.contract import WebhookRequest
from providers.errors import WebhookRefused
from providers.signing import Digest

BODY = "café".encode()


def mac(digest: Digest) -> bytes:
    """Compute the HMAC of the body with the standard library alone."""
    return hmac.new(b"key", BODY, getattr(hashlib, digest)).digest()


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_hmac_in_both_writings(digest: Digest) -> None:
    signing.require_hmac("key", mac(digest).hex(), BODY, digest=digest)
    signing.require_hmac("key", f" {mac(digest).hex().upper()} ", BODY, digest=digest)
    written = base64.b64encode(mac(digest)).decode()
    signing.require_hmac("key", written, BODY, digest=digest, encoding="base64")


def test_one_of_several_texts_is_enough() -> None:
    signing.require_hmac("key", mac("sha256").hex(), b"other", BODY)


@pytest.mark.parametrize(
    ("key", "signature", "body", "words"),
    [
        ("key", "", BODY, "no signature"),
        ("key", "00", BODY, "does not fit"),
        ("key", mac("sha256").hex(), b"other", "does not fit"),
        ("other", mac("sha256").hex(), BODY, "does not fit"),
        ("key", "🥐\udcff", BODY, "does not fit"),
        ("", hmac.new(b"", BODY, hashlib.sha256).hexdigest(), BODY, "no key"),
    ],
)
def test_hmac_refuses(key: str, signature: str, body: bytes, words: str) -> None:
    with pytest.raises(WebhookRefused, match=words):
        signing.require_hmac(key, signature, body)


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(WebhookRefused):
        signing.require_hmac("key", mac("sha256").hex())


def test_ed25519_keys_in_every_writing() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key()
    raw = public.public_bytes_raw()
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    signature = base64.b64encode(private.sign(BODY)).decode()
    for key in (base64.b64encode(raw).decode(), base64.b64encode(der).decode(), pem):
        signing.require_ed25519(key, BODY, signature)
        with pytest.raises(WebhookRefused):
            signing.require_ed25519(key, BODY + b" ", signature)


@pytest.mark.parametrize("key", ["", "x", "é", "AAAA", "-----BEGIN PUBLIC KEY-----"])
def test_a_key_that_is_none_is_named(key: str) -> None:
    with pytest.raises(WebhookRefused, match="not an Ed25519 key"):
        signing.require_ed25519(key, BODY, "AAAA")


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "٣", "9" * 400, "1700000301"])
def test_a_stamp_from_another_time_is_refused(stamp: str) -> None:
    with time_machine.travel(1_700_000_000, tick=False), pytest.raises(WebhookRefused):
        signing.require_recent(stamp)


@pytest.mark.parametrize("stamp", ["1699999700", "1700000000", "1700000300"])
def test_five_minutes_are_tolerated(stamp: str) -> None:
    with time_machine.travel(1_700_000_000.9, tick=False):
        signing.require_recent(stamp)


@pytest.mark.parametrize(
    ("url", "texts"),
    [
        ("https://h/p?a=1", [b"https://h/p?a=1", b"https://h:443/p?a=1"]),
        ("http://h", [b"http://h", b"http://h:80"]),
        ("https://u:p@h:8443/#x", [b"https://h/", b"https://h:8443/"]),
        ("https://u:p@[::1]:8443/", [b"https://[::1]/", b"https://[::1]:8443/"]),
        ("https://h/a@b:1?", [b"https://h/a@b:1?", b"https://h:443/a@b:1?"]),
        ("ftp://h/", []),
        ("", []),
    ],
)
def test_urls_with_and_without_port(url: str, texts: list[bytes]) -> None:
    request = WebhookRequest(method="GET", url=url, headers={}, query="", body=b"a=1")
    assert signing.url_and_fields(request) == texts

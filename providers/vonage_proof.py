"""How Vonage and its applications prove themselves: ``sig``, and JSON Web Tokens."""

import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import jwt

from providers import signing, vonage_formats
from providers.contract import WebhookRequest
from providers.errors import CredentialsRefused, Unreadable, WebhookRefused
from providers.payload import parse_json, parse_object

HOST = re.compile(r"([a-z0-9-]+\.)+(nexmo|vonage)\.com")
# A repeated webhook may carry the time of the first one, and Vonage repeats for a day. What comes
# twice is known by its id.
TOLERANCE = 24 * 3600
CLOCK_SKEW = 300
TOKEN_SECONDS = 15 * 60
HMAC_BYTES = 32  # of a key, below which the library warns
DIGESTS = ("md5", "sha1", "sha256", "sha512")
UNMARKED = str.maketrans("&=", "__")


def require_signed(request: WebhookRequest, secret: str, api_key: str) -> None:
    """Refuse the request unless the signature secret of the account has signed it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    # A token covers the body, and of GET we read the query.
    if request.method == "POST" and scheme.lower() == "bearer":
        _require_token(token.strip(), request.body, secret, api_key)
    else:
        _require_sig(request, secret)


def application_token(application_id: str, private_key: str) -> str:
    """Return the token by which an application signs in, good for a quarter of an hour."""
    now = int(time.time())
    claims = {
        "application_id": application_id,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "jti": str(uuid.uuid4()),
    }
    try:
        return jwt.encode(claims, private_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        # "from None": such errors may quote the key.
        raise CredentialsRefused(
            "The private key of this trunk cannot be read. Paste the whole file again."
        ) from None


def may_see_token(url: str) -> bool:
    """Say whether an address is one of Vonage's own hosts, so that a token may go there."""
    parts = urlsplit(url)
    return parts.scheme == "https" and bool(HOST.fullmatch(parts.hostname or ""))


def _require_token(token: str, body: bytes, secret: str, api_key: str) -> None:
    # HMAC fills a short key up with zeros by itself; its length is Vonage's affair.
    key = secret.encode().ljust(HMAC_BYTES, b"\x00")
    try:
        claims = jwt.decode(
            token.encode(errors="replace"),
            key,
            algorithms=["HS256"],
            leeway=CLOCK_SKEW,
            options={"require": ["iat", "payload_hash"]},
        )
    except jwt.PyJWTError as error:
        raise WebhookRefused(f"The token does not fit the signature secret: {error}.") from error
    signing.require_recent(str(claims["iat"]), tolerance=TOLERANCE)
    promised = str(claims["payload_hash"])
    if not any(signing.same(promised, hashlib.sha256(one).hexdigest()) for one in _hashed(body)):
        raise WebhookRefused("The body does not fit the hash in the token.")
    if claims.get("api_key", api_key) != api_key:
        raise WebhookRefused("The request is for another Vonage account.")


def _hashed(body: bytes) -> Iterator[bytes]:
    """Yield what may have been hashed: the body; or its JSON without spaces, as was shown once."""
    yield body
    with suppress(Unreadable):
        written = json.dumps(parse_json(body), ensure_ascii=False, separators=(",", ":"))
        yield written.encode(errors="replace")


def _require_sig(request: WebhookRequest, secret: str) -> None:
    try:
        found = _texts(request)
    except Unreadable as error:
        raise WebhookRefused("The fields of the request cannot be read.") from error
    given = found.pop("sig", "").lower()
    if not given:
        raise WebhookRefused("The request carries no signature.")
    # Some of Vonage's signers leave out what is empty.
    filled = {name: value for name, value in found.items() if value}
    if not any(signing.same(given, sig) for base in (found, filled) for sig in _sigs(base, secret)):
        raise WebhookRefused("The signature does not fit the request and the signature secret.")
    signing.require_recent(found.get("timestamp", ""), tolerance=TOLERANCE)


def _texts(request: WebhookRequest) -> dict[str, str]:
    """Return what was signed; where a name repeats, the value that is read."""
    body = vonage_formats.fields(request)
    names = [name for name, _ in body.pairs] if body.pairs else [*parse_object(request.body)]
    # Of names nothing is replaced: one that holds a mark could stand for several signed fields.
    if any(mark in name for name in names for mark in "&="):
        raise WebhookRefused("A name in the request could hide other fields.")
    return {name: body.text(name, "") for name in names}


def _sigs(found: Mapping[str, str], secret: str) -> list[str]:
    """Return the signature by each of the five methods, of which the account has chosen one."""
    key, pairs = secret.encode(), sorted(found.items())
    written = "".join(f"&{name}={value.translate(UNMARKED)}" for name, value in pairs)
    text = written.encode(errors="replace")
    plain = hashlib.md5(text + key, usedforsecurity=False).hexdigest()
    return [plain, *(hmac.new(key, text, digest).hexdigest() for digest in DIGESTS)]

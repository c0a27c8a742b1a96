"""What was said in one call, as text fit for keeping: short, and without a credential."""

import base64
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, quote_plus

from providers.payload import clean

MASK = "•••"
MAX_BODY = 4096

# Of the headers these are worth keeping; those that an adapter adds itself are kept as well.
RESPONSE_HEADERS = frozenset(
    {
        "content-type",
        "location",
        "retry-after",
        "twilio-request-id",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
    }
)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """The request and the response of one call, redacted."""

    request: str = ""
    response: str = ""


class Redactor:
    """Replaces every credential by a mask, in whatever writing it may stand in a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {writing for secret in secrets if secret for writing in _writings(secret)}
        self._writings = sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without credentials, and without what PostgreSQL refuses."""
        text = clean(text)
        for writing in self._writings:
            text = text.replace(writing, MASK)
        return text


@lru_cache(maxsize=512)
def redactor(secrets: tuple[str, ...]) -> Redactor:
    """Return a redactor that is made once for the same secrets."""
    return Redactor(secrets)


def _writings(secret: str) -> set[str]:
    return {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        html.escape(secret, quote=False),
    }


def basic_token(user: str, password: str) -> str:
    """Return what follows ``Basic`` in an Authorization header."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def write(first_line: str, headers: Mapping[str, str], body: str, redact: Redactor) -> str:
    """Write one half of an exchange; the body is cut only after it was redacted."""
    lines = [first_line, *(f"{name}: {value}" for name, value in headers.items())]
    body = redact(body)
    if len(body) > MAX_BODY:
        body = f"{body[:MAX_BODY]}…"
    return f"{redact(chr(10).join(lines))[:MAX_BODY]}\n\n{body}"

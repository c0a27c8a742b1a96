"""The only door to the network: calls to a provider, downloads, and the first guess at errors."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack
from urllib.parse import urlencode, urlsplit

import requests  # noqa: TID251 - this is the door
from urllib3.exceptions import HTTPError, ReadTimeoutError

from providers import connection, download, exchange, wire
from providers.answer import Answer, Explain, Reads, attach, settle
from providers.download import MAX_MEDIA, Media
from providers.errors import CredentialsRefused, Rejected, SendError, Unavailable, Unconfirmed
from providers.exchange import Exchange, Redactor

MAX_ANSWER = 1_000_000
MAX_WORDS = 400

Form = Sequence[tuple[str, str]] | Mapping[str, str]


class Parts(TypedDict, total=False):
    """What a call may carry. ``form`` is a mapping, or pairs where a name repeats.

    Of the bodies ``json``, ``form``, ``multipart`` and ``content`` (bytes and their type) a call
    has at most one. ``reads`` is how the answer is written, JSON unless said. ``explain`` is given
    every answer that can be read, whatever its status, and raises the ``SendError`` that its body
    asks for. If it returns, or cannot read the body, the guess from the status stands; a 2xx that
    it cannot read is ``Unconfirmed``.
    """

    basic: tuple[str, str]
    bearer: str
    headers: Mapping[str, str]
    params: Form
    json: Mapping[str, Any]
    form: Form
    multipart: Mapping[str, str]
    content: tuple[bytes, str]
    reads: Reads
    explain: Explain


class Http:
    """Calls below one base URL, over connections that stay warm.

    ``other_bases`` are reached by full URLs. A full URL below one of ``aliases`` goes to the base
    instead: so an override of the base takes all hosts of a provider along. ``guarded`` is for a
    base that a tenant chose: calls, like downloads, then reach public addresses and the trusted
    hosts only.
    """

    def __init__(
        self,
        base: str,
        *,
        aliases: Iterable[str] = (),
        other_bases: Iterable[str] = (),
        trusted_hosts: frozenset[str] = frozenset(),
        guarded: bool = False,
        secrets: Iterable[str] = (),
    ) -> None:
        self.base = base.rstrip("/")
        self._aliases = tuple(alias.rstrip("/") for alias in aliases)
        self._bases = (self.base, *(other.rstrip("/") for other in other_bases))
        self._trusted_hosts = trusted_hosts
        self.guarded = guarded
        self._warm = wire.warm(trusted_hosts if guarded else None)
        self._secrets = frozenset(secrets)

    def get(self, url: str, **parts: Unpack[Parts]) -> Answer:
        """Call GET; ``url`` is a path below the base or a full URL under one of the bases."""
        return self._call("GET", url, parts)

    def post(self, url: str, **parts: Unpack[Parts]) -> Answer:
        """Call POST."""
        return self._call("POST", url, parts)

    def put(self, url: str, **parts: Unpack[Parts]) -> Answer:
        """Call PUT."""
        return self._call("PUT", url, parts)

    def patch(self, url: str, **parts: Unpack[Parts]) -> Answer:
        """Call PATCH."""
        return self._call("PATCH", url, parts)

    def delete(self, url: str, **parts: Unpack[Parts]) -> Answer:
        """Call DELETE."""
        return self._call("DELETE", url, parts)

    def owns(self, url: str) -> bool:
        """Say whether a URL lies under one of the bases, so that credentials may go there."""
        return any(url.startswith(f"{base}/") for base in self._bases)

    def download(
        self,
        url: str,
        *,
        basic: tuple[str, str] | None = None,
        bearer: str = "",
        max_bytes: int = MAX_MEDIA,
    ) -> Media:
        """Fetch an attachment; the credentials stay with the host that they are given for."""
        return download.fetch(
            url,
            trusted_hosts=self._trusted_hosts,
            basic=basic,
            bearer=bearer,
            max_bytes=max_bytes,
        )

    def transmit(self, request: requests.PreparedRequest) -> tuple[int, Mapping[str, str], Any]:
        """Send a prepared request; return status, headers and body (None: longer than we read).

        A ``SendError`` from here is given the redacted request.
        """
        until = wire.deadline()
        try:
            with wire.sent(self._warm.session(), request) as response:
                body = wire.read(response, MAX_ANSWER, until)
                return response.status_code, response.headers, body
        except connection.NotPublic as error:
            host = urlsplit(str(request.url)).hostname
            raise CredentialsRefused(
                f"{host} {error}, and the operator did not allow it."
            ) from None

    def _call(self, method: str, url: str, parts: Parts) -> Answer:
        redact = self._redactor(parts)
        target = self._absolute(url)
        host, sent = urlsplit(target).hostname or "the provider", ""
        try:
            prepared = wire.prepared(_request(method, target, parts))
            sent = _request_text(prepared, parts.get("headers", {}), redact)
            status, headers, raw = self.transmit(prepared)
        except SendError as error:
            raise attach(error, Exchange(request=sent)) from None
        except (requests.RequestException, HTTPError, UnicodeError, TimeoutError) as error:
            # "from None": those texts hold the URL, and with it whatever some providers want as
            # a query parameter.
            raise attach(_lost(error, host), Exchange(request=sent)) from None
        names = {name.lower(): value for name, value in headers.items()}
        answer = Answer(raw, status=status, headers=names, reads=parts.get("reads", "json"))
        answer.exchange = Exchange(request=sent, response=_response_text(answer, redact))
        try:
            settle(answer, parts.get("explain"), host)
        except SendError as error:
            # Cut only after redacting: half a credential is still too much.
            error.args = (redact(str(error))[:MAX_WORDS],)
            raise attach(error, answer.exchange)  # noqa: B904 - it is the same error
        return answer

    def _absolute(self, url: str) -> str:
        if url.startswith("/"):
            return f"{self.base}{url}"
        for alias in self._aliases:
            if url.startswith(f"{alias}/"):
                return f"{self.base}{url.removeprefix(alias)}"
        if not self.owns(url):
            raise Rejected("The provider pointed to an address outside its own API.")
        return url

    def _redactor(self, parts: Parts) -> Redactor:
        basic = parts.get("basic")
        pair = {basic[1], exchange.basic_token(*basic)} if basic is not None else set()
        return exchange.redactor(tuple(sorted(self._secrets | pair | {parts.get("bearer", "")})))


def _request(method: str, url: str, parts: Parts) -> requests.Request:
    """Put a call together; the credentials of the call itself win over headers it adds."""
    headers = {
        **wire.authorization(parts.get("basic"), parts.get("bearer", "")),
        **parts.get("headers", {}),
    }
    body: str | bytes | Form | None = parts.get("form")
    files = {name: (None, value) for name, value in parts.get("multipart", {}).items()}
    if "form" in parts and not files:
        body = urlencode(parts["form"])
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if "json" in parts:
        body = json.dumps(parts["json"], ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    if "content" in parts:
        body, headers["Content-Type"] = parts["content"]
    return requests.Request(
        method, url, params=parts.get("params"), data=body, files=files or None, headers=headers
    )


def _lost(error: Exception, host: str) -> SendError:
    if isinstance(error, ValueError):
        return Rejected("The request could not be formed; check the trunk's settings.")
    if (reason := connection.unsent_reason(error)) is not None:
        return Unavailable(f"{host} cannot be reached: {reason}.")
    if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError):
        return Unconfirmed(f"{host} did not answer in time; it may have taken the call.")
    return Unconfirmed(f"{host} broke off before it answered; it may have taken the call.")


def _request_text(request: requests.PreparedRequest, added: Iterable[str], redact: Redactor) -> str:
    shown = {"authorization", "content-type", *(name.lower() for name in added)}
    headers = {name: text for name, text in request.headers.items() if name.lower() in shown}
    headers |= {name: exchange.MASK for name in headers if name.lower() == "authorization"}
    body = request.body or b""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    return exchange.write(f"{request.method} {request.url}", headers, text, redact)


def _response_text(answer: Answer, redact: Redactor) -> str:
    kept = exchange.RESPONSE_HEADERS
    headers = {name: text for name, text in answer.headers.items() if name in kept}
    return exchange.write(f"HTTP {answer.status}", headers, answer.body, redact)

"""The only door to the network: calls to a provider, downloads, and the first guess at errors."""

import json
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

import requests  # noqa: TID251 - this is the door
from requests.adapters import HTTPAdapter  # noqa: TID251 - this is the door
from urllib3.exceptions import HTTPError, ReadTimeoutError

from providers import connection, exchange
from providers.answer import Answer, Explain, attach, settle
from providers.errors import Rejected, SendError, Throttled, Unavailable, Unconfirmed
from providers.exchange import Exchange, Redactor
from providers.payload import clean

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
MAX_ANSWER = 1_000_000
MAX_MEDIA = 10_000_000
MAX_REDIRECTS = 3
CHUNK = 65_536
MAX_WORDS = 400
OUR_HEADERS = {
    "User-Agent": "sms-channel",
    "Accept": "application/json",
    # Unpacked bodies keep the size caps honest.
    "Accept-Encoding": "identity",
}

Form = Sequence[tuple[str, str]] | Mapping[str, str]


@dataclass(frozen=True)
class Media:
    """One downloaded attachment; ``name`` is the last part of a path, never a path."""

    content_type: str
    body: bytes
    name: str


class Parts(TypedDict, total=False):
    """What a call may carry. ``form`` is a mapping, or pairs where a name repeats.

    ``explain`` is given every answer that is a JSON object, whatever its status, and raises the
    ``SendError`` that its body asks for. If it returns, or cannot read the body, the guess from
    the status stands; a 2xx that it cannot read is ``Unconfirmed``.
    """

    basic: tuple[str, str]
    bearer: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    json: Mapping[str, Any]
    form: Form
    explain: Explain


class Http:
    """Calls below one base URL, with one warm connection per thread."""

    def __init__(
        self,
        base: str,
        *,
        trusted_hosts: frozenset[str] = frozenset(),
        secrets: Iterable[str] = (),
    ) -> None:
        self.base = base.rstrip("/")
        self._host = urlsplit(self.base).hostname or "the provider"
        self._trusted_hosts = trusted_hosts
        self._secrets = frozenset(secrets)
        self._threads = threading.local()

    def get(self, url: str, **parts: Unpack[Parts]) -> Answer:
        """Call GET; ``url`` is a path below the base or a full URL under it."""
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
        """Say whether a URL lies under the base, so that credentials may go there."""
        return url.startswith(f"{self.base}/")

    def download(
        self,
        url: str,
        *,
        basic: tuple[str, str] | None = None,
        bearer: str = "",
        max_bytes: int = MAX_MEDIA,
    ) -> Media:
        """Fetch an attachment from an address that a stranger may have chosen.

        Only public addresses and trusted hosts are reached, redirects are followed by hand, and
        the credentials stay with the host and port they were meant for.
        """
        home = None
        deadline = time.monotonic() + READ_SECONDS
        with _session(connection.guarded_pools(self._trusted_hosts)) as session:
            for _ in range(MAX_REDIRECTS + 1):
                try:
                    plain = requests.Request("GET", url, headers={"Accept": "*/*"})
                    request = session.prepare_request(plain)
                    # Judged by the URL as it will be called, not as it was written.
                    home = home or _origin(str(request.url))
                    if _origin(str(request.url)) == home:
                        request.headers.update(_authorization(basic, bearer))
                    with _sent(session, request) as response:
                        location = response.headers.get("location", "")
                        if not (300 <= response.status_code < 400 and location):
                            return _media(response, max_bytes, deadline)
                    url = urljoin(url, location)
                except (requests.RequestException, HTTPError, ValueError, TimeoutError) as error:
                    raise _unfetched(error) from None
        raise Rejected(f"The attachment's address redirects more than {MAX_REDIRECTS} times.")

    def _call(self, method: str, url: str, parts: Parts) -> Answer:
        basic, bearer = parts.get("basic"), parts.get("bearer", "")
        headers = {**_authorization(basic, bearer), **parts.get("headers", {})}
        body: bytes | Form | None = parts.get("form")
        if "json" in parts:
            body = json.dumps(parts["json"], ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        request = requests.Request(
            method, self._absolute(url), params=parts.get("params"), data=body, headers=headers
        )
        redact = self._redactor(basic, bearer)
        sent, deadline = "", time.monotonic() + READ_SECONDS
        try:
            prepared = self._session().prepare_request(request)
            sent = _request_text(prepared, parts.get("headers", {}), redact)
            with _sent(self._session(), prepared) as response:
                raw = _read(response, MAX_ANSWER, deadline)
        except (requests.RequestException, HTTPError, UnicodeError, TimeoutError) as error:
            # "from None": those texts hold the URL, and with it whatever some providers want as
            # a query parameter.
            raise attach(self._lost(error), Exchange(request=sent)) from None
        names = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(raw, status=response.status_code, headers=names)
        answer.exchange = Exchange(request=sent, response=_response_text(answer, redact))
        try:
            settle(answer, parts.get("explain"), self._host)
        except SendError as error:
            # Cut only after redacting: half a credential is still too much.
            error.args = (redact(str(error))[:MAX_WORDS],)
            raise attach(error, answer.exchange)  # noqa: B904 - it is the same error
        return answer

    def _absolute(self, url: str) -> str:
        if url.startswith("/"):
            return f"{self.base}{url}"
        if not self.owns(url):
            raise Rejected("The provider pointed to an address outside its own API.")
        return url

    def _redactor(self, basic: tuple[str, str] | None, bearer: str) -> Redactor:
        pair = {basic[1], exchange.basic_token(*basic)} if basic is not None else set()
        return Redactor(self._secrets | pair | {bearer})

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._threads, "session", None)
        if session is None:
            session = self._threads.session = _session(connection.plain_pools())
        return session

    def _lost(self, error: Exception) -> SendError:
        if isinstance(error, ValueError):
            return Rejected("The request could not be formed; check the trunk's settings.")
        if (reason := connection.unsent_reason(error)) is not None:
            return Unavailable(f"{self._host} cannot be reached: {reason}.")
        if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError):
            return Unconfirmed(f"{self._host} did not answer in time; it may have taken the call.")
        return Unconfirmed(
            f"{self._host} broke off before it answered; it may have taken the call."
        )


class _Session(requests.Session):
    """A session that looks at no redirect, where ``requests`` would read and parse it."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Find none: redirects are followed by hand, or not at all."""


def _session(pools: Mapping[str, Any]) -> requests.Session:
    adapter = HTTPAdapter(max_retries=0, pool_connections=1, pool_maxsize=1)
    adapter.poolmanager.pool_classes_by_scheme = pools
    session = _Session()
    session.trust_env = False  # neither proxies nor .netrc of the machine
    session.headers.clear()
    session.headers.update(OUR_HEADERS)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _sent(session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
    limits = (CONNECT_SECONDS, READ_SECONDS)
    return session.send(request, timeout=limits, allow_redirects=False, stream=True)


def _read(response: requests.Response, limit: int, deadline: float) -> bytes | None:
    """Return the body as it trickles in; None if it is longer than the limit."""
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > limit:
            return None
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)


def _authorization(basic: tuple[str, str] | None, bearer: str) -> dict[str, str]:
    if basic is not None:
        return {"Authorization": f"Basic {exchange.basic_token(*basic)}"}
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}


def _request_text(request: requests.PreparedRequest, added: Iterable[str], redact: Redactor) -> str:
    shown = {"authorization", "content-type", *(name.lower() for name in added)}
    headers = {name: text for name, text in request.headers.items() if name.lower() in shown}
    if "Authorization" in headers:
        headers["Authorization"] = exchange.MASK
    body = request.body or b""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body)
    return exchange.write(f"{request.method} {request.url}", headers, text, redact)


def _response_text(answer: Answer, redact: Redactor) -> str:
    kept = exchange.RESPONSE_HEADERS
    headers = {name: text for name, text in answer.headers.items() if name in kept}
    return exchange.write(f"HTTP {answer.status}", headers, answer.body, redact)


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _unfetched(error: Exception) -> SendError:
    if isinstance(error, ValueError):
        return Rejected("The attachment's address cannot be used.")
    return Unavailable("The attachment could not be fetched now.")


def _media(response: requests.Response, max_bytes: int, deadline: float) -> Media:
    status = response.status_code
    if status == 429:
        raise Throttled("The attachment's server asks for patience (HTTP 429).")
    if status in {404, 408} or status >= 500:
        # Right after the webhook some providers do not have the file yet.
        raise Unavailable(f"The attachment is not there yet (HTTP {status}).")
    if status != 200:
        raise Rejected(f"The attachment cannot be fetched (HTTP {status}).")
    too_large = Rejected(f"The attachment is larger than {max_bytes} bytes.")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and len(announced) < 20 and int(announced) > max_bytes:
        raise too_large
    body = _read(response, max_bytes, deadline)
    if body is None:
        raise too_large
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Media(kind or "application/octet-stream", body, _name(response))


def _name(response: requests.Response) -> str:
    header = Message()
    header["content-disposition"] = response.headers.get("content-disposition", "")
    given = header.get_filename() or urlsplit(str(response.url)).path
    last = clean(given).replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:100]

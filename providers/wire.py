"""Opens sessions, sends one request, reads a bounded answer: what calls and downloads share."""

import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import requests  # noqa: TID251 - calls and downloads go through here
from requests.adapters import HTTPAdapter  # noqa: TID251 - calls and downloads go through here

from providers import connection, exchange

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
CHUNK = 65_536
OUR_HEADERS = {
    "User-Agent": "sms-channel",
    "Accept": "application/json",
    # Unpacked bodies keep the size caps honest.
    "Accept-Encoding": "identity",
}


# So many hosts stay connected per thread: more than providers that a busy installation sends to.
WARM_HOSTS = 32
MOST_ADDRESSES = 1024


class Warm:
    """One session per thread, so that a call rarely has to connect first.

    Trunks at one provider share its connections: nothing in a session belongs to a trunk, since
    credentials go with each request and cookies are kept for nobody.
    """

    def __init__(self, pools: Mapping[str, Any]) -> None:
        self._pools = pools
        self._threads = threading.local()

    def session(self) -> requests.Session:
        """Return the session of the thread that asks."""
        made: requests.Session | None = getattr(self._threads, "session", None)
        if made is None:
            made = self._threads.session = session(self._pools)
        return made


@lru_cache(maxsize=64)
def warm(trusted: frozenset[str] | None = None) -> Warm:
    """Return the connections that calls share; with trusted hosts those that are guarded."""
    if trusted is None:
        return Warm(connection.plain_pools())
    return Warm(connection.guarded_pools(trusted))


class _Adapter(HTTPAdapter):
    """Takes an address apart once only; how it is verified never changes within a session."""

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_connections=WARM_HOSTS, pool_maxsize=1)
        self._known: dict[str, Any] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> Any:
        """Return the connections to the request's host."""
        url = str(request.url)
        found = self._known.get(url)
        # One that made room for other hosts is closed, and has lost its pool.
        if found is None or found.pool is None:
            if len(self._known) >= MOST_ADDRESSES:
                self._known.clear()
            found = super().get_connection_with_tls_context(request, *args, **kwargs)
            self._known[url] = found
        return found


def session(pools: Mapping[str, Any]) -> requests.Session:
    """Return a session with one connection to each of several hosts."""
    adapter = _Adapter()
    adapter.poolmanager.pool_classes_by_scheme = pools
    made = requests.Session()
    made.mount("http://", adapter)
    made.mount("https://", adapter)
    return made


def prepared(request: requests.Request) -> requests.PreparedRequest:
    """Return the request as it goes out: our headers, and nothing of the machine's.

    A session would add cookies, proxies and ``.netrc``; none of them has any business here. Made
    part by part, because making empty cookie jars costs as much as all the rest, and an address
    that is used again and again need not be taken apart again.
    """
    made = requests.PreparedRequest()
    made.prepare_method(request.method)
    if request.params:
        made.prepare_url(request.url, request.params)
    else:
        made.url = _address(request.url)
    made.prepare_headers({**OUR_HEADERS, **request.headers})
    if request.files:
        made.prepare_body(request.data, request.files)
    else:
        made.body = request.data or None
        made.prepare_content_length(made.body)
    return made


@lru_cache(maxsize=MOST_ADDRESSES)
def _address(url: str) -> str | None:
    """Return an address as it goes out."""
    made = requests.PreparedRequest()
    made.prepare_url(url, None)
    return made.url


def sent(session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
    """Send a request and return its answer, of which the body is still to be read.

    By the adapter itself: redirects are followed by hand, or not at all.
    """
    adapter = session.get_adapter(url=str(request.url))
    return adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, READ_SECONDS))


def deadline() -> float:
    """Return when an answer that begins now must have been read."""
    return time.monotonic() + READ_SECONDS


def read(response: requests.Response, limit: int, until: float) -> bytes | None:
    """Return the body as it trickles in; None if it is longer than the limit."""
    body = bytearray()
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > limit:
            return None
        if time.monotonic() > until:
            raise TimeoutError
    return bytes(body)


def authorization(basic: tuple[str, str] | None, bearer: str) -> dict[str, str]:
    """Return the Authorization header for a pair or a token, or none."""
    if basic is not None:
        return {"Authorization": f"Basic {exchange.basic_token(*basic)}"}
    return {"Authorization": f"Bearer {bearer}"} if bearer else {}

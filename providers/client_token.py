"""The token that a client fetches for itself (OAuth2 client credentials), and when to renew it."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from providers.answer import attach
from providers.errors import CredentialsRefused, Rejected, SendError, Unavailable, Unconfirmed
from providers.exchange import Exchange
from providers.http import Http

T = TypeVar("T")
EARLY = 60  # renewed so many seconds before its end, so that no call begins with a dying one


class ClientToken:
    """One token for all calls and threads of an adapter.

    ``url`` answers a client (id and secret) with ``access_token`` and ``expires_in`` in seconds.
    """

    def __init__(self, http: Http, url: str, client: tuple[str, str]) -> None:
        self._http = http
        self._url = url
        self._client = client
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def use(self, act: Callable[[str], T]) -> T:
        """Act with the token; where it is refused (HTTP 401), once more with a new one.

        What goes wrong with the token is never ``Unconfirmed``: the act had not begun.
        """
        token = self._current()
        try:
            return act(token)
        except SendError as error:
            if not (error.code == "401" or error.response.startswith("HTTP 401")):
                raise
        return act(self._current(refused=token))

    def _current(self, *, refused: str = "") -> str:
        with self._lock:
            now = time.time()
            if self._token in {"", refused} or now >= self._until:
                self._token, seconds = self._fetch()
                self._until = now + seconds - EARLY
            return self._token

    def _fetch(self) -> tuple[str, int]:
        grant = {"grant_type": "client_credentials"}
        try:
            answer = self._http.post(self._url, basic=self._client, form=grant)
            return answer.text("access_token"), answer.whole("expires_in", 0)
        except (Rejected, Unconfirmed) as error:
            # "from None": a success that could not be read may quote the token.
            raise _no_token(error) from None


def _no_token(error: Rejected | Unconfirmed) -> SendError:
    heard = error.response
    if heard.startswith("HTTP 2"):
        heard = heard.partition("\n\n")[0]  # its body may hold the token
    reason: SendError = Unavailable("The provider gave no token, so nothing was sent.")
    if isinstance(error, Rejected):
        reason = CredentialsRefused(f"The provider gives this client no token: {error}")
    return attach(reason, Exchange(request=error.request, response=heard))

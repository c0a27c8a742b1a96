"""What would be said to a provider, without saying it: for the administrator's Try page."""

from collections.abc import Mapping
from typing import NoReturn

import requests  # noqa: TID251 - requests are looked at here and never sent

from providers import registry
from providers.contract import OutboundMessage
from providers.errors import SendError
from providers.http import Http


class Withheld(SendError):
    """The request was ready and stayed here."""


class ClosedDoor(Http):
    """Prepares every request and lets none out."""

    def transmit(self, request: requests.PreparedRequest) -> NoReturn:  # noqa: ARG002 - kept in
        """Stop where the network would begin; the error carries the redacted request."""
        raise Withheld("Nothing was sent.")


def rehearse(
    key: str, values: Mapping[str, str], message: OutboundMessage, *, api_base: str = ""
) -> str:
    """Return the first request that this message would become, redacted.

    Of an adapter that logs in first that is the login. ``SendError`` says why there would be no
    request at all, ``ValueError`` which credential is wrong.
    """
    adapter = registry.build(key, values, api_base=api_base, door=ClosedDoor)
    try:
        return adapter.send(message).request
    except Withheld as stopped:
        return stopped.request

"""A provider's answer to a call, and what its HTTP status means when the body does not say."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, TypeVar

from providers.errors import (
    CredentialsRefused,
    Rejected,
    SendError,
    Throttled,
    Unavailable,
    Unconfirmed,
    Unreadable,
)
from providers.exchange import Exchange
from providers.payload import Payload, clean, parse_json, parse_object, parse_xml

E = TypeVar("E", bound=SendError)
Reads = Literal["json", "list", "xml", "text"]


class Answer(Payload):
    """A provider's answer: its JSON or XML, with what HTTP said around it.

    Once the call counts as taken, a field that is missing or wrong raises ``Unconfirmed`` with
    the exchange attached: the provider took the call, and we do not understand what it says.
    Header names are lower-case. ``readable`` is false where the body is not what ``reads`` says:
    a JSON object, a JSON list (under the name ``rows``), XML, or text that has only ``body``.
    """

    def __init__(
        self,
        raw: bytes | None,
        *,
        status: int,
        headers: Mapping[str, str],
        reads: Reads = "json",
    ) -> None:
        self.status = status
        self.headers = headers
        self.exchange = Exchange()
        self.body = clean((raw or b"").decode(errors="replace"))
        self.readable = raw is not None
        self.taken = False
        data: object = None
        try:
            data = _parse(raw, reads) if raw else {}
        except Unreadable:
            self.readable = False
        super().__init__(data, complaint=self._complain)

    @property
    def words(self) -> str:
        """The body as one line for a person, empty where it is a page of HTML."""
        line = " ".join(self.body.split())
        return "" if line.startswith("<") else line

    @property
    def retry_after(self) -> float | None:
        """Seconds from the ``Retry-After`` header, given as a number or as a date."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,9}", value):
            return float(value)
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())

    def _complain(self, message: str) -> Unreadable | SendError:
        if not self.taken:
            return Unreadable(message)
        sentence = f"The provider's answer (HTTP {self.status}) makes no sense: {message}."
        return attach(Unconfirmed(sentence), self.exchange)


def _parse(raw: bytes, reads: Reads) -> object:
    match reads:
        case "json":
            return parse_object(raw)
        case "list":
            rows = parse_json(raw)
            return {"rows": rows} if isinstance(rows, list) else rows
        case "xml":
            return parse_xml(raw)
        case "text":
            return {}


Explain = Callable[[Answer], None]


def settle(answer: Answer, explain: Explain | None, host: str) -> None:
    """Mark the answer as taken, or raise the ``SendError`` that its body or its status means."""
    if answer.readable and explain is not None:
        try:
            explain(answer)
        except Unreadable as error:
            raise guess(answer, host) from error
    if not (answer.readable and 200 <= answer.status < 300):
        raise guess(answer, host)
    answer.taken = True


def guess(answer: Answer, host: str) -> SendError:
    """Return what an answer means by its status alone."""
    status = f"HTTP {answer.status}"
    said = f": {answer.words}" if answer.words else "."
    match answer.status:
        case 401 | 403:
            return CredentialsRefused(f"{host} refused these credentials ({status}){said}")
        case 429:
            sentence = f"{host} asks to send more slowly ({status}){said}"
            return Throttled(sentence, retry_after=answer.retry_after)
        case 408:
            return Unavailable(f"{host} did not get the whole request ({status}){said}")
        case code if 300 <= code < 400:
            return Unavailable(f"{host} redirects API calls ({status}); check the API base.")
        case code if 400 <= code < 500:
            return Rejected(f"{host} refused the request ({status}){said}")
        case _:
            return Unconfirmed(f"{host} gave an answer that cannot be read ({status}){said}")


def attach(error: E, exchange: Exchange) -> E:
    """Give an error the exchange that led to it."""
    error.request, error.response = exchange.request, exchange.response
    return error

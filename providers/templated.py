"""Sends as an administrator described: builds the request, and reads the answer."""

import dataclasses
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote, urlsplit

from providers import pointer, template
from providers.answer import Answer, attach, guess
from providers.contract import NumberFormat, OutboundMessage, Provider, SendResult
from providers.credentials import credential_fields
from providers.described import Sending
from providers.errors import Rejected, Unconfirmed, Unreadable
from providers.http import Http, Parts
from providers.payload import Payload

NOWHERE = "https://address-not-given.invalid"
OF_MESSAGE = ("from", "to", "text", "reference", "sender_id", "status_url")
HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*(.*\S)\s*")
# They belong to the connection, or would lead the request elsewhere.
NOT_OURS = {"connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
CONTENT_TYPES = {"json": "application/json", "xml": "application/xml; charset=utf-8"}
NEEDS = {
    "basic": "needs a user name or a password",
    "bearer": "needs a token",
    "query": "needs a query template with {user}, {password} or {token}",
    "body": "needs a body template with {user}, {password} or {token}",
}

T = TypeVar("T")
S = TypeVar("S", bound=Sending)


class Templated(Provider[S]):
    """Sends what the templates say; a subclass knows the account, and receives.

    While it is built a field that makes no sense raises ``ValueError`` with the field's name first:
    so no such template is ever saved.
    """

    api_base = NOWHERE

    def __init__(self, credentials: S, http: Http) -> None:
        super().__init__(credentials, http)
        account = self.account()
        self.field("send_url", lambda text: template.placeholders(text, account))
        self._headers = self.field("headers", self._read_headers)
        self._took = self.field("success", pointer.Condition.parse) if credentials.success else None
        self._message_id = self.field("message_id", pointer.parse)
        self._error_text = self.field("error_text", pointer.parse)
        self._error_code = self.field("error_code", pointer.parse)
        known = (*OF_MESSAGE, *account)
        query = self.field("query", lambda text: template.check("form", text, known))
        if self.capabilities.mms:
            known = (*known, "media")
        kind = credentials.body_format
        body = self.field("body_template", lambda text: template.check(kind, text, known))
        self._takes_media = "media" in body
        if self.is_described:
            self._check(query, body)

    @abstractmethod
    def account(self) -> Mapping[str, str]:
        """Return what ``user``, ``password`` and ``token`` stand for, as far as there are."""

    @classmethod
    def base_of(cls, credentials: S) -> str:
        """Return the origin of the Send URL."""
        return re.sub(r"(?<=[^:/])[/?].*", "", credentials.send_url)

    @property
    def number_format(self) -> NumberFormat:
        """The format that the administrator chose."""
        return NumberFormat(self.credentials.number_format)

    @property
    def is_described(self) -> bool:
        """Whether there is an address to send to, and something to send."""
        return bool(self.credentials.send_url and self.credentials.body_template)

    @property
    def basic(self) -> tuple[str, str] | None:
        """The pair for HTTP Basic, if calls prove themselves so."""
        account = self.account()
        pair = account.get("user", ""), account.get("password", "")
        return pair if self.credentials.authentication == "basic" else None

    @property
    def bearer(self) -> str:
        """The bearer token, empty if calls prove themselves otherwise."""
        return (
            self.account().get("token", "") if self.credentials.authentication == "bearer" else ""
        )

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message as the templates say, and read the answer as the paths say."""
        if message.media_urls and not self._takes_media:
            raise Rejected("The trunk's body template has no {media}: it cannot send files.")
        origin = self.base_of(self.credentials)
        account = {name: quote(value, safe="") for name, value in self.account().items()}
        path = template.fill(self.credentials.send_url.removeprefix(origin), account)
        call = {"GET": self.http.get, "POST": self.http.post, "PUT": self.http.put}
        answer = call[self.credentials.method](
            path if path.startswith("/") else f"/{path}", **self._parts(message)
        )
        return SendResult(
            provider_id=self._id_of(answer),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    def field(self, name: str, read: Callable[[str], T]) -> T:
        """Read the value of a credential; a complaint about it begins with its name."""
        try:
            return read(dataclasses.asdict(self.credentials)[name])
        except ValueError as error:
            raise self.wrong(name, str(error)) from error

    def wrong(self, name: str, what: str) -> ValueError:
        """Return the complaint about a credential."""
        fields = credential_fields(self.credentials_type)
        label = next(field.label for field in fields if field.name == name)
        return ValueError(f"{name} ({label}) {what}")

    def _read_headers(self, text: str) -> dict[str, str]:
        found = {}
        for line in text.splitlines():
            if not line.strip():
                continue
            if (match := HEADER.fullmatch(line)) is None:
                raise ValueError("has a line that is not written as Name: value")
            if match[1].lower() in NOT_OURS:
                raise ValueError(f"sets {match[1]}, which is set by itself")
            template.placeholders(match[2], ("reference", *self.account()))
            found[match[1]] = match[2]
        return found

    def _check(self, query: frozenset[str], body: frozenset[str]) -> None:
        own, account = self.credentials, self.account()
        for name in ("to", "text"):
            if name not in query | body:
                raise self.wrong("body_template", f"has no {{{name}}}")
        if own.method == "GET" and own.body_format != "form":
            raise self.wrong("body_format", "must be a form, because GET has no body")
        if not (own.success or own.message_id):
            raise self.wrong(
                "success", "is missing, and so is the path of the message id: one of them is needed"
            )
        proves = {
            "none": True,
            "basic": any(self.basic or ()),
            "bearer": bool(self.bearer),
            "query": bool(query & account.keys()),
            "body": bool(body & account.keys()),
        }
        if not proves[own.authentication]:
            raise self.wrong("authentication", NEEDS[own.authentication])

    def _parts(self, message: OutboundMessage) -> Parts:
        own, values = self.credentials, self._values(message)
        params = template.fill_form(own.query, values)
        headers = {name: template.fill(text, values) for name, text in self._headers.items()}
        parts: Parts = {"headers": {"Accept": "*/*", **headers}, "params": params}
        parts |= {"reads": "text", "explain": self._explain, "bearer": self.bearer}
        if pair := self.basic:
            parts["basic"] = pair
        match own.body_format:
            case "form" if own.method == "GET":
                params += template.fill_form(own.body_template, values, message.media_urls)
            case "form":
                parts["form"] = template.fill_form(own.body_template, values, message.media_urls)
            case kind:
                fill = {"json": template.fill_json, "xml": template.fill_xml}[kind]
                body = fill(own.body_template, values, message.media_urls)
                parts["content"] = (body, _content_type(kind, headers))
        return parts

    def _values(self, message: OutboundMessage) -> dict[str, str]:
        is_word = any(letter.isalpha() for letter in message.sender)
        return {
            "from": self.render(message.sender),
            "to": self.render(message.recipient),
            "text": message.text,
            "reference": message.reference,
            "sender_id": message.sender if is_word else "",
            "status_url": message.status_url,
            **self.account(),
        }

    def _explain(self, answer: Answer) -> None:
        """Find the provider's own words, and whether a 2xx means that it took the message."""
        tree, host = pointer.of_answer(answer.body), urlsplit(self.http.base).hostname or ""
        said = Payload(
            {
                "text": pointer.first(tree, self._error_text),
                "code": pointer.first(tree, self._error_code),
            }
        )
        text, code = said.text("text", ""), said.text("code", "")
        if not 200 <= answer.status < 300:
            error = guess(answer, host)
            if text:
                error.args = (f"{host} answered: {text}",)
            error.code = code
            raise error
        if self._took is None:
            took = pointer.first(tree, self._message_id) is not None
        else:
            took = self._took.holds(tree, answer.status)
        if not took and text:
            raise Rejected(f"{host} refused: {text}", code=code)
        if not took:
            raise Unconfirmed(f"{host} did not say that it took the message.", code=code)

    def _id_of(self, answer: Answer) -> str:
        if not self._message_id:
            return ""
        found = pointer.first(pointer.of_answer(answer.body), self._message_id)
        try:
            return Payload({"message id": found}).ident("message id")
        except Unreadable as error:
            sentence = f"The provider took the message and gave no usable id ({error})."
            raise attach(Unconfirmed(sentence), answer.exchange) from error


def _content_type(kind: str, headers: Mapping[str, str]) -> str:
    own = {name.lower(): value for name, value in headers.items()}
    return own.get("content-type", CONTENT_TYPES[kind])

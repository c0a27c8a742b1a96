"""Bandwidth: US and Canadian carrier, SMS and MMS from long codes, toll-free and short codes.

Set-up:

1. In the Bandwidth App, under Account, API Credentials, make a credential with the Messaging role
   (and the Numbers role, if DIDs are to be imported). Copy Client ID and Client Secret; the secret
   is shown once. The account ID of seven digits stands at the top of the page.
2. Under Applications create one of the type Messaging. Paste {webhook_url} as Callback URL, enter
   the Callback User ID and Callback Password of this trunk, switch on message-delivered and
   message-failed, and copy the Application ID. A separate Status Callback URL gets the same three.
3. Under Locations open the location of your numbers: SMS on, protocol HTTP, V2 Messaging on, choose
   the application; the same for MMS. Without this step Bandwidth accepts every message and
   delivers none, and nothing comes in.
4. US numbers need a 10DLC campaign, toll-free ones a verification.

Oddities, and what we do about them:

- User name and password (legacy) work until 2 December 2026; then only API Credentials do.
- Nothing is signed. Callback User ID and Password are the only proof beside the secret path of the
  URL; once they stand here, they are demanded.
- A token precedes the calls. While none is to be had nothing is sent, and the messages wait.
- Receipts go to the application's URL. For an MMS "delivered" may mean the carrier's centre only.
  Code 9902, hours without a word from the carrier, counts as sent.
- A group that comes in is one event for each of our numbers in it; each goes to its own number.
  One that goes out has ten participants at most, our number among them, and one receipt for each
  person.
- A fault (5xx) in Bandwidth's own words was not sent; any other page leaves it unconfirmed.
- A file may have 3.5 MB, but carriers cut lower: keep a message's files under 500 kB together.
  Incoming files need our login, which goes to our account's address only, and last 48 hours.
- The list of numbers does not tell what they can do: we assume texts, without MMS.
- RCS replies are ignored; what is for another application or of an unknown kind is kept aside.
"""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from providers import bandwidth_words, signing
from providers.abilities import ListedNumber
from providers.answer import Answer
from providers.client_token import ClientToken
from providers.contract import (
    Broken,
    Capabilities,
    Event,
    OutboundMessage,
    Proof,
    Provider,
    SendResult,
    WebhookRequest,
)
from providers.credentials import credential
from providers.download import Media
from providers.errors import Rejected, Unreadable, WebhookRefused
from providers.exchange import basic_token
from providers.http import Http, Parts
from providers.pace import Pace
from providers.payload import Payload

ACCOUNT_API = "https://api.bandwidth.com"
# 2500 are allowed; so many numbers might be more than we read of one answer.
PAGE_SIZE, MAX_PAGES = 500, 100
FULL_NUMBER = re.compile(r"<(?:\w+:)?FullNumber>\s*(\+?[0-9]+)\s*<")


@dataclass(frozen=True)
class Credentials:
    """A client fetches tokens; the legacy login is used only where there is no client."""

    account_id: str = credential("Account ID", pattern=r"[0-9]+", help="Seven digits.")
    application_id: str = credential(
        "Application ID", pattern=r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4,12}){4}"
    )
    client_id: str = credential("Client ID", required=False, help="Account, API Credentials.")
    client_secret: str = credential("Client Secret", secret=True, required=False)
    username: str = credential(
        "User name (legacy)", required=False, help="Works until 2 December 2026."
    )
    password: str = credential("Password (legacy)", secret=True, required=False)
    callback_user_id: str = credential("Callback User ID", required=False, generated=True)
    callback_password: str = credential(
        "Callback Password", secret=True, required=False, generated=True
    )


class Bandwidth(Provider[Credentials]):
    """Translates for Bandwidth's messaging API, version 2."""

    key = "bandwidth"
    label = "Bandwidth"
    api_base = "https://messaging.bandwidth.com"
    other_bases = (ACCOUNT_API,)
    credentials_type = Credentials
    capabilities = Capabilities(
        mms=True, max_media=10, max_file_bytes=3_500_000, max_text=2048,
        sender_id=True, receipts=True, group=9, pace=Pace(account=1),
    )  # fmt: skip

    def __init__(self, credentials: Credentials, http: Http) -> None:
        super().__init__(credentials, http)
        client = (credentials.client_id, credentials.client_secret)
        url = f"{ACCOUNT_API}/api/v1/oauth2/token"
        self._token = ClientToken(http, url, client) if all(client) else None

    def send(self, message: OutboundMessage) -> SendResult:
        """Send one message; its reference comes back as the tag of its receipts."""
        body: dict[str, Any] = {
            "applicationId": self.credentials.application_id,
            "from": self.render(message.sender),
            "to": [self.render(number) for number in message.recipients],
            "tag": message.reference,
        }
        if message.text or not message.media_urls:
            body["text"] = message.text
        if message.media_urls:
            body["media"] = list(message.media_urls)
        answer = self._call(self.http.post, self._path("messages"), {"json": body})
        return SendResult(
            provider_id=answer.ident("id"),
            segments=answer.whole("segmentCount", 0),
            request=answer.exchange.request,
            response=answer.exchange.response,
        )

    @property
    def proof(self) -> Proof:
        """A password where one was agreed on."""
        return Proof.PASSWORD if self.credentials.callback_password else Proof.ADDRESS

    def authenticate(self, request: WebhookRequest) -> None:
        """Check the callback login where there is one; nothing is signed."""
        if request.method != "POST":
            raise WebhookRefused("Bandwidth posts; this request does not.")
        own, given = self.credentials, request.headers.get("authorization", "")
        expected = f"Basic {basic_token(own.callback_user_id, own.callback_password)}"
        if own.callback_password and not signing.same(given, expected):
            raise WebhookRefused("The request lacks the Callback User ID and Password.")

    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield every event of the list; one that stands alone is a list of one."""
        for item in Payload.json_list(request.body):
            try:
                event = self._event(item)
            except Unreadable as error:
                event = Broken(detail=str(error))
            if event is not None:
                yield event

    def check(self) -> str:
        """List the media store: that changes nothing and takes the right to message."""
        self._call(self.http.get, self._path("media"), {"reads": "list"}).children("rows")
        if self._token:
            return f"Bandwidth accepts this client for account {self.credentials.account_id}."
        return "Bandwidth accepts this login until 2 December 2026. Enter API Credentials by then."

    def list_numbers(self) -> list[ListedNumber]:
        """Return the numbers in service; the list does not say what they can do."""
        found: list[ListedNumber] = []
        for page in range(1, MAX_PAGES + 1):
            params = {"accountId": self.credentials.account_id, "status": "Inservice"}
            params |= {"size": str(PAGE_SIZE), "page": str(page)}
            answer = self._account_call(self.http.get, "/tns", {"params": params})
            # By the name of the element alone, because its place in the tree is not promised.
            numbers = FULL_NUMBER.findall(answer.body)
            found += [ListedNumber(number=self.read(number)) for number in numbers]
            if len(numbers) < PAGE_SIZE:
                break
        return found

    def set_webhook(self, number: str, url: str) -> str:
        """Enter the URL and the callback login at the application, which many numbers share."""
        own = self.credentials
        order = bandwidth_words.callbacks(url, own.callback_user_id, own.callback_password)
        xml = (order, "application/xml")
        name = self._application(self.http.patch, {"content": xml}).ident("ApplicationId")
        return f"Bandwidth posts here for application {name}; the location of {number} must use it."

    def read_webhook(self, number: str) -> str:  # noqa: ARG002 - one application serves them all
        """Return the URL of the application; older ones have it under older names."""
        found = self._application(self.http.get, {})
        names = ("InboundCallbackUrl", "MsgCallbackUrl", "CallbackUrl")
        return next((found.text(name) for name in names if name in found), "")

    def fetch_media(self, url: str) -> Media:
        """Download an attachment, with our login only from our own account's address."""
        own, download = self.credentials, self.http.download
        if not url.startswith(f"{self.http.base}{self._path('media')}/") or ".." in url:
            return download(url)
        if self._token:
            return self._token.use(lambda token: download(url, bearer=token))
        return download(url, basic=(own.username, own.password))

    def _event(self, item: Payload) -> Event | None:
        kind = item.text("type")
        if kind == "message-received":
            own = self.credentials.application_id
            return bandwidth_words.inbound(item, application_id=own, read=self.read)
        if kind in bandwidth_words.RECEIPTS:
            return bandwidth_words.receipt(item, bandwidth_words.RECEIPTS[kind], read=self.read)
        if kind in bandwidth_words.RCS:
            return None
        raise item.wrong("type", f"{kind[:40]!r} is no kind of event that we know")

    def _path(self, resource: str) -> str:
        return f"/api/v2/users/{self.credentials.account_id}/{resource}"

    def _call(self, method: Callable[..., Answer], url: str, parts: Parts) -> Answer:
        own = self.credentials
        call = functools.partial(method, url, **parts, explain=bandwidth_words.explain)
        if self._token:
            return self._token.use(lambda token: call(bearer=token))
        return call(basic=(own.username, own.password))

    def _account_call(self, method: Callable[..., Answer], path: str, parts: Parts) -> Answer:
        if not self._token:
            raise Rejected("This takes API Credentials; the legacy login only sends and receives.")
        xml: Parts = {**parts, "reads": "xml", "headers": {"Accept": "application/xml"}}
        return self._call(method, f"{ACCOUNT_API}/api/v2{path}", xml)

    def _application(self, method: Callable[..., Answer], parts: Parts) -> Payload:
        own = self.credentials
        path = f"/accounts/{own.account_id}/applications/{own.application_id}"
        answer = self._account_call(method, path, parts)
        return answer.child("ApplicationProvisioningResponse").child("Application")


ADAPTER = Bandwidth

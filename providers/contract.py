"""What crosses the boundary between a provider's adapter and the rest of the program.

Everything here is frozen and plain: no Django types, no database rows. Numbers are E.164 with
``+``, short codes of bare digits, or alphanumeric words; only ``render`` and ``read`` translate.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from providers import numbers
from providers.download import Media
from providers.http import Http
from providers.pace import UNKNOWN, Pace


class NumberFormat(StrEnum):
    """How a provider wants an E.164 number written."""

    E164 = "e164"  # +12025550123
    DIGITS = "digits"  # 12025550123
    NATIONAL = "national"  # 2025550123, North America only


class Status(StrEnum):
    """What a receipt can say of an outbound message, in our words."""

    QUEUED = "queued"  # the provider still has it; changes nothing on our side
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


class Proof(StrEnum):
    """How well a trunk's webhook requests prove that the provider sent them."""

    SIGNED = "signed"  # a signature over what was sent
    PASSWORD = "password"  # noqa: S105 - a kind of proof; name and password that we made up
    ADDRESS = "address"  # the secret address alone


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What an adapter can do; flows ask here and never for a provider's key.

    ``inbound`` says that the provider posts texts to us, ``max_body`` how large one such request
    may be, in bytes, where that is more than usual (files inside it). ``max_text`` counts
    characters of one message and ``max_segments`` its billed parts, 0 means unknown.
    ``max_media`` counts files, ``max_file_bytes`` limits each and ``max_media_bytes`` all of them
    together (0 unknown); ``media_types`` are the types taken, of which ``image/`` means every
    picture, empty unknown. ``idempotent_send`` says that the provider drops a repeated
    ``reference``. ``message_ids`` says that inbound messages carry an id; without one, equal bodies
    within minutes count as one message. ``answers_keywords`` says that the provider itself confirms
    STOP, START and HELP to the texter. ``group`` is the most people, our side not counted, whom one
    message reaches as one thread that they all see, 0 where that is not possible or not known; such
    a message is an MMS. ``pace`` is how fast it takes messages.
    """

    inbound: bool = True
    max_body: int = 0
    mms: bool = False
    max_media: int = 0
    max_file_bytes: int = 0
    max_media_bytes: int = 0
    media_types: tuple[str, ...] = ()
    max_text: int = 0
    max_segments: int = 0
    sender_id: bool = False
    receipts: bool = False
    signed_webhooks: bool = False
    idempotent_send: bool = False
    message_ids: bool = True
    answers_keywords: bool = False
    group: int = 0
    pace: Pace = UNKNOWN
    number_format: NumberFormat = NumberFormat.E164

    def takes(self, content_type: str) -> bool:
        """Say whether a file of this type can be sent; unknown limits are left to the provider."""
        known = self.media_types
        return not known or any(
            content_type.startswith(one) if one.endswith("/") else content_type == one
            for one in known
        )


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """One message. ``status_url`` is where the receipt should be posted.

    ``recipient`` is one number; only an adapter with the capability ``group`` gets several, joined
    with ``;``, and reads them from ``recipients``.
    """

    reference: str
    sender: str
    recipient: str
    text: str
    media_urls: tuple[str, ...] = ()
    status_url: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody whom the message is for."""
        return tuple(self.recipient.split(";"))


@dataclass(frozen=True, kw_only=True)
class SendResult:
    """The provider took the message. ``segments`` is 0 where it did not say.

    ``part_ids`` are the ids of all parts, the first included, where the provider gives each part
    of a long text its own and receipts name the part. ``request`` and ``response`` are the redacted
    exchange, for the attempt that is kept.
    """

    provider_id: str
    part_ids: tuple[str, ...] = ()
    segments: int = 0
    request: str = ""
    response: str = ""


@dataclass(frozen=True, kw_only=True)
class WebhookRequest:
    """One request from outside. Header names are lower-case; ``url`` is the public one."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What says that several requests make up one message.

    Pieces of one sender to one number with the same ``key`` belong together. ``index`` is the
    place in the text, from 1; ``total`` is 0 where the provider does not say how many there are.
    """

    key: str
    index: int
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A text or MMS for our numbers. ``recipients`` are all numbers it was sent to.

    ``owner`` is the one number that this event is for, where a group text makes an event of its own
    for each of ours; else it is empty and the text is for all that are ours.
    ``provider_id`` is empty where the provider gives none. ``files`` are attachments that came
    inside the request. ``piece`` marks a part of a message. ``sent_at`` is aware, or None.
    """

    provider_id: str
    sender: str
    recipients: tuple[str, ...]
    text: str
    owner: str = ""
    media_urls: tuple[str, ...] = ()
    files: tuple[Media, ...] = ()
    piece: Piece | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StatusUpdate:
    """A delivery receipt. ``status`` None means a word we do not know, kept in ``detail``.

    Found by ``provider_id``, else by ``reference``, else (providers whose receipts carry no id)
    by ``sender`` (our number) and ``recipient``, who of a group text is the one that it is about.
    """

    status: Status | None
    provider_id: str = ""
    reference: str = ""
    sender: str = ""
    recipient: str = ""
    error_code: str = ""
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Broken:
    """One element of a list that could not be read; it costs only itself."""

    detail: str


Event = InboundMessage | StatusUpdate | Broken


@dataclass(frozen=True, kw_only=True)
class WebhookReply:
    """What the provider wants to read in answer to a webhook."""

    status: int = 200
    content_type: str = "text/plain"
    body: str = ""


C = TypeVar("C")


class Provider(ABC, Generic[C]):
    """One provider's adapter: translates between its words and ours, and calls it.

    A subclass sets the class attributes and writes ``send``, ``authenticate``, ``parse`` and
    ``check``. It never catches what ``http`` raises unless it reads the body to decide better.
    ``other_bases`` are further hosts of the provider's API; calls name them by their full URL.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    api_base: ClassVar[str]
    other_bases: ClassVar[tuple[str, ...]] = ()
    credentials_type: ClassVar[type[Any]]
    capabilities: ClassVar[Capabilities]

    def __init__(self, credentials: C, http: Http) -> None:
        self.credentials = credentials
        self.http = http

    @abstractmethod
    def send(self, message: OutboundMessage) -> SendResult:
        """Hand one message to the provider; raise a ``SendError`` if it was not taken."""

    @abstractmethod
    def authenticate(self, request: WebhookRequest) -> None:
        """Raise ``WebhookRefused`` unless the request proves that the provider sent it."""

    @abstractmethod
    def parse(self, request: WebhookRequest) -> Iterator[Event]:
        """Yield every event of the request; ``Unreadable`` if the whole body makes no sense.

        A kind of event that we do not use yields nothing; an element of a list that cannot be
        read yields ``Broken`` and the others still come.
        """

    @abstractmethod
    def check(self) -> str:
        """Prove the credentials with one cheap call; return one plain sentence on success."""

    @classmethod
    def base_of(cls, credentials: C) -> str:  # noqa: ARG003 - overrides read them
        """Return the API base that the credentials name, empty where ``api_base`` is the one.

        Because a tenant chose it, calls below it reach the public internet only.
        """
        return ""

    @property
    def number_format(self) -> NumberFormat:
        """How numbers are written with the credentials that this trunk has."""
        return self.capabilities.number_format

    @property
    def proof(self) -> Proof:
        """How well webhooks prove themselves with the credentials that this trunk has."""
        return Proof.SIGNED if self.capabilities.signed_webhooks else Proof.ADDRESS

    def reply(self, request: WebhookRequest) -> WebhookReply:  # noqa: ARG002 - overrides read it
        """Return what the provider wants to read once the request is stored."""
        return WebhookReply()

    def fetch_media(self, url: str) -> Media:
        """Download one inbound attachment; the default sends no credentials."""
        return self.http.download(url)

    def render(self, number: str) -> str:
        """Write one of our numbers as the provider wants it; only E.164 ever changes."""
        if not number.startswith("+"):
            return number
        match self.number_format:
            case NumberFormat.DIGITS:
                return number[1:]
            case NumberFormat.NATIONAL if number.startswith("+1"):
                return number[2:]
            case _:
                return number

    def read(self, raw: str) -> str:
        """Bring a number as the provider writes it to our form."""
        return numbers.read(raw)

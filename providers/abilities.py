"""What some adapters can do beside sending and receiving; the admin and the flows ask for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from providers.contract import StatusUpdate


@dataclass(frozen=True, kw_only=True)
class ListedNumber:
    """A number of the account, as the provider lists it."""

    number: str
    sms: bool = True
    mms: bool = False
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A message that the provider took and whose end is not known. ``at`` is when, aware."""

    provider_id: str
    sender: str
    recipient: str
    at: datetime


@runtime_checkable
class ListsNumbers(Protocol):
    """The adapter can list the numbers of the account."""

    def list_numbers(self) -> list[ListedNumber]:
        """Return every number of the account that can be texted."""


@runtime_checkable
class SetsWebhook(Protocol):
    """The adapter can enter our webhook URL at the provider."""

    def set_webhook(self, number: str, url: str) -> str:
        """Point the number's messages at ``url``; return one plain sentence on success."""


@runtime_checkable
class ReadsWebhook(Protocol):
    """The adapter can say which webhook URL the provider has for a number."""

    def read_webhook(self, number: str) -> str:
        """Return the URL that the number's messages are posted to, empty if there is none."""


@runtime_checkable
class PollsReceipts(Protocol):
    """The provider posts no receipts, and the adapter can ask for them."""

    def poll_receipts(self, sent: Sequence[Sent]) -> Iterator[StatusUpdate]:
        """Yield what the provider now says of these messages; of some it may say nothing.

        What was yielded before an error is raised still counts.
        """

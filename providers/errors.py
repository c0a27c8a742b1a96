"""What can go wrong with a provider, each class named by what the caller does next.

``str(error)`` is always fit for a tenant administrator's eyes and never holds a credential.
"""

from enum import StrEnum


class ProviderError(Exception):
    """A call to a provider, or a request from one, did not end as it should.

    ``code`` is the provider's own code as text, empty where it gave none. ``request`` and
    ``response`` are the redacted exchange, for the attempt that is kept; both may be empty.
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.request = ""
        self.response = ""


class SendError(ProviderError):
    """The root of the five ways in which a call to a provider fails."""


class Rejected(SendError):
    """This message, never: the provider refused it and will refuse it again."""


class CredentialsRefused(SendError):
    """This trunk is broken: nothing sent through it can succeed until somebody repairs it."""


class Limit(StrEnum):
    """Whose limit is used up: what else has to wait."""

    ACCOUNT = "account"
    SENDER = "sender"
    RECIPIENT = "recipient"


class Throttled(SendError):
    """Not now: the provider surely did not take it. ``retry_after`` is in seconds, or None."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        retry_after: float | None = None,
        limit: Limit = Limit.ACCOUNT,
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.limit = limit


class Unavailable(SendError):
    """Surely not accepted: the request never reached the provider. Try again later."""


class Unconfirmed(SendError):
    """Perhaps accepted: the answer was lost or made no sense. Never retry blindly."""


class WebhookRefused(ProviderError):
    """A webhook request that does not prove that it comes from the provider (HTTP 403)."""


class Unreadable(ProviderError):
    """A body that the adapter cannot read; it is kept and can be processed again."""

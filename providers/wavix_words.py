"""What the words of Wavix's refusals mean: whom they blame, and the next step."""

import re

from providers.answer import Answer
from providers.errors import (
    CredentialsRefused,
    Limit,
    Rejected,
    SendError,
    Throttled,
    Unavailable,
    Unconfirmed,
)

# Words of a reason, what they mean for a send, and the next step; the first that fits counts.
# None waits for the hour or day that it names: that would stop the trunk for everybody else.
OF_PHONE = r"flooding|60 minutes"
REASONS: tuple[tuple[str, type[SendError], str], ...] = (
    (OF_PHONE, Throttled, "This phone got too many equal texts within the hour."),
    (r"per.second|per.minute|daily|(brand|campaign).*limit", Throttled, "Send more slowly."),
    (r"gateway rejected", Unavailable, "The gateway to the carrier failed."),
    (r"idempotency", Unconfirmed, "Wavix may have taken this message before."),
    (r"unsubscribed", Rejected, "The recipient has opted out. Only they can undo that."),
    (r"inactive|opted.out|no longer active", Rejected, "The number is gone, or opted out."),
    (r"sender id not found", Rejected, "Register the sender at Wavix under SMS, Sender IDs."),
    (r"for the country", Rejected, "Add the country to the sender under SMS, Sender IDs."),
    (r"mms can", Rejected, "Files go to US and Canadian numbers only. Send a link instead."),
    (r"invalid or not", Rejected, "Check the recipient's number: it must be a mobile phone."),
    (r"destination.*(forbidden|blocked)", Rejected, "Ask Wavix's support to allow this number."),
    (r"spam|compliant", Rejected, "The message was filtered. Change its wording or links."),
    (r"far.end|by the destination|unsupported carrier", Rejected, "The carrier does not take it."),
)


def reason(words: str) -> tuple[type[SendError] | None, str]:
    """Return what the words mean, and the next step with the words themselves."""
    said = f"Wavix says: {words}" if words else ""
    for pattern, kind, advice in REASONS:
        if re.search(pattern, words, re.IGNORECASE):
            return kind, f"{advice} {said}"
    return None, said


def explain(answer: Answer) -> None:
    """Classify a refusal by its words, then by its status; a fault of Wavix's stays unknown."""
    words = answer.text("message", "") if 400 <= answer.status < 500 else ""
    if not words or answer.status == 408:
        return
    kind, said = reason(words)
    if answer.status == 401:
        raise CredentialsRefused(f"Wavix refuses the key, or this server's address: {words}")
    if kind is None and answer.status == 403:
        raise CredentialsRefused(f"The account, or the scope of the key, forbids this: {words}")
    if kind is Throttled or answer.status == 429:
        limit = Limit.RECIPIENT if re.search(OF_PHONE, words, re.IGNORECASE) else Limit.ACCOUNT
        raise Throttled(said, retry_after=answer.retry_after, limit=limit)
    raise (kind or Rejected)(said)

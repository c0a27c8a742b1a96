"""Telnyx's error codes: whom they blame, and plain words with the next step."""

import re
import time

from providers.answer import Answer
from providers.errors import CredentialsRefused, Limit, Rejected, SendError, Throttled, Unconfirmed

KEY = ("10009", "20001", "20002", "20003", "20006", "20008")
RIGHTS = ("10010", "20012", "20013", "20014", "20015", "20016", "20017")
# Nothing can succeed until somebody repairs the account.
ACCOUNT = {*KEY, *RIGHTS, "20100", "40314"}
LATER = {"10011", "40318", "40320"}
OF_SENDER = {"40318", "40320"}
FAULT = {"10007", "10008"}
# With HTTP 422 these are refusals of the message, and not of a repeat with another body.
NAMED_422 = {"10015", "10016", "10027"}
SPENT = "40333"

ADVICE = {
    **dict.fromkeys(KEY, "The API key is wrong, revoked or expired. Enter a valid one."),
    **dict.fromkeys(RIGHTS, "The Telnyx account may not do this. Verify or reactivate it there."),
    **dict.fromkeys(
        ("10005", "10006", "10017"), "Telnyx does not know this. Check the Messaging profile ID."
    ),
    "10011": "Telnyx asks to send more slowly. Try again later.",
    "20100": "The Telnyx account has no funds left. Top it up.",
    "40001": "Telnyx has no way to this number. Check it.",
    **dict.fromkeys(
        ("40002", "40015", "40017"),
        "The carrier filtered the message as spam. Change its wording or links.",
    ),
    "40003": "The carriers block this sender as a spammer. Ask Telnyx to lift the block.",
    "40004": "The recipient's carrier rejected the message. Try again later.",
    **dict.fromkeys(
        ("40005", "40014"), "The message expired before it could be delivered. Try again later."
    ),
    **dict.fromkeys(
        ("40006", "40008"), "The recipient's carrier could not deliver it. Try again later."
    ),
    "40007": "The carriers sent the message in a circle. Report it to Telnyx.",
    "40009": "The carrier does not take this content. Change the text.",
    "40010": "The number is not registered for US 10DLC. Add it to a campaign at Telnyx.",
    **dict.fromkeys(
        ("40011", "40016", "40018"), "A carrier's limit for this sender is used up. Try later."
    ),
    **dict.fromkeys(("40012", "40013", "40310"), "The recipient's number is not valid. Check it."),
    "40019": "The 10DLC data of the number is not right. Check its campaign at Telnyx.",
    "40020": "The traffic looks artificial and is blocked for 24 hours. Wait, then send less.",
    "40100": "The number is not enabled for messages. Enable it at Telnyx.",
    "40300": "The recipient has opted out with STOP. Only their START allows texts again.",
    **dict.fromkeys(
        ("40301", "40319"), "This recipient cannot get this type (SMS or MMS). Change the message."
    ),
    **dict.fromkeys(("40302", "40328"), "The text is too long. Shorten it."),
    **dict.fromkeys(
        ("40304", "40316", "40322"), "Telnyx does not take this content. Change text or files."
    ),
    "40305": "The sender is not on this messaging profile. Assign it at Telnyx.",
    **dict.fromkeys(
        ("40306", "40307", "40325"),
        "The sender word is not set up on this messaging profile. Add it at Telnyx.",
    ),
    "40308": "The sender cannot send MMS. Choose a US or Canadian number.",
    **dict.fromkeys(
        ("40309", "40331"),
        "The messaging profile does not allow this country. Add it at Telnyx.",
    ),
    "40312": "The messaging profile is disabled. Enable it at Telnyx.",
    "40314": "Messaging is disabled for the Telnyx account. Ask Telnyx to enable it.",
    "40315": "Telnyx holds this sender back as unhealthy. Choose another, or ask Telnyx.",
    "40317": "The files are larger than 1 MB together. Send fewer or smaller ones.",
    "40318": "Too much waits at Telnyx for this sender. Try again later.",
    "40320": "The sender cannot be used for now. Try again later.",
    "40321": "The sender cannot send this message. Choose another, or check it at Telnyx.",
    "40329": "The toll-free number is not verified. Verify it at Telnyx.",
    "40330": "The toll-free number is not set up for messages. Set it up at Telnyx.",
    SPENT: "The profile's daily spend limit is reached. Raise it, or wait until midnight UTC.",
}


def refusal(answer: Answer, code: str, said: str) -> SendError:
    """Return what a refusal means for the message and the trunk: first by code, then by status."""
    sentence = ADVICE.get(code) or f"Telnyx refused: {said}"
    if code in ACCOUNT or answer.status in {401, 403}:
        return CredentialsRefused(sentence, code=code)
    if code in LATER or (answer.status == 429 and code != SPENT):
        wait = answer.retry_after or _reset(answer)
        limit = Limit.SENDER if code in OF_SENDER else Limit.ACCOUNT
        return Throttled(sentence, code=code, retry_after=wait, limit=limit)
    if code in FAULT or answer.status >= 500:
        return Unconfirmed(f"Telnyx has a fault of its own: {said}", code=code)
    if answer.status == 422 and not (code in NAMED_422 or code.startswith("4")):
        return Unconfirmed(f"Telnyx may have taken this before: {said}", code=code)
    return Rejected(sentence, code=code)


def _reset(answer: Answer) -> float | None:
    # Seconds by the documentation, an epoch on one of its pages.
    value = answer.headers.get("x-ratelimit-reset", "")
    if not re.fullmatch(r"[0-9]{1,12}", value):
        return None
    return max(0.0, int(value) - time.time()) if len(value) > 8 else float(value)

"""Vonage's codes, in both of its APIs: whom they blame, and plain words with the next step."""

import re
from collections.abc import Mapping

from providers.answer import Answer
from providers.errors import (
    CredentialsRefused,
    Rejected,
    SendError,
    Throttled,
    Unconfirmed,
)
from providers.payload import Payload

WAIT = re.compile(r"please wait \[\s*([0-9]{1,7})\s*\]", re.IGNORECASE)

_NO_CREDIT = "The Vonage account is out of credit. Top it up."
_BARRED = "The Vonage account is barred. Ask Vonage."
_SENDER = "Vonage does not take this sender for this recipient. Choose another sender."
_OPTED_OUT = "The recipient takes no texts from this sender. Only they can undo that."
_SPAM = "The message was filtered as spam. Change its wording or links."
_NO_WAY = "The recipient's number cannot be reached by text. Check it."
_ABSENT = "The handset cannot be reached now. Try again later."
_GONE = "The recipient's number is out of service. Check it."
_PORTED = "The number changed its carrier and is not found yet. Try again another day."
_AGE = "The recipient's contract forbids this kind of content."
_CARRIER = "The carrier blocks this message. US numbers need a 10DLC campaign at Vonage."
_RULES = "The rules of the recipient's country forbid this. Register sender and text at Vonage."

SEND_ADVICE = {
    "1": "Vonage asks to send more slowly.",
    "4": "Vonage does not take this API key and secret. Enter them again.",
    "5": "Vonage had a fault; whether the text went out is not known.",
    "7": "Vonage does not text this number. Check it.",
    "8": _BARRED,
    "9": _NO_CREDIT,
    "10": "Vonage has too many connections of this account.",
    "11": "The account may not use the SMS API. Ask Vonage to enable it.",
    "12": "The text is too long. Shorten it.",
    "14": "Vonage wants signed requests of this account. Ask its support to take API secrets.",
    "15": _SENDER,
    "22": "Vonage knows no carrier for this number. Check it.",
    "23": "Vonage cannot use the address for receipts. Check the public URL of this server.",
    "29": "A trial account texts numbers on its test list only. Add this one, or top up.",
    "33": _GONE,
    "101": "This sender is not allowed for the campaign. Check its 10DLC registration at Vonage.",
}
RECEIPT_ADVICE = {
    **dict.fromkeys(("2", "7", "8"), _ABSENT),
    "3": _GONE,
    "4": "The recipient's contract takes no such texts.",
    "5": _PORTED,
    "6": _SPAM,
    "9": _OPTED_OUT,
    **dict.fromkeys(("10", "11", "12"), _NO_WAY),
    "13": _AGE,
    "14": _CARRIER,
    "15": "The recipient's prepaid credit is used up.",
    "16": "Vonage's gateway was full. Try again later.",
    **dict.fromkeys(("50", "51", "52", "53", "54"), _RULES),
    **dict.fromkeys(("1", "99"), "The carrier gives no reason; ask the recipient first."),
}
MESSAGES_ADVICE = {
    **dict.fromkeys(("1000", "1241"), "Vonage asks to send more slowly."),
    **dict.fromkeys(
        ("1030", "1100", "1331"), "Vonage or the carrier had a fault; ask the recipient first."
    ),
    **dict.fromkeys(("1050", "1240"), _OPTED_OUT),
    **dict.fromkeys(("1060", "1080", "1140"), f"{_BARRED} It may lack the right to do this."),
    "1070": _NO_CREDIT,
    "1090": SEND_ADVICE["12"],
    "1120": _SENDER,
    "1160": SEND_ADVICE["29"],
    **dict.fromkeys(("1170", "1250", "1260"), _NO_WAY),
    **dict.fromkeys(("1180", "1220", "1230"), _ABSENT),
    "1190": _GONE,
    "1200": _PORTED,
    "1210": _SPAM,
    "1270": _AGE,
    "1280": _CARRIER,
    "1290": RECEIPT_ADVICE["15"],
    "1320": "Vonage has sent this message before.",
    "1330": RECEIPT_ADVICE["99"],
    "1360": "The message waited too long and was given up.",
    "1380": "Vonage could not fetch the file. Check that this server's address is public.",
    "1381": "The file is too large. Keep all files of a message under 600 kB together.",
    "1382": "This type of file is not taken. Send JPEG, PNG or GIF.",
}
# What a code asks for; any other one refuses the message for good. After a fault nobody says that
# nothing was sent, and a receipt finds the message by our reference: so it stays unconfirmed.
SEND_KINDS: Mapping[str, type[SendError]] = {
    **dict.fromkeys(("1", "10"), Throttled),
    **dict.fromkeys(("4", "8", "9", "11", "14"), CredentialsRefused),
    "5": Unconfirmed,
}
MESSAGES_KINDS: Mapping[str, type[SendError]] = {
    **dict.fromkeys(("1000", "1241"), Throttled),
    **dict.fromkeys(("1060", "1070", "1080", "1140"), CredentialsRefused),
    **dict.fromkeys(("1030", "1100", "1330", "1331"), Unconfirmed),
}
STATUS_KINDS: Mapping[int, type[SendError]] = {
    **dict.fromkeys((401, 402, 403), CredentialsRefused),
    429: Throttled,
}


def explain_sms(answer: Answer) -> None:
    """Raise what the parts say: the SMS API answers HTTP 200 to refusals too."""
    if answer.status >= 400:
        explain(answer)
        return
    parts = answer.children("messages")
    refused = [part for part in parts if part.text("status") != "0"]
    if not parts:
        raise answer.wrong("messages", "no part is listed")
    if not refused:
        return
    code, said = refused[0].text("status"), refused[0].text("error-text", "")
    sentence = _sentence(SEND_ADVICE.get(code, "Vonage refused the message."), said)
    went = len(parts) - len(refused)
    if went:
        raise Rejected(
            f"Only {went} of {len(parts)} parts went out, and those are on their way: {sentence}",
            code=code,
        )
    wait = WAIT.search(said)
    seconds = int(wait[1]) / 1000 if wait else answer.retry_after
    raise _error(SEND_KINDS.get(code, Rejected), sentence, code, seconds)


def explain(answer: Answer) -> None:
    """Raise what a refusal of any other call asks for; a fault (5xx) leaves it to the caller."""
    if not 400 <= answer.status < 500:
        return
    code = answer.text("error-code", "") or number_of(answer)
    said = answer.text("error-code-label", "") or answer.text("detail", "")
    said = said or answer.text("title", "")
    if not (code or said):
        return
    wrong = [
        f"{row.text('name', '')}: {row.text('reason', '')}"
        for row in answer.children("invalid_parameters", optional=True)
    ]
    kind = STATUS_KINDS.get(answer.status, Rejected)
    if code in MESSAGES_ADVICE:
        kind = MESSAGES_KINDS.get(code, Rejected)
    advice = MESSAGES_ADVICE.get(code) or _of_status(answer.status)
    raise _error(kind, _sentence(advice, " ".join([said, *wrong])), code, answer.retry_after)


def _error(kind: type[SendError], sentence: str, code: str, wait: float | None) -> SendError:
    if kind is Throttled:
        return Throttled(sentence, code=code, retry_after=wait)
    return kind(sentence, code=code)


def _sentence(advice: str, said: str) -> str:
    return f"{advice} Vonage says: {said.strip()}" if said.strip() else advice


def _of_status(status: int) -> str:
    match status:
        case 401:
            return "Vonage does not take these credentials. Enter them again."
        case 402:
            return _NO_CREDIT
        case 403:
            return "Vonage does not let this account do that."
        case 429:
            return "Vonage asks to send more slowly."
        case _:
            return "Vonage refused."


def number_of(problem: Payload) -> str:
    """Return the number of a problem, which is its title or ends the address of its type."""
    title = problem.text("title", "")
    return title if title.isdecimal() else problem.text("type", "").partition("#")[2][:20]

"""What Bandwidth's words mean: refusals, texts, receipts and their codes; and its XML."""

import re
from collections.abc import Callable

from providers.answer import Answer
from providers.contract import InboundMessage, Status, StatusUpdate
from providers.errors import CredentialsRefused, Rejected, Throttled, Unavailable
from providers.payload import Payload

RECEIPTS = {
    "message-sending": Status.QUEUED,
    "message-sent": Status.SENT,
    "message-delivered": Status.DELIVERED,
    "message-read": Status.DELIVERED,
    "message-failed": Status.FAILED,
}
RCS = {"suggestion-response", "requested-location-response"}
# Parts of an MMS that nobody wrote: its layout.
LAYOUT = re.compile(r"\.(smil|xml)($|[?#])", re.IGNORECASE)
# No word from the carrier for two hours: the message may well have arrived.
NO_RECEIPT = "9902"

# A 429 names no time: the queue of the account, 15 minutes long, is full.
FULL_QUEUE_SECONDS = 30.0
REPAIRS = {
    401: (
        "Bandwidth refused the login. Check Client ID and Client Secret of the trunk; "
        "user names work until 2 December 2026 only."
    ),
    403: (
        "Bandwidth does not let this login do that. Give its credential the Messaging role "
        "(to list numbers, also Numbers), and check the Account ID."
    ),
    404: "Bandwidth does not know this Account ID or Application ID. Correct the trunk.",
}

# Every sentence by the codes that it explains.
_SENTENCES = {
    "4001": "The account may not send this. Ask Bandwidth to enable it.",
    "4303 4404 4406 4408 4701 4720 4721": (
        "The recipient's number does not exist or takes no texts. Check it."
    ),
    "4302 4403 4405 4407 4740": (
        "The sender is not enabled at Bandwidth. Check its account, location and application."
    ),
    "4409": "The recipient cannot receive files. Send a text instead.",
    "4410": "Bandwidth could not fetch the file. Check that this system's address is public.",
    "4411 4711": "The file is too large. Keep all files of a message under 500 kB together.",
    "4412 4712": "This type of file is not taken. Send JPEG, PNG or GIF.",
    "4451 4452": "Account ID or Application ID is wrong. Correct it in the trunk.",
    "4470 4770": "The message was filtered as spam. Change its wording or links.",
    "4476 4773 4774": "The number is on no active 10DLC campaign. Add it to one at Bandwidth.",
    "4481 4482 4772": "Sender or recipient is on a block list. Ask Bandwidth.",
    "4492": "Emergency numbers cannot be texted. Call them.",
    "4493": "This sender is not authorised. Ask Bandwidth to authorise it.",
    "4702": "The handset is off or its inbox is full. Try again later.",
    "4771": "Carriers refuse shortened links. Write the whole link.",
    "4775": "The recipient has opted out with STOP. Only their START allows texts again.",
    "4780 4781 4785": "The carrier's limit for this sender is reached. Try again tomorrow.",
    "4795": "The toll-free number is not verified. Verify it at Bandwidth.",
    "5229": "The number is still being added to its campaign. Try again later.",
    NO_RECEIPT: "The carrier never confirmed the delivery; the message may well have arrived.",
    "9999": "The carrier gives no reason; ask the recipient before you send it again.",
}
ADVICE = {code: sentence for codes, sentence in _SENTENCES.items() for code in codes.split()}


def explain(answer: Answer) -> None:
    """Raise what a refusal asks for; a fault in Bandwidth's own words means that nothing was sent.

    A fault in other words may come from a machine in between, so it is left to the caller.
    """
    if answer.status < 400:
        return
    kind = answer.text("type", "")
    fields = answer.children("fieldErrors", optional=True)
    wrong = [f"{row.text('fieldName', '')}: {row.text('description', '')}" for row in fields]
    said = " ".join([answer.text("description", kind), *wrong])
    if answer.status in REPAIRS:
        raise CredentialsRefused(REPAIRS[answer.status], code=kind)
    if answer.status == 429:
        wait = answer.retry_after or FULL_QUEUE_SECONDS
        raise Throttled(f"Bandwidth wants fewer messages: {said}", code=kind, retry_after=wait)
    if kind and answer.status >= 500:
        raise Unavailable(f"Bandwidth has a fault and sent nothing: {said}", code=kind)
    if kind:
        raise Rejected(f"Bandwidth refused: {said}", code=kind)


def inbound(item: Payload, *, application_id: str, read: Callable[[str], str]) -> InboundMessage:
    """Return the text or MMS of a ``message-received`` event.

    A group is posted once for each of our numbers in it, with an id of its own; the owner is the
    number that an event is for.
    """
    message = item.child("message")
    if message.text("direction", "in").lower() != "in":
        raise message.wrong("direction", "expected 'in'")
    if message.text("applicationId", "").lower() not in {"", application_id.lower()}:
        raise message.wrong("applicationId", "belongs to another application than this trunk")
    media = [url for url in message.strings("media") if not LAYOUT.search(url)]
    owner = read(message.text("owner", "") or item.text("to"))
    others = [read(number) for number in message.strings("to")]
    return InboundMessage(
        provider_id=message.ident("id"),
        sender=read(message.text("from")),
        recipients=tuple(dict.fromkeys([*others, owner])),
        owner=owner,
        text=message.text("text", ""),
        media_urls=tuple(media),
        sent_at=message.moment("time"),
    )


def receipt(item: Payload, status: Status, *, read: Callable[[str], str]) -> StatusUpdate:
    """Return what a receipt says; found by the id, or by the reference that we gave as a tag.

    Of a group text everybody gets one; the outer recipient is the one that it is about.
    """
    message, code = item.child("message"), item.text("errorCode", "")
    return StatusUpdate(
        status=Status.SENT if code == NO_RECEIPT else status,
        provider_id=message.ident("id"),
        reference=message.text("tag", ""),
        recipient=read(item.text("to")) if item.text("to", "") else "",
        error_code=code,
        detail=_detail(item, code) if status is Status.FAILED else "",
        at=item.moment("time"),
    )


def _detail(item: Payload, code: str) -> str:
    said = item.text("description", "")
    if code in ADVICE or not code.startswith("5"):
        return ADVICE.get(code, said)
    return f"Bandwidth or the carrier had a fault ({said}). Try again later."


def callbacks(url: str, user_id: str, password: str) -> bytes:
    """Return the order, in XML, to post an application's texts and receipts to one URL."""
    # As CDATA a password stands there as it is, and is so hidden in what is kept of the call.
    login = f"<UserId><![CDATA[{user_id}]]></UserId><Password><![CDATA[{password}]]></Password>"
    ways = ("Inbound", "Outbound")
    parts = [f"<{way}CallbackUrl><![CDATA[{url}]]></{way}CallbackUrl>" for way in ways]
    if password:
        parts += [f"<{way}CallbackCreds>{login}</{way}CallbackCreds>" for way in ways]
    kinds = ("message-delivered", "message-failed")
    wanted = "".join(f"<CallbackType>{kind}</CallbackType>" for kind in kinds)
    parts.append(f"<RequestedCallbackTypes>{wanted}</RequestedCallbackTypes>")
    return f"<Application>{''.join(parts)}</Application>".encode()

"""Vonage's two formats: how a message is written, and how its texts and receipts are read."""

from collections.abc import Callable, Iterator
from typing import Any

from providers import alphabet
from providers.contract import (
    Event,
    InboundMessage,
    OutboundMessage,
    Piece,
    Status,
    StatusUpdate,
    WebhookRequest,
)
from providers.payload import Payload
from providers.vonage_codes import MESSAGES_ADVICE, RECEIPT_ADVICE, number_of

Read = Callable[[str], str]
Render = Callable[[str], str]
MAX_CALLBACK = 100  # characters that the SMS API takes
MAX_PIECES = 255  # networks count the pieces of a text in one byte

# Of receipts of the SMS API, then of the Messages API. "unknown" may be all that ever comes.
STATUSES = {
    **dict.fromkeys(("accepted", "buffered", "unknown"), Status.SENT),
    "delivered": Status.DELIVERED,
    "expired": Status.UNDELIVERED,
    **dict.fromkeys(("failed", "rejected"), Status.FAILED),
    "submitted": Status.SENT,
    "read": Status.DELIVERED,
    "undeliverable": Status.FAILED,
}
FAILURES = {Status.FAILED, Status.UNDELIVERED}
CHANNELS = {"sms", "mms"}
ATTACHMENTS = ("image", "audio", "video", "vcard", "file")


def form(message: OutboundMessage, render: Render) -> dict[str, str]:
    """Return a text as the SMS API has it, which does not see by itself what GSM-7 lacks."""
    written = {
        "from": render(message.sender),
        "to": render(message.recipient),
        "text": message.text,
        "type": "unicode" if alphabet.culprit(message.text) else "text",
        "client-ref": message.reference,
    }
    callback = _callback(message)
    if 0 < len(callback) <= MAX_CALLBACK:
        written["callback"] = callback
    return written


def body(message: OutboundMessage, render: Render) -> dict[str, Any]:
    """Return a message as the Messages API has it."""
    written = {
        **_content(message),
        "from": render(message.sender),
        "to": render(message.recipient),
        "client_ref": message.reference,
    }
    if callback := _callback(message):
        written |= {"webhook_url": callback, "webhook_version": "v1"}
    return written


def fields(request: WebhookRequest) -> Payload:
    """Return what a webhook request carries: of GET the query, else a JSON object or a form."""
    if request.method == "GET":
        return Payload.form(request.query)
    if request.body.lstrip().startswith(b"{"):
        return Payload.json(request.body)
    return Payload.form(request.body)


def events(body: Payload, read: Read) -> Iterator[Event]:
    """Yield the one message or receipt, by its shape and not by the trunk's setting."""
    if "messageId" in body:
        yield _old_receipt(body) if said(body, "status") else _old_inbound(body, read)
    elif body.text("channel", "sms") in CHANNELS:
        yield _receipt(body) if "status" in body else _inbound(body, read)


def said(body: Payload, name: str) -> str:
    """Return a text, empty where it is not set: GET and forms may say ``null`` for that."""
    text = body.text(name, "")
    return "" if text == "null" else text


def _callback(message: OutboundMessage) -> str:
    """Return the bare URL: a query would be signed with the fields, and receipts name the id."""
    return message.status_url.partition("?")[0]


def _content(message: OutboundMessage) -> dict[str, Any]:
    """Return what a message is: one file has a field of its own, several make a list."""
    if not message.media_urls:
        return {"channel": "sms", "message_type": "text", "text": message.text}
    files: list[dict[str, str]] = [{"url": url} for url in message.media_urls]
    if message.text:
        files[0]["caption"] = message.text
    if len(files) == 1:
        return {"channel": "mms", "message_type": "image", "image": files[0]}
    pictures = [{"type": "image", **file} for file in files]
    return {"channel": "mms", "message_type": "content", "content": pictures}


def _old_inbound(body: Payload, read: Read) -> InboundMessage:
    if said(body, "type") == "binary" and not body.text("text", ""):
        raise body.wrong("type", "a binary message is no text")
    return InboundMessage(
        provider_id=body.ident("messageId"),
        sender=read(body.text("msisdn")),
        recipients=(read(body.text("to")),),
        text=body.text("text"),
        piece=_piece(body),
        sent_at=body.moment("message-timestamp"),
    )


def _piece(body: Payload) -> Piece | None:
    if said(body, "concat").lower() != "true":
        return None
    index, total = body.whole("concat-part"), body.whole("concat-total", 0)
    if not 1 <= index <= (total or MAX_PIECES) <= MAX_PIECES:
        raise body.wrong("concat-part", f"{index} of {total} is no place in a text")
    # References are soon used again; another total tells two texts of one sender apart.
    return Piece(key=f"{body.ident('concat-ref')}/{total}", index=index, total=total)


def _old_receipt(body: Payload) -> StatusUpdate:
    word, status = body.text("status"), body.choice("status", STATUSES)
    code = "" if (told := said(body, "err-code")) == "0" else told
    advice = RECEIPT_ADVICE.get(code, "") if status in FAILURES else ""
    return StatusUpdate(
        status=status,
        provider_id=body.ident("messageId"),
        reference=said(body, "client-ref"),
        error_code=code,
        detail=advice if status else word,
        at=body.moment("message-timestamp"),
    )


def _inbound(body: Payload, read: Read) -> InboundMessage:
    found = [body.child(kind) for kind in ATTACHMENTS if kind in body]
    found += body.children("content", optional=True)
    # Whether "content" repeats the first attachment is not documented.
    urls = tuple(dict.fromkeys(item.text("url") for item in found))
    captions = dict.fromkeys(item.text("caption", "") for item in found)
    text = body.text("text", "") or "\n".join(caption for caption in captions if caption)
    if not urls and "text" not in body:
        raise body.wrong("message_type", f"neither a text nor a file: {_kind(body)!r}")
    return InboundMessage(
        provider_id=body.ident("message_uuid"),
        sender=read(body.text("from")),
        recipients=(read(body.text("to")),),
        text=text,
        media_urls=urls,
        sent_at=body.moment("timestamp"),
    )


def _kind(body: Payload) -> str:
    return body.text("message_type", "")[:40]


def _receipt(body: Payload) -> StatusUpdate:
    word, status = body.text("status"), body.choice("status", STATUSES)
    code, advice = "", ""
    if "error" in body:
        error = body.child("error")
        code = number_of(error)
        advice = MESSAGES_ADVICE.get(code) or error.text("detail", "")
    return StatusUpdate(
        status=status,
        provider_id=body.ident("message_uuid"),
        reference=body.text("client_ref", ""),
        error_code=code,
        detail=advice if status else word,
        at=body.moment("timestamp"),
    )

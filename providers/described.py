"""The fields in which an administrator describes a provider instead of programming it."""

from dataclasses import dataclass

from providers.credentials import credential

URL = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?][^\s#]*)?"


def _path(label: str, example: str = "") -> str:
    """Declare a path that may be left empty."""
    found: str = credential(label, required=False, help=example)
    return found


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How a request is built, and what its answer says."""

    send_url: str = credential(
        "Send URL", pattern=URL, help="May hold fields of the account, as {token}; nothing else."
    )
    method: str = credential(
        "Method", default="POST", choices=[(word, word) for word in ("POST", "GET", "PUT")]
    )
    authentication: str = credential(
        "Authentication",
        default="none",
        choices=[
            ("none", "none, or in the URL or a header"),
            ("basic", "Basic: user name and password"),
            ("bearer", "Bearer: token"),
            ("query", "in the query template"),
            ("body", "in the body template"),
        ],
    )
    headers: str = credential(
        "Headers",
        required=False,
        multiline=True,
        help="One Name: value to a line. Write a key as {token}, so that it stays hidden.",
    )
    query: str = credential(
        "Query template",
        required=False,
        multiline=True,
        help="Added to the Send URL, for example user={user}&key={token}.",
    )
    body_format: str = credential(
        "Body format",
        default="json",
        choices=[("json", "JSON"), ("form", "form"), ("xml", "XML")],
        help="With GET the form is the query.",
    )
    body_template: str = credential(
        "Body template",
        multiline=True,
        help="With {from} {to} {text} {media} {reference} {sender_id} {status_url}, and of the "
        "account {user} {password} {token}. Values are escaped by themselves.",
    )
    number_format: str = credential(
        "Number format",
        default="e164",
        choices=[
            ("e164", "+12025550123"),
            ("digits", "12025550123"),
            ("national", "2025550123 in North America"),
        ],
    )
    success: str = credential(
        "Success test",
        required=False,
        help="path = word | other word, or just a path: what an answer says if it took the "
        "message. @status is the HTTP status.",
    )
    message_id: str = credential("Path of the message id", required=False)
    error_text: str = credential("Path of the error's text", required=False)
    error_code: str = credential("Path of the error's code", required=False)


@dataclass(frozen=True, kw_only=True)
class Receiving:
    """Where a webhook has its fields, and how it proves itself."""

    events: str = _path("Path of the list of events", "Empty: the body is one event, or a list.")
    inbound_id: str = _path("Message: path of the id")
    inbound_from: str = _path("Message: path of the sender")
    inbound_to: str = _path("Message: path of the recipients")
    inbound_text: str = _path("Message: path of the text")
    inbound_media: str = _path("Message: path of the files' addresses")
    receipt_id: str = _path("Receipt: path of the message id")
    receipt_reference: str = _path("Receipt: path of our reference")
    receipt_status: str = _path("Receipt: path of the status")
    receipt_error: str = _path("Receipt: path of the error")
    status_words: str = credential(
        "Status words",
        required=False,
        multiline=True,
        help="One word = delivered to a line, for words that are not ours.",
    )
    authenticity: str = credential(
        "Webhooks prove themselves by",
        default="address",
        choices=[
            ("address", "the secret address alone"),
            ("basic", "HTTP Basic: name and password"),
            ("header", "a secret in a header"),
            ("hmac", "an HMAC over the body, in a header"),
        ],
    )
    webhook_user: str = credential("Webhook user name", required=False, generated=True)
    webhook_password: str = credential(
        "Webhook password", secret=True, required=False, generated=True
    )
    webhook_secret: str = credential(
        "Webhook secret", secret=True, required=False, help="In the header, or the key of the HMAC."
    )
    signature_header: str = credential(
        "Header of the secret or HMAC", required=False, pattern=r"[A-Za-z0-9-]+"
    )
    signature_digest: str = credential(
        "HMAC digest", default="sha256", choices=[("sha256", "SHA-256"), ("sha1", "SHA-1")]
    )
    signature_encoding: str = credential(
        "HMAC encoding", default="hex", choices=[("hex", "hexadecimal"), ("base64", "Base64")]
    )
    webhook_reply: str = credential(
        "Answer to webhooks", required=False, help="The text that the provider wants; mostly none."
    )

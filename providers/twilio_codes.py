"""Twilio's error codes: whom they blame, and plain words with the next step."""

from providers.answer import Answer
from providers.errors import CredentialsRefused, Limit, Rejected, SendError, Throttled

# Nothing can succeed until somebody repairs the account.
ACCOUNT = {"20003", "20005", "20008", "20404", "30002"}
LATER = {"20429", "21611", "30001", "30022", "30023", "30027", "63017", "63018"}
# Of those, what limits the number or its campaign, and no other sender of the account.
OF_SENDER = {"21611", "30022", "30023", "30027"}

ADVICE = {
    "20003": "Twilio does not take Account SID and token (or API key). Enter them again.",
    **dict.fromkeys(
        ("20005", "30002"), "The Twilio account is suspended or not active. Settle it with Twilio."
    ),
    "20008": "Test credentials cannot do this. Enter the live Account SID and Auth Token.",
    "20404": "Twilio does not know this account or what was asked for. Check the Account SID.",
    "20429": "Twilio asks to send more slowly. Try again later.",
    **dict.fromkeys(
        ("21211", "21604", "21614"), "The recipient is no number that can be texted. Check it."
    ),
    **dict.fromkeys(
        ("21212", "21603", "21606"),
        "This sender cannot text there. Check that it belongs to the Twilio account.",
    ),
    "21408": "This country is not enabled. Enable it in Twilio under Messaging, Geo permissions.",
    **dict.fromkeys(
        ("21601", "21621", "21622"),
        "The number cannot send this kind of message (SMS or MMS). Choose another sender.",
    ),
    **dict.fromkeys(("21602", "21619"), "Twilio takes no empty message. Write a text."),
    "21608": "A trial account may text verified numbers only. Verify it, or upgrade the account.",
    "21609": "Twilio cannot use the address for receipts. Check the public URL of this server.",
    "21610": "The recipient has opted out with STOP. Only their START allows texts again.",
    "21611": "Too much waits at Twilio for this sender. Try again later.",
    "21612": "Twilio has no way from this sender to this recipient. Choose another sender.",
    "21617": "The text is longer than 1600 characters. Shorten it.",
    "21620": "Twilio cannot use the address of a file. Check the public URL of this server.",
    "21623": "More than ten files. Send fewer.",
    "21663": "The number is in another Twilio region. Enter the API base of that region.",
    "21670": "This Twilio region takes no files. Send the text alone.",
    **dict.fromkeys(
        ("21701", "21702", "21703", "21704", "21705"),
        "The Messaging Service is missing, empty or not usable. Check it in Twilio.",
    ),
    "21709": "The Messaging Service does not allow this word as sender. Add it there.",
    "30001": "Twilio's queue is full. Try again later.",
    "30003": "The handset cannot be reached: off, without coverage or gone. Try again later.",
    "30004": "The recipient or their carrier blocks messages from this sender.",
    "30005": "The recipient's number does not exist or is out of service. Check it.",
    "30006": "The recipient has a landline, or a carrier that takes no texts.",
    "30007": "The carrier filtered the message as spam. Change its wording or links.",
    "30008": "Delivery failed and the carrier did not say why. Try again later.",
    "30011": "The recipient's carrier takes no MMS. Send the text alone.",
    "30017": "The recipient's carrier is congested. Try again later.",
    **dict.fromkeys(
        ("30018", "30024"),
        "The sender is not registered for this country or carrier. Register it in Twilio.",
    ),
    "30019": "The message is too large for the recipient's carrier. Send fewer or smaller files.",
    **dict.fromkeys(
        ("30022", "30023", "30027"),
        "The US 10DLC limit of the campaign or of the day is used up. Try again later.",
    ),
    "30032": "The toll-free number is not verified. Verify it in Twilio.",
    "30034": "The number is not registered for US A2P 10DLC. Add it to a campaign in Twilio.",
    "30410": "The carrier did not answer Twilio in time. Try again later.",
    "30450": "Twilio took this for SMS pumping. Check the recipient, then Twilio's protection.",
    **dict.fromkeys(("63017", "63018"), "More was sent than Twilio takes per second. Try later."),
}


def refusal(answer: Answer, code: str) -> SendError:
    """Return what a refusal with this code means for the message and the trunk."""
    said = answer.text("message", "") or answer.text("detail", "")
    sentence = ADVICE.get(code) or f"Twilio refused: {said}"
    if answer.status == 429 or code in LATER:
        limit = Limit.SENDER if code in OF_SENDER else Limit.ACCOUNT
        return Throttled(sentence, code=code, retry_after=answer.retry_after, limit=limit)
    if code in ACCOUNT or answer.status == 401:
        return CredentialsRefused(sentence, code=code)
    return Rejected(sentence, code=code)

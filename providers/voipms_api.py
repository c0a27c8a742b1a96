"""How VoIP.ms is called: one address, a method by name, rows, and words for what went wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from providers.answer import Answer
from providers.errors import CredentialsRefused, Limit, Rejected, Throttled, Unavailable
from providers.http import Http
from providers.payload import Payload

# Messages are listed by days of New York. Their clock is not ours: around midnight we ask for both.
ZONE, SLACK, MOST_ROWS = ZoneInfo("America/New_York"), timedelta(minutes=15), "1000"

ACCOUNT_WORDS = {"invalid_credentials", "missing_credentials", "api_not_enabled", "ip_not_enabled"}
TROUBLE_WORDS = {
    "sms_failed", "method_maintenance", "provider_outofservice", "tls_error", "unavailable_info",
}  # fmt: skip
# Said of one DID.
CHANGED = "sms_wait_message"
WAITS = {"limit_reached": 6 * 3600.0, CHANGED: 60.0}
EMPTY_WORDS = {"no_sms", "no_did"}
NO_TEXT = "VoIP.ms found no text that it can send. Write one."
ADVICE = {
    "invalid_credentials": "VoIP.ms refused user or API password; it is not the portal's password.",
    "missing_credentials": "VoIP.ms misses user or API password. Enter both at the trunk.",
    "api_not_enabled": "The API is off. Enable it at VoIP.ms under SOAP and REST/JSON API.",
    "ip_not_enabled": "This server's address is not among the allowed IPs. Add it at VoIP.ms.",
    "limit_reached": "The day's messages by API are used up. VoIP.ms raises the limit on request.",
    "sms_wait_message": "The DID was changed a moment ago. VoIP.ms wants a minute in between.",
    "sms_failed": "VoIP.ms did not send the message and gives no reason.",
    "invalid_did": "The sender is no DID of this VoIP.ms account, or its SMS is off. Check both.",
    "missing_did": "VoIP.ms got no sender. Choose one of the DIDs of this trunk.",
    "invalid_dst": "VoIP.ms cannot text this number; it reaches the US and Canada only. Check it.",
    "sms_toolong": "The text is longer than VoIP.ms takes. Shorten it.",
    "exceeds_file_size": "The attachment is too large for VoIP.ms. Send a smaller one.",
    **dict.fromkeys(("message_empty", "missing_sms", "invalid_sms"), NO_TEXT),
}


@dataclass(frozen=True)
class Api:
    """The API with the credentials of one account."""

    http: Http
    username: str
    password: str = field(repr=False)

    def call(self, method: str, order: Mapping[str, str] | None = None) -> Answer:
        """Call a method; a refusal is raised as the error that its word means."""
        proofs = {"api_username": self.username, "api_password": self.password}
        # Any other encoding of a POST ends at the SOAP door, and GET would log the password.
        form = {**proofs, "method": method, "content_type": "json", **(order or {})}
        return self.http.post("/api/v1/rest.php", multipart=form, explain=_explain)

    def dids(self) -> list[Payload]:
        """Return the account's DIDs."""
        return self._rows("getDIDsInfo", "dids", {})

    def did(self, number: str) -> Payload:
        """Return one DID, given in E.164."""
        # Here it has ten digits, in whatever format its messages are.
        digits = number.removeprefix("+1")
        for row in self._rows("getDIDsInfo", "dids", {"did": digits}):
            if row.text("did") == digits:
                return row
        raise Rejected(f"{number} is not a number of this VoIP.ms account.")

    def sent(self, kind: str, times: Sequence[datetime]) -> list[Payload]:
        """Return the messages of one kind, ``sms`` or ``mms``, sent on the days of these times."""
        first, last = (
            moment.astimezone(ZONE).date().isoformat()
            for moment in (min(times) - SLACK, max(times) + SLACK)
        )
        order = {"from": first, "to": last, "type": "0", "all_messages": "0", "limit": MOST_ROWS}
        # The rows of either kind are called "sms".
        return self._rows(f"get{kind.upper()}", "sms", order)

    def _rows(self, method: str, name: str, order: Mapping[str, str]) -> list[Payload]:
        try:
            return self.call(method, order).children(name)
        except Rejected as error:
            if error.code in EMPTY_WORDS:
                return []
            raise


def is_on(row: Payload, name: str) -> bool:
    """Say whether a flag of a DID is set; flags come as numbers and as texts."""
    return row.text(name, "") == "1"


def _explain(answer: Answer) -> None:
    """Find refusals in the body: their HTTP status is 200."""
    word = answer.text("status")
    if word == "success" or answer.status >= 300:
        return
    sentence = ADVICE.get(word) or f"VoIP.ms refused: {answer.text('message', '') or word}"
    if word in ACCOUNT_WORDS:
        raise CredentialsRefused(sentence, code=word)
    if word in WAITS:
        limit = Limit.SENDER if word == CHANGED else Limit.ACCOUNT
        raise Throttled(sentence, code=word, retry_after=WAITS[word], limit=limit)
    if word in TROUBLE_WORDS:
        raise Unavailable(sentence, code=word)
    raise Rejected(sentence, code=word)

"""What the writer of a text can do about its trouble: the next step, for people without an admin.

The reason of a trouble is written for everybody, and by a provider often for administrators. Here
it is turned into what the user of an extension can do about it.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sms.models import Message, State

_LATER = gettext_lazy("Send it again later.")
_NUMBER = gettext_lazy("Check the number, then send it again.")
_ADMINISTRATOR = gettext_lazy(
    "Ask an administrator to look at the trunk and its numbers, then send it again."
)
_START = gettext_lazy("Only they can allow texts again, by sending START to your number.")
_SENDER = gettext_lazy("Choose another number under From, or ask an administrator for one.")

# Our own refusals have stable codes.
_BY_CODE: dict[str, Promise] = {
    "opted_out": _START,
    "number_invalid": _NUMBER,
    "caller_id_unknown": _SENDER,
    "not_allowed": gettext_lazy("Ask an administrator to allow your extension to send texts."),
    "trunk_disabled": gettext_lazy("Ask an administrator to switch the trunk on."),
    "deadline": gettext_lazy(
        "It waited too long. Send it again if it is still wanted; if that waits too, ask an "
        "administrator to look at the trunk."
    ),
}

# What providers refuse is told by our adapters' own sentences; the first that fits counts.
_BY_WORDS: tuple[tuple[re.Pattern[str], Promise], ...] = tuple(
    (re.compile(words, re.IGNORECASE), step)
    for words, step in (
        (r"opted out", _START),
        (r"try (again )?(later|tomorrow|another)|more slowly", _LATER),
        (
            r"regist|campaign|10dlc|account|enable|verif|authori[sz]|\bapi\b|public|profile"
            r"|funds|balance|trunk|adapter",
            _ADMINISTRATOR,
        ),
        (
            r"spam|filter|wording|content",
            gettext_lazy("Change the wording, leave out links, then send it again."),
        ),
        (r"too long|longer than|shorten", gettext_lazy("Shorten the text, then send it again.")),
        (
            r"\bfiles?\b|\bmms\b",
            gettext_lazy("Send it without the file, or with fewer or smaller ones."),
        ),
        (r"recipient's number|no number|landline|mobile phone|no such number|check it", _NUMBER),
        (r"\bsender\b", _SENDER),
    )
)


def of(message: Message) -> str:
    """Return the next step for whoever wrote the message, empty where nothing is wrong."""
    match message.state:
        case State.FAILED | State.UNDELIVERED:
            return str(_BY_CODE.get(message.error_code) or _by_words(message.error))
        case State.UNCONFIRMED:
            return _("It may have arrived. Ask before you send it again: they may get it twice.")
        case State.HELD:
            return _("It goes out by itself as soon as messaging is switched on again.")
        case State.CANCELLED:
            return _("Send it again if it is still wanted.")
        case State.QUEUED if message.error:
            return _(
                "It is tried again by itself. If that takes long, ask an administrator to look at "
                "the trunk."
            )
        case _:
            return ""


def _by_words(error: str) -> str:
    for words, step in _BY_WORDS:
        if words.search(error):
            return str(step)
    return _("Check the number and send it again. If that fails too, ask an administrator.")

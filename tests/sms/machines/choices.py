"""What each thing that can happen to a text on its way out leaves open, and how often it is so."""

from enum import Enum, auto
from typing import Any

from django.conf import settings
from hypothesis import strategies as st

from providers.contract import Status
from sms import outbound
from tests.sms.machines.ledger import ANSWERS, KILLED

PLAIN, DROPPING = "plain", "dropping"
REMOTES = ("+16175550188", "+16175550189")
TRUNKS = st.sampled_from([PLAIN, DROPPING])
MOST = 6
# Longer than any backoff, than what a provider here asks for, and than a claim holds.
LONG = 1000
# What should happen often comes twice: a run is short, and what is only in doubt is the hard part.
FATES = st.sampled_from([*ANSWERS, *KILLED, "answer lost", "killed before the answer"])
DAY = outbound.DEADLINE.total_seconds()
SHORT = [6, settings.CLAIM_TIMEOUT + 1]
PAUSES = [*SHORT * 4, LONG, LONG, DAY]
OBSTACLES = ["suspend", "forbid", "pause", "stop"]


class When(Enum):
    """How far a worker comes before something else happens."""

    AT_ONCE = auto()
    LATER = auto()
    OPEN = auto()


Choices = dict[str, st.SearchStrategy[Any]]

SUBMIT: Choices = {
    "name": TRUNKS,
    "to": st.sampled_from(REMOTES),
    "key": st.sampled_from(["", "a", "b"]),
}
WORK: Choices = {
    "name": TRUNKS,
    "limit": st.integers(1, 3),
    "answer": FATES,
    "when": st.sampled_from(When),
}
RECEIPT: Choices = {
    "status": st.sampled_from([*Status, Status.ACCEPTED, Status.SENT]),
    "by": st.sampled_from(["id", "reference", "both"]),
}
WAIT: Choices = {
    "what": st.sampled_from(["nothing"] * 6 + ["restore"] * 4 + OBSTACLES),
    "name": TRUNKS,
    "seconds": st.sampled_from(PAUSES),
    "sweeps": st.booleans(),
}

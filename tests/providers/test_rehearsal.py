"""Rehearsals: the request is the real one, and it stays here."""

import dataclasses

import pytest
import responses
import time_machine

from providers import rehearsal
from providers.errors import Rejected
from tests.providers.cases import Case, load, of
from tests.providers.test_contract import prepare, secrets_stay_hidden


@pytest.mark.parametrize("case", load("send_request"), ids=str)
def test_what_is_rehearsed_is_what_would_be_sent(case: Case, edge: responses.RequestsMock) -> None:
    with time_machine.travel(case.data.get("at", 1793369717), tick=False):
        shown = rehearsal.rehearse(case.key, case.credentials, case.message())
        assert not edge.calls
        prepare(edge, case)
        sent = case.adapter().send(case.message()).request
    secrets_stay_hidden(case, shown)
    if case.before:
        assert shown.startswith(f"{case.before[0]['method']} ")
    else:
        # Of the same length and not the same: a boundary or a signature may be random.
        assert (shown.splitlines()[0], len(shown)) == (sent.splitlines()[0], len(sent))


def test_a_rehearsal_follows_the_override_of_the_api_base() -> None:
    case = of("questblue")[0]
    base = "http://127.0.0.1:9900/x"
    shown = rehearsal.rehearse(case.key, case.credentials, case.plain(), api_base=base)
    assert shown.startswith(f"POST {base}/smsv2\n")


def test_a_message_that_becomes_no_request_says_why() -> None:
    case = of("airenetworks")[0]
    message = dataclasses.replace(case.plain(), sender="+12025550123")
    with pytest.raises(Rejected, match="approved Sender ID"):
        rehearsal.rehearse(case.key, case.credentials, message)


def test_a_wrong_credential_is_named() -> None:
    case = of("questblue")[0]
    with pytest.raises(ValueError, match="security_key"):
        rehearsal.rehearse(case.key, {**case.credentials, "security_key": ""}, case.plain())

"""STOP means stop: at this number, until START, whoever writes."""

import pytest

from portal.models import CallerID, Tenant
from sms import consent
from sms.consent import Keyword
from sms.models import Message, OptOut
from sms.permission import OptedOut
from tests import factories, fakes
from tests.sms.flows import receive, submit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", Keyword.STOP),
        (" stop! ", Keyword.STOP),
        ("Opt-out.", Keyword.STOP),
        ("opt out", Keyword.STOP),
        ("StopAll", Keyword.STOP),
        ("UNSUBSCRIBE", Keyword.STOP),
        ("start", Keyword.START),
        ("UNSTOP", Keyword.START),
        ("Help?", Keyword.HELP),
        ("INFO", Keyword.HELP),
        ("please stop", None),
        ("stop by at five", None),
        ("the end", None),
        ("停止", None),
        ("", None),
        ("STOP" + "." * 30, None),
    ],
)
def test_a_keyword_is_a_text_of_its_own(text: str, meaning: Keyword | None) -> None:
    assert consent.keyword(text) is meaning


def test_stop_is_recorded_once_and_with_its_words(line: CallerID) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "Stop!"))
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    opt_out = OptOut.objects.get()
    assert (opt_out.remote, opt_out.our_number) == (fakes.REMOTE, line.did.number)
    assert (opt_out.words, opt_out.tenant) == ("Stop!", line.tenant)
    assert opt_out.message is not None
    assert opt_out.message.text == "Stop!"


def test_after_stop_nobody_can_text_that_person_from_that_number(line: CallerID) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    with pytest.raises(OptedOut, match="STOP"):
        submit(line.extension)


def test_an_opt_out_holds_for_the_number_it_was_sent_to(line: CallerID) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    other = factories.line(tenant=line.tenant)
    assert submit(other.extension).state == "queued"
    assert submit(line.extension, to="+16175550199").state == "queued"


def test_a_tenant_wide_opt_out_holds_for_every_number(line: CallerID) -> None:
    OptOut.objects.create(tenant=line.tenant, remote=fakes.REMOTE, words="by letter")
    with pytest.raises(OptedOut, match="by letter"):
        submit(line.extension)


def test_another_tenants_opt_outs_mean_nothing_to_us(line: CallerID) -> None:
    theirs = factories.line()
    OptOut.objects.create(tenant=theirs.tenant, remote=fakes.REMOTE)
    assert submit(line.extension).state == "queued"


def test_start_lifts_the_opt_out_and_keeps_its_record(line: CallerID) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    receive(line.did.trunk, fakes.text(line.did.number, "START"))
    assert OptOut.objects.get().lifted_at is not None
    assert submit(line.extension).state == "queued"
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    assert OptOut.objects.count() == 2
    with pytest.raises(OptedOut):
        submit(line.extension)


@pytest.mark.parametrize("meaning", Keyword)
def test_a_confirmation_names_the_tenant_and_fits_one_segment(meaning: Keyword) -> None:
    words = consent.reply_to(meaning, Tenant(name="Alder & Co"))
    assert "Alder & Co" in words
    assert len(words) <= 160


def test_help_changes_nothing(line: CallerID) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "HELP"))
    assert not OptOut.objects.exists()
    assert Message.objects.filter(direction="outbound").count() == 1


def test_start_does_not_lift_what_an_administrator_entered(line: CallerID) -> None:
    OptOut.objects.create(tenant=line.tenant, remote=fakes.REMOTE)
    receive(line.did.trunk, fakes.text(line.did.number, "START"))
    assert OptOut.objects.get().lifted_at is None

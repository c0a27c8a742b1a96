"""Answers that nobody typed: when they go out, and when they must not."""

import datetime

import pytest
import time_machine
from django.utils import timezone

from portal.models import DID, CallerID, Tenant
from sms.models import Conversation, Message, OptOut
from tests import factories, fakes
from tests.fakes import FakeProvider
from tests.sms.flows import drain, receive

pytestmark = pytest.mark.django_db


def replies() -> list[str]:
    """Return the texts that were queued, oldest first."""
    rows = Message.objects.filter(direction="outbound").order_by("id")
    return list(rows.values_list("text", flat=True))


def test_a_text_in_office_hours_gets_the_tenants_reply(line: CallerID) -> None:
    Tenant.objects.update(auto_reply="Thank you, we read this soon.")
    receive(line.did.trunk, fakes.text(line.did.number))
    reply = Message.objects.get(direction="outbound")
    assert reply.text == "Thank you, we read this soon."
    assert (reply.sender, reply.recipient) == (line.did.number, fakes.REMOTE)
    assert (reply.extension, reply.segments, reply.encoding) == (None, 1, "GSM-7")


def test_each_time_has_its_own_reply(line: CallerID) -> None:
    Tenant.objects.update(
        auto_reply="day", after_hours_reply="night", holiday_reply="feast", timezone="UTC"
    )
    hours = factories.OfficeHoursFactory(tenant=line.tenant)
    factories.HolidayFactory(schedule=hours.schedule)
    for moment in ("2026-03-02T12:00Z", "2026-03-02T20:00Z", "2026-12-25T12:00Z"):
        with time_machine.travel(moment):
            receive(line.did.trunk, fakes.text(line.did.number))
    assert replies() == ["day", "night", "feast"]


def test_one_conversation_gets_one_reply_within_some_hours(line: CallerID) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    with time_machine.travel(timezone.now()) as clock:
        for _each in range(3):
            receive(line.did.trunk, fakes.text(line.did.number))
        assert len(replies()) == 1
        clock.shift(datetime.timedelta(hours=4, minutes=1))
        receive(line.did.trunk, fakes.text(line.did.number))
    assert len(replies()) == 2


@pytest.mark.parametrize("sender", ["75075", "ALDERCO"])
def test_machines_get_no_reply(line: CallerID, sender: str) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    receive(line.did.trunk, fakes.text(line.did.number, sender=sender))
    receive(line.did.trunk, fakes.text(line.did.number, "HELP", sender=sender))
    assert replies() == []


def test_a_group_thread_gets_no_reply(line: CallerID) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    receive(line.did.trunk, fakes.text([line.did.number, "+16175550111"]))
    assert replies() == []


def test_a_person_who_opted_out_gets_no_reply(line: CallerID) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    OptOut.objects.create(tenant=line.tenant, our_number=line.did.number, remote=fakes.REMOTE)
    receive(line.did.trunk, fakes.text(line.did.number))
    assert replies() == []


def test_the_confirmation_of_stop_goes_out_in_spite_of_the_opt_out(
    line: CallerID, carrier: FakeProvider
) -> None:
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    drain(line.did.trunk)
    assert len(carrier.texts) == 1
    assert "no more texts" in carrier.texts[0]


def test_a_reply_does_not_go_out_after_a_later_stop(line: CallerID, carrier: FakeProvider) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    receive(line.did.trunk, fakes.text(line.did.number))
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    drain(line.did.trunk)
    assert "Thank you." not in carrier.texts
    assert len(carrier.texts) == 1
    assert Message.objects.get(text="Thank you.").error_code == "opted_out"


def test_a_reply_of_a_suspended_tenant_waits(line: CallerID, carrier: FakeProvider) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    receive(line.did.trunk, fakes.text(line.did.number))
    Tenant.objects.update(messaging_enabled=False)
    drain(line.did.trunk)
    assert carrier.texts == []
    assert Message.objects.get(direction="outbound").state == "held"


def test_a_reply_from_a_number_that_went_away_fails(line: CallerID, carrier: FakeProvider) -> None:
    Tenant.objects.update(auto_reply="Thank you.")
    receive(line.did.trunk, fakes.text(line.did.number))
    DID.objects.filter(pk=line.did.pk).delete()
    drain(line.did.trunk)
    assert carrier.texts == []
    assert Message.objects.get(direction="outbound").error_code == "caller_id_unknown"


def test_a_text_whose_author_was_deleted_is_no_automatic_reply(
    line: CallerID, carrier: FakeProvider
) -> None:
    group = factories.GroupFactory(tenant=line.tenant)
    thread = factories.ConversationFactory(group=group, did=line.did)
    message = factories.MessageFactory(
        conversation=thread, extension=line.extension, client_key="k1"
    )
    line.extension.destinations.all().delete()
    line.extension.delete()
    drain(line.did.trunk)
    message.refresh_from_db()
    assert carrier.texts == []
    assert (message.state, message.error_code) == ("failed", "not_allowed")
    assert Conversation.objects.filter(pk=thread.pk).exists()

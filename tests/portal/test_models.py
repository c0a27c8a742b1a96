"""What the database itself refuses, whoever writes to it."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from portal.models import DID, CallerID, Destination, Tenant, User
from sms.models import Conversation
from tests import factories
from tests.crowd import at_once

pytestmark = pytest.mark.django_db

Make = Callable[[Tenant, Tenant], models.Model]


def refuse_at_commit(make: Callable[[], models.Model]) -> str:
    """Return the name of the constraint that refuses the row when its transaction ends."""
    make()
    with pytest.raises(IntegrityError) as caught:
        connection.check_constraints()
    return str(caught.value)


CROSSINGS: dict[str, Make] = {
    "caller_id_extension_fence": lambda ours, theirs: factories.CallerIDFactory(
        tenant=ours, extension=factories.ExtensionFactory(tenant=theirs)
    ),
    "caller_id_did_fence": lambda ours, theirs: factories.CallerIDFactory(
        tenant=ours, did=factories.DIDFactory(tenant=theirs)
    ),
    "member_group_fence": lambda ours, theirs: factories.GroupMemberFactory(
        tenant=ours, group=factories.GroupFactory(tenant=theirs)
    ),
    "member_extension_fence": lambda ours, theirs: factories.GroupMemberFactory(
        tenant=ours, extension=factories.ExtensionFactory(tenant=theirs)
    ),
    "hours_schedule_fence": lambda ours, theirs: factories.OfficeHoursFactory(
        tenant=ours, schedule=factories.ScheduleFactory(tenant=theirs)
    ),
    "holiday_schedule_fence": lambda ours, theirs: factories.HolidayFactory(
        tenant=ours, schedule=factories.ScheduleFactory(tenant=theirs)
    ),
    "rule_schedule_fence": lambda ours, theirs: factories.InboundRuleFactory(
        tenant=ours, schedule=factories.ScheduleFactory(tenant=theirs)
    ),
    "destination_rule_fence": lambda ours, theirs: factories.DestinationFactory(
        tenant=ours, rule=factories.InboundRuleFactory(tenant=theirs)
    ),
    "destination_extension_fence": lambda ours, theirs: factories.DestinationFactory(
        tenant=ours, extension=factories.ExtensionFactory(tenant=theirs)
    ),
    "destination_group_fence": lambda ours, theirs: factories.DestinationFactory(
        tenant=ours, kind="group", group=factories.GroupFactory(tenant=theirs)
    ),
    "contact_extension_fence": lambda ours, theirs: factories.ContactFactory(
        tenant=ours, extension=factories.ExtensionFactory(tenant=theirs)
    ),
    "number_contact_fence": lambda ours, theirs: factories.ContactNumberFactory(
        tenant=ours, contact=factories.ContactFactory(tenant=theirs)
    ),
    "token_extension_fence": lambda ours, theirs: factories.ApiTokenFactory(
        tenant=ours, extension=factories.ExtensionFactory(tenant=theirs)
    ),
    "conversation_extension_fence": lambda ours, theirs: factories.ConversationFactory(
        tenant=ours, extension=factories.ExtensionFactory(tenant=theirs)
    ),
    "conversation_peer_fence": lambda ours, theirs: factories.ConversationFactory(
        tenant=ours, peer=factories.ExtensionFactory(tenant=theirs)
    ),
    "conversation_group_fence": lambda ours, theirs: factories.ConversationFactory(
        tenant=ours, group=factories.GroupFactory(tenant=theirs)
    ),
    "message_conversation_fence": lambda ours, theirs: factories.MessageFactory(
        tenant=ours, conversation=factories.ConversationFactory(tenant=theirs)
    ),
    "media_message_fence": lambda ours, theirs: factories.MediaFileFactory(
        tenant=ours, message=factories.MessageFactory(tenant=theirs)
    ),
}


@pytest.mark.parametrize("fence", CROSSINGS)
def test_a_row_cannot_point_at_another_tenants_row(fence: str) -> None:
    ours, theirs = factories.TenantFactory.create_batch(2)
    assert fence in refuse_at_commit(lambda: CROSSINGS[fence](ours, theirs))


OWN_TRUNK: dict[str, Make] = {
    "portal_did": lambda ours, theirs: factories.DIDFactory(
        tenant=ours, trunk=factories.TrunkFactory(tenant=theirs)
    ),
    "portal_inboundrule": lambda ours, theirs: factories.InboundRuleFactory(
        tenant=ours, trunk=factories.TrunkFactory(tenant=theirs)
    ),
    "portal_senderid": lambda ours, theirs: factories.SenderIDFactory(
        tenant=ours, trunk=factories.TrunkFactory(tenant=theirs)
    ),
}


@pytest.mark.parametrize("table", OWN_TRUNK)
def test_another_tenants_trunk_cannot_be_used(table: str) -> None:
    ours, theirs = factories.TenantFactory.create_batch(2)
    with pytest.raises(IntegrityError, match="another tenant"):
        OWN_TRUNK[table](ours, theirs)


def test_a_shared_trunk_serves_several_tenants() -> None:
    shared = factories.TrunkFactory(tenant=None)
    for tenant in factories.TenantFactory.create_batch(2):
        assert factories.DIDFactory(tenant=tenant, trunk=shared).tenant == tenant


def real_trunk(tenant: Tenant) -> Any:
    """Return a trunk at a provider of the outside world."""
    return factories.QuestBlueTrunkFactory(tenant=tenant)


def test_a_did_belongs_to_one_tenant() -> None:
    ours, theirs = factories.TenantFactory.create_batch(2)
    factories.DIDFactory(tenant=ours, trunk=real_trunk(ours), number="+12025550100")
    with pytest.raises(IntegrityError, match="belongs to another tenant"):
        factories.DIDFactory(tenant=theirs, trunk=real_trunk(theirs), number="+12025550100")


def test_a_did_cannot_be_moved_onto_another_tenants_number() -> None:
    ours, theirs = factories.TenantFactory.create_batch(2)
    factories.DIDFactory(tenant=ours, trunk=real_trunk(ours), number="+12025550100")
    did = factories.DIDFactory(tenant=theirs, trunk=real_trunk(theirs), number="+12025550101")
    with pytest.raises(IntegrityError, match="belongs to another tenant"):
        DID.objects.filter(pk=did.pk).update(number="+12025550100")


def test_one_tenant_may_have_a_number_on_two_trunks_but_not_twice_on_one() -> None:
    tenant = factories.TenantFactory()
    first, second = real_trunk(tenant), real_trunk(tenant)
    factories.DIDFactory(trunk=first, number="+12025550100")
    factories.DIDFactory(trunk=second, number="+12025550100")
    with pytest.raises(IntegrityError, match="did_once_per_trunk"):
        factories.DIDFactory(trunk=second, number="+12025550100")


def test_sandbox_numbers_are_pretended_and_collide_only_with_each_other() -> None:
    ours, theirs = factories.TenantFactory.create_batch(2)
    factories.DIDFactory(tenant=ours, number="+12025550100")
    assert factories.DIDFactory(tenant=theirs, trunk=real_trunk(theirs), number="+12025550100")
    with pytest.raises(IntegrityError, match="belongs to another tenant"):
        factories.DIDFactory(tenant=theirs, number="+12025550100")


@pytest.mark.django_db(transaction=True)
def test_of_two_tenants_that_add_a_number_at_the_same_instant_one_gets_it() -> None:
    trunks = [real_trunk(tenant) for tenant in factories.TenantFactory.create_batch(2)]

    def add(trunk: Any) -> DID:
        return DID.objects.create(tenant=trunk.tenant, trunk=trunk, number="+12025550100")

    results = at_once(*(lambda trunk=trunk: add(trunk) for trunk in trunks))
    assert {type(result) for result in results} == {DID, IntegrityError}
    assert DID.objects.count() == 1


@pytest.mark.parametrize("number", ["12025550100", "+0202555010", "+12 02", "12", "ALDERCO", ""])
def test_a_did_is_stored_in_normal_form_only(number: str) -> None:
    with pytest.raises(IntegrityError, match="did_normal_form"):
        factories.DIDFactory(number=number)


def test_a_rule_names_its_range_in_normal_form_only() -> None:
    with pytest.raises(IntegrityError, match="rule_normal_form"):
        factories.InboundRuleFactory(did_last="2025550100")


@pytest.mark.parametrize("number", ["1", "12345678901", "10a", "١٢٣"])
def test_an_extension_has_2_to_10_digits(number: str) -> None:
    with pytest.raises(DatabaseError, match=r"extension_digits|too long"):
        factories.ExtensionFactory(number=number)


def test_an_extension_number_is_one_tenants_own_affair() -> None:
    extension = factories.ExtensionFactory(number="1001")
    assert factories.ExtensionFactory(number="1001").tenant != extension.tenant
    with pytest.raises(IntegrityError, match="extension_number_once"):
        factories.ExtensionFactory(tenant=extension.tenant, number="1001")


def test_an_extension_has_one_default_caller_id() -> None:
    first = factories.CallerIDFactory()
    factories.CallerIDFactory(extension=first.extension, is_default=False)
    with pytest.raises(IntegrityError, match="caller_id_one_default"):
        factories.CallerIDFactory(extension=first.extension)


def test_an_extension_has_a_caller_id_once() -> None:
    first = factories.CallerIDFactory()
    with pytest.raises(IntegrityError, match="caller_id_once"):
        CallerID.objects.create(
            tenant=first.tenant, extension=first.extension, did=first.did, is_default=False
        )


def test_removing_a_did_takes_its_caller_ids_along() -> None:
    caller_id = factories.CallerIDFactory()
    caller_id.did.delete()
    assert not CallerID.objects.exists()


def test_a_trunk_with_dids_cannot_be_removed() -> None:
    did = factories.DIDFactory()
    with pytest.raises(models.ProtectedError):
        did.trunk.delete()


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "extension", "extension": None},
        {"kind": "group"},
        {"kind": "range", "range_first": ""},
        {"kind": "unrouted", "range_first": "1001"},
        {"kind": "extension", "range_first": "1001"},
    ],
)
def test_a_destination_names_just_what_its_kind_asks_for(more: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="destination_fits_kind"):
        factories.DestinationFactory(**more)


def test_a_destination_of_each_kind_is_taken() -> None:
    rule = factories.InboundRuleFactory()
    group = factories.GroupFactory(tenant=rule.tenant)
    factories.DestinationFactory(rule=rule)
    factories.DestinationFactory(rule=rule, when="outside", kind="group", group=group)
    factories.DestinationFactory(rule=rule, when="holiday", kind="range", range_first="0100")
    assert Destination.objects.filter(rule=rule).count() == 3
    with pytest.raises(IntegrityError, match="destination_once"):
        factories.DestinationFactory(rule=rule, kind="unrouted")


def test_a_trunk_name_is_taken_once_per_tenant_and_once_among_the_shared() -> None:
    trunk = factories.TrunkFactory(name="Main")
    factories.TrunkFactory(name="Main")
    factories.TrunkFactory(name="Main", tenant=None)
    with pytest.raises(IntegrityError, match="trunk_name_once"), transaction.atomic():
        factories.TrunkFactory(name="Main", tenant=trunk.tenant)
    with pytest.raises(IntegrityError, match="shared_trunk_name_once"):
        factories.TrunkFactory(name="Main", tenant=None)


@pytest.mark.parametrize("rate", [0, -1])
def test_a_trunk_sends_at_some_speed(rate: float) -> None:
    with pytest.raises(IntegrityError, match="trunk_rate_positive"):
        factories.TrunkFactory(messages_per_second=rate)


def test_a_sender_id_is_refused_where_the_provider_knows_none() -> None:
    with pytest.raises(ValidationError, match="numbers only"):
        factories.QuestBlueTrunkFactory.build(tenant=None, sender_id="ALDERCO").clean()
    factories.TrunkFactory.build(tenant=None, sender_id="ALDERCO").clean()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com",
        "example.com",
        "http://10.0.0.1",
        "http://localhost:9000",
        "https://me@example.com",
    ],
)
def test_an_api_base_names_a_public_host(url: str) -> None:
    trunk = factories.TrunkFactory.build(tenant=None, api_base=url)
    with pytest.raises(ValidationError) as caught:
        trunk.full_clean(exclude=["tenant"], validate_unique=False, validate_constraints=False)
    assert list(caught.value.message_dict) == ["api_base"]


def test_a_holiday_does_not_end_before_it_begins() -> None:
    day = datetime.date(2026, 7, 4)
    with pytest.raises(IntegrityError, match="holiday_not_backwards"):
        factories.HolidayFactory(first_day=day, last_day=day - datetime.timedelta(days=1))


@pytest.mark.parametrize("weekday", [0, 8])
def test_a_week_has_seven_days(weekday: int) -> None:
    with pytest.raises(IntegrityError, match="hours_weekday"):
        factories.OfficeHoursFactory(weekday=weekday)


def test_a_tenant_has_one_schedule_of_its_own_hours() -> None:
    schedule = factories.ScheduleFactory()
    factories.ScheduleFactory(tenant=schedule.tenant, is_default=False)
    with pytest.raises(IntegrityError, match="schedule_one_default"):
        factories.ScheduleFactory(tenant=schedule.tenant)


def test_only_a_system_administrator_has_no_tenant() -> None:
    assert factories.SystemAdminFactory().tenant is None
    with pytest.raises(IntegrityError, match="user_has_tenant"):
        User.objects.create(username="nobody")


def test_a_conversation_has_one_owner() -> None:
    conversation = factories.ConversationFactory()
    group = factories.GroupFactory(tenant=conversation.tenant)
    with pytest.raises(IntegrityError, match="conversation_one_owner"):
        Conversation.objects.filter(pk=conversation.pk).update(group=group)


def test_an_inbound_message_of_one_id_is_stored_once_per_number() -> None:
    conversation = factories.ConversationFactory()
    factories.MessageFactory(conversation=conversation, inbound=True, provider_id="m1")
    factories.MessageFactory(
        conversation=conversation, inbound=True, provider_id="m1", recipient="+12025550177"
    )
    with pytest.raises(IntegrityError, match="inbound_once"):
        factories.MessageFactory(conversation=conversation, inbound=True, provider_id="m1")


def test_a_client_key_is_one_message_of_an_extension() -> None:
    message = factories.MessageFactory(client_key="k1")
    factories.MessageFactory(client_key="k1")
    with pytest.raises(IntegrityError, match="client_key_once"):
        factories.MessageFactory(conversation=message.conversation, client_key="k1")

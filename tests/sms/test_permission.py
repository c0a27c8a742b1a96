"""What an extension may send from, and in which order it is offered."""

import pytest

from portal.models import CallerID, Extension, Trunk
from sms import permission
from sms.permission import CallerIdUnknown
from tests import factories

pytestmark = pytest.mark.django_db


def values(extension: Extension) -> list[str]:
    """Return what the extension is offered."""
    return [sender.value for sender in permission.senders(extension)]


def test_without_permission_nothing_is_offered(line: CallerID) -> None:
    line.extension.sms = Extension.Sms.DISABLE
    assert values(line.extension) == []


def test_the_default_caller_id_is_offered_first(line: CallerID) -> None:
    early = factories.CallerIDFactory(extension=line.extension, is_default=False)
    assert values(line.extension) == [line.did.number, early.did.number]


def test_words_are_offered_of_own_trunks_and_of_those_with_a_caller_id(line: CallerID) -> None:
    Extension.objects.update(sms=Extension.Sms.ALLOW_WITH_SENDER_ID)
    line.extension.refresh_from_db()
    Trunk.objects.update(sender_id="ALDERCO")
    factories.TrunkFactory(tenant=line.tenant, sender_id="SECOND")
    factories.TrunkFactory(tenant=None, sender_id="SHARED")
    factories.TrunkFactory(sender_id="FOREIGN")
    assert values(line.extension) == ["ALDERCO", "SECOND", line.did.number]


def test_words_are_not_offered_where_the_provider_knows_none() -> None:
    trunk = factories.QuestBlueTrunkFactory(sender_id="ALDERCO")
    line = factories.CallerIDFactory(did=factories.DIDFactory(trunk=trunk))
    line.extension.sms = Extension.Sms.ALLOW_WITH_SENDER_ID
    assert values(line.extension) == [line.did.number]


def test_a_foreign_group_lends_no_number(line: CallerID) -> None:
    group = factories.GroupFactory()
    conversation = factories.ConversationFactory(group=group)
    line.delete()
    with pytest.raises(CallerIdUnknown):
        permission.choose_sender(line.extension, "", conversation)


def test_the_tenants_own_word_stands_in_where_the_trunk_has_none(line: CallerID) -> None:
    Extension.objects.update(sms=Extension.Sms.ALLOW_WITH_SENDER_ID)
    line.extension.refresh_from_db()
    line.extension.tenant.default_sender_id = "ALDERCO"
    assert values(line.extension) == ["ALDERCO", line.did.number]


def test_a_number_without_text_service_is_not_offered(line: CallerID) -> None:
    line.did.sms = False
    line.did.save()
    assert values(line.extension) == []


def test_a_text_keeps_its_trunk_where_two_trunks_carry_the_number(line: CallerID) -> None:
    second = factories.DIDFactory(
        tenant=line.tenant,
        number=line.did.number,
        trunk=factories.TrunkFactory(tenant=line.tenant),
    )
    factories.CallerIDFactory(extension=line.extension, did=second, is_default=False)
    conversation = factories.ConversationFactory(did=second, extension=line.extension)
    for did in (line.did, second):
        permission.check_again(
            extension=line.extension,
            sender=did.number,
            trunk_id=did.trunk_id,
            conversation=conversation,
        )

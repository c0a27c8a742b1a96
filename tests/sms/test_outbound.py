"""What is taken to be sent, what is refused and why, and that one intention is one message."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from redis import Redis

from portal.models import DID, CallerID, Extension, Tenant, Trunk
from sms import drafts, media, outbound
from sms.drafts import Draft
from sms.models import Conversation, MediaFile, Message, OptOut
from sms.permission import Refused
from tests import bells, factories, fakes
from tests.crowd import at_once

pytestmark = pytest.mark.django_db


def draft(line: CallerID, **more: Any) -> Draft:
    """Return a draft that passes every check, changed by ``more``."""
    return Draft(**{"extension": line.extension, "to": fakes.REMOTE, "text": "Hello", **more})


def refusal(draft: Draft) -> str:
    """Return the code with which both doors refuse a draft; nothing is kept."""
    with pytest.raises(Refused) as submitted:
        outbound.submit(draft)
    with pytest.raises(Refused) as checked:
        drafts.preflight(draft)
    assert submitted.value.code == checked.value.code
    assert not Message.objects.exists()
    assert not Conversation.objects.exists()
    return submitted.value.code


def upload(extension: Extension, size: int = 4, content_type: str = "image/png") -> MediaFile:
    return media.store_upload(
        tenant=extension.tenant, extension=extension, name="a.png",
        content_type=content_type, body=b"x" * size,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_accepted_text_is_one_row_and_one_ring(line: CallerID, redis_client: Redis) -> None:
    message = outbound.submit(draft(line, text="Ça va ? 日本"))
    message = Message.objects.get()
    assert (message.sender, message.recipient) == (line.did.number, fakes.REMOTE)
    assert (message.state, message.direction, message.lane) == ("queued", "outbound", 1)
    assert (message.encoding, message.segments) == ("UCS-2", 1)
    assert (message.extension, message.trunk) == (line.extension, line.did.trunk)
    assert [entry["state"] for entry in message.history] == ["queued"]
    assert message.deadline == message.created_at + outbound.DEADLINE
    assert message.conversation.last_text == "Ça va ? 日本"
    assert bells.rung(redis_client) == [("drain_trunk", [line.did.trunk.pk])]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sms": "DISABLE"}, "not_allowed"),
        ({"enabled": False}, "not_allowed"),
    ],
)
def test_an_extension_without_permission_is_refused(
    line: CallerID, change: dict[str, Any], code: str
) -> None:
    Extension.objects.update(**change)
    line.extension.refresh_from_db()
    assert refusal(draft(line)) == code


@pytest.mark.parametrize("change", [{"active": False}, {"messaging_enabled": False}])
def test_a_suspended_tenant_is_refused(line: CallerID, change: dict[str, Any]) -> None:
    Tenant.objects.update(**change)
    assert refusal(draft(line, extension=Extension.objects.get())) == "tenant_suspended"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"to": "hello"}, "number_invalid"),
        ({"to": ""}, "number_invalid"),
        ({"to": "12"}, "number_invalid"),
        ({"text": ""}, "text_missing"),
        ({"text": " \n"}, "text_missing"),
        ({"text": "x" * 1601}, "text_too_long"),
        ({"sender": "+12025559999"}, "caller_id_unknown"),
        ({"sender": "ALDERCO"}, "caller_id_unknown"),
        ({"sender": "?"}, "caller_id_unknown"),
    ],
)
def test_a_draft_that_cannot_go_is_refused_with_a_stable_code(
    line: CallerID, change: dict[str, str], code: str
) -> None:
    assert refusal(draft(line, **change)) == code


def test_an_extension_without_a_caller_id_is_refused(line: CallerID) -> None:
    line.delete()
    assert refusal(draft(line)) == "caller_id_unknown"


def test_a_trunk_that_is_switched_off_is_refused(line: CallerID) -> None:
    Trunk.objects.update(enabled=False)
    assert refusal(draft(line)) == "trunk_disabled"


def test_a_person_who_opted_out_is_not_texted(line: CallerID) -> None:
    OptOut.objects.create(tenant=line.tenant, our_number=line.did.number, remote=fakes.REMOTE)
    assert refusal(draft(line)) == "opted_out"


def test_another_extensions_caller_id_cannot_be_used(line: CallerID) -> None:
    theirs = factories.line(tenant=line.tenant)
    assert refusal(draft(line, sender=theirs.did.number)) == "caller_id_unknown"


def test_another_tenants_caller_id_cannot_be_used(line: CallerID) -> None:
    theirs = factories.line()
    assert refusal(draft(line, sender=theirs.did.number)) == "caller_id_unknown"


def test_the_longest_text_is_taken(line: CallerID) -> None:
    assert outbound.submit(draft(line, text="x" * 1600)).segments == 11


def test_a_number_is_read_in_the_tenants_country(line: CallerID) -> None:
    Tenant.objects.update(country="GB")
    line.extension.refresh_from_db()
    assert outbound.submit(draft(line, to="020 7123 4567")).recipient == "+442071234567"


def test_a_short_code_can_be_texted(line: CallerID) -> None:
    assert outbound.submit(draft(line, to="75075")).recipient == "75075"


def test_a_caller_id_may_be_named_in_any_writing(line: CallerID) -> None:
    second = factories.CallerIDFactory(
        extension=line.extension,
        is_default=False,
        did=factories.DIDFactory(tenant=line.tenant, number="+12125550199"),
    )
    for written in ("+12125550199", "12125550199", "(212) 555-0199"):
        assert outbound.submit(draft(line, sender=written)).sender == second.did.number
    assert outbound.submit(draft(line)).sender == line.did.number


def test_a_repeated_key_returns_the_first_message(line: CallerID) -> None:
    first = outbound.submit(draft(line, key="k1"))
    assert outbound.submit(draft(line, key="k1")) == first
    assert Message.objects.count() == 1


def test_a_repeated_key_returns_its_message_even_where_nothing_may_be_sent_now(
    line: CallerID,
) -> None:
    first = outbound.submit(draft(line, key="k1"))
    Tenant.objects.update(active=False)
    again = draft(line, key="k1", extension=Extension.objects.get())
    assert outbound.submit(again) == first


@pytest.mark.parametrize("change", [{"text": "Bye"}, {"to": "+16175550199"}, {"sender": "x"}])
def test_a_key_that_was_used_for_another_text_is_refused(
    line: CallerID, change: dict[str, str]
) -> None:
    outbound.submit(draft(line, key="k1"))
    with pytest.raises(drafts.KeyReused) as caught:
        outbound.submit(draft(line, key="k1", **change))
    assert (caught.value.code, caught.value.status) == ("key_reused", 409)
    assert Message.objects.count() == 1


def test_keys_of_two_extensions_do_not_meet(line: CallerID) -> None:
    other = factories.line(tenant=line.tenant)
    outbound.submit(draft(line, key="k1"))
    outbound.submit(draft(other, key="k1"))
    assert Message.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("to", [fakes.REMOTE, "7777"])
def test_one_key_from_twenty_threads_is_one_message(line: CallerID, to: str) -> None:
    factories.ExtensionFactory(tenant=line.tenant, number="7777")
    results = at_once(*[lambda: outbound.submit(draft(line, key="k1", to=to))] * 20)
    assert set(results) == {Message.objects.get()}


def sends_words(line: CallerID, sender_id: str = "ALDERCO") -> None:
    """Let the line's extension send with a Sender ID."""
    Trunk.objects.filter(pk=line.did.trunk_id).update(sender_id=sender_id)
    Extension.objects.filter(pk=line.extension_id).update(sms=Extension.Sms.ALLOW_WITH_SENDER_ID)
    line.extension.refresh_from_db()


def test_with_a_sender_id_texts_go_out_from_the_word(line: CallerID) -> None:
    sends_words(line)
    message = outbound.submit(draft(line))
    assert message.sender == "ALDERCO"
    assert outbound.submit(draft(line, sender=line.did.number)).sender == line.did.number


def test_without_a_word_on_the_trunk_texts_go_out_from_the_number(line: CallerID) -> None:
    sends_words(line, sender_id="")
    assert outbound.submit(draft(line)).sender == line.did.number


def test_the_word_needs_the_permission_to_use_it(line: CallerID) -> None:
    sends_words(line)
    Extension.objects.update(sms=Extension.Sms.ALLOW)
    line.extension.refresh_from_db()
    assert outbound.submit(draft(line)).sender == line.did.number
    with pytest.raises(Refused) as caught:
        outbound.submit(draft(line, sender="ALDERCO"))
    assert caught.value.code == "caller_id_unknown"


def test_a_registered_word_needs_approval(line: CallerID) -> None:
    sends_words(line, sender_id="")
    factories.SenderIDFactory(trunk=line.did.trunk, word="WAITING", state="registered")
    factories.SenderIDFactory(trunk=line.did.trunk, word="GOOD")
    assert outbound.submit(draft(line, sender="GOOD")).sender == "GOOD"
    with pytest.raises(Refused) as caught:
        outbound.submit(draft(line, sender="WAITING"))
    assert caught.value.code == "caller_id_unknown"


def test_an_answer_goes_out_from_the_number_of_the_conversation(line: CallerID) -> None:
    sends_words(line)
    conversation = factories.ConversationFactory(extension=line.extension, did=line.did)
    message = outbound.submit(draft(line, to="", conversation=conversation))
    assert (message.sender, message.recipient) == (line.did.number, fakes.REMOTE)
    assert message.conversation == conversation


def test_a_word_cannot_be_answered(line: CallerID) -> None:
    conversation = factories.ConversationFactory(
        extension=line.extension, did=line.did, remote="ALDERCO"
    )
    with pytest.raises(Refused) as caught:
        outbound.submit(draft(line, to="", conversation=conversation))
    assert caught.value.code == "number_invalid"
    assert "ALDERCO" in caught.value.detail


def test_a_text_to_somebody_else_does_not_land_in_the_open_conversation(line: CallerID) -> None:
    conversation = factories.ConversationFactory(extension=line.extension, did=line.did)
    message = outbound.submit(draft(line, to="+16175550199", conversation=conversation))
    assert message.recipient == "+16175550199"
    assert message.conversation.remote == "+16175550199"


def test_a_text_from_another_number_opens_another_conversation(line: CallerID) -> None:
    conversation = factories.ConversationFactory(extension=line.extension, did=line.did)
    second = factories.CallerIDFactory(extension=line.extension, is_default=False)
    message = outbound.submit(
        draft(line, to="", conversation=conversation, sender=second.did.number)
    )
    assert message.conversation != conversation
    assert message.conversation.our_number == second.did.number


def test_a_member_answers_from_the_groups_number_and_others_do_not(line: CallerID) -> None:
    did = factories.DIDFactory(tenant=line.tenant)
    group = factories.GroupFactory(tenant=line.tenant)
    conversation = factories.ConversationFactory(group=group, did=did)
    factories.GroupMemberFactory(group=group, extension=line.extension)
    answer = draft(line, to="", conversation=conversation)
    assert outbound.submit(answer).sender == did.number
    line.extension.memberships.all().delete()
    assert outbound.submit(answer).sender == line.did.number


def test_a_text_reopens_a_closed_conversation(line: CallerID) -> None:
    conversation = factories.ConversationFactory(extension=line.extension, did=line.did)
    Conversation.objects.update(closed_at=conversation.last_message_at)
    outbound.submit(draft(line))
    conversation.refresh_from_db()
    assert conversation.closed_at is None


def test_chat_between_extensions_needs_no_provider_and_no_permission(line: CallerID) -> None:
    colleague = factories.ExtensionFactory(tenant=line.tenant, number="2002", sms="DISABLE")
    message = outbound.submit(draft(line, to="2002"))
    assert (message.direction, message.state, message.trunk) == ("internal", "delivered", None)
    assert message.conversation.kind == "internal"
    back = Draft(extension=colleague, conversation=message.conversation, text="Hi")
    answer = outbound.submit(back)
    assert answer.conversation == message.conversation
    assert (answer.sender, answer.recipient) == ("2002", line.extension.number)


@pytest.mark.parametrize(
    ("change", "code"), [({"text": ""}, "text_missing"), ({"to": "own"}, "number_invalid")]
)
def test_chat_is_refused_like_any_text(line: CallerID, change: dict[str, str], code: str) -> None:
    factories.ExtensionFactory(tenant=line.tenant, number="2002")
    to = line.extension.number if change.get("to") else "2002"
    with pytest.raises(Refused) as caught:
        outbound.submit(draft(line, **{**change, "to": to}))
    assert caught.value.code == code
    assert not Message.objects.exists()


def test_an_extension_number_of_another_tenant_is_no_colleague(line: CallerID) -> None:
    factories.ExtensionFactory(number="42")
    assert refusal(draft(line, to="42")) == "number_invalid"


def test_a_file_goes_into_one_message_only(line: CallerID) -> None:
    file = upload(line.extension)
    message = outbound.submit(draft(line, text="", media=(file,)))
    assert list(message.media.all()) == [file]
    with pytest.raises(Refused) as caught:
        outbound.submit(draft(line, media=(file,)))
    assert caught.value.code == "media_refused"
    assert Message.objects.count() == 1


def test_somebody_elses_file_cannot_be_sent(line: CallerID) -> None:
    other = factories.ExtensionFactory(tenant=line.tenant)
    with pytest.raises(Refused) as caught:
        outbound.submit(draft(line, media=(upload(other),)))
    assert caught.value.code == "media_refused"
    assert not Message.objects.exists()


def test_a_did_without_mms_sends_no_files(line: CallerID) -> None:
    DID.objects.update(mms=False)
    assert refusal(draft(line, media=(upload(line.extension),))) == "media_refused"


def test_a_word_sends_no_files(line: CallerID) -> None:
    sends_words(line)
    assert refusal(draft(line, media=(upload(line.extension),))) == "media_refused"


def test_a_message_takes_as_many_files_as_its_provider(line: CallerID) -> None:
    files = tuple(upload(line.extension) for _each in range(11))
    assert refusal(draft(line, media=files)) == "media_refused"
    assert outbound.submit(draft(line, media=files[:10])).media.count() == 10


def test_files_may_not_be_larger_together_than_the_provider_takes() -> None:
    trunk = factories.TrunkFactory(
        provider="twilio", credentials={}, tenant=factories.TenantFactory()
    )
    limit = trunk.capable.capabilities.max_media_bytes
    assert limit
    did = factories.DIDFactory(trunk=trunk)
    line = factories.CallerIDFactory(did=did)
    file = upload(line.extension)
    MediaFile.objects.filter(pk=file.pk).update(size=limit + 1)
    file.refresh_from_db()
    assert refusal(draft(line, media=(file,))) == "media_refused"


def test_an_upload_lies_in_its_tenants_folder_under_a_name_of_ours(line: CallerID) -> None:
    file = MediaFile(tenant=line.tenant, state="ready")
    file.file.save("../../etc/passwd", ContentFile(b"x"))
    assert file.file.name == f"{line.tenant.pk}/{file.key.hex}"


def test_a_mistyped_extension_does_not_leave_as_a_short_code(line: CallerID) -> None:
    missing = str(int(line.extension.number) + 1)
    assert refusal(draft(line, to=missing)) == "number_invalid"
    short_code = outbound.submit(draft(line, to="38438" if len(missing) != 5 else "384387"))
    assert short_code.state == "queued"


def test_a_number_that_is_too_short_is_not_taken_for_a_foreign_one(line: CallerID) -> None:
    assert refusal(draft(line, to="20020020")) == "number_invalid"

"""`manage.py purge`: what was kept long enough goes, with its files, and nothing else."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from portal.models import Tenant
from sms.management.commands import purge as purging
from sms.models import (
    Conversation,
    HandsetFile,
    HandsetMessage,
    MediaFile,
    Message,
    ProviderEvent,
    State,
)
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def purge(*options: str) -> str:
    """Run the command and return what it printed."""
    printed = io.StringIO()
    call_command("purge", *options, stdout=printed)
    return printed.getvalue()


def tenant_that_keeps(days: int | None) -> Tenant:
    """Make a tenant with a retention."""
    tenant: Tenant = factories.TenantFactory(retention_days=days)
    return tenant


def message_of(tenant: Tenant, days: int, state: State = State.DELIVERED) -> Message:
    """Make a message of this age in a conversation of its own."""
    then = timezone.now() - timedelta(days=days)
    conversation = factories.ConversationFactory(tenant=tenant, last_message_at=then)
    message: Message = factories.MessageFactory(
        conversation=conversation, created_at=then, state=state
    )
    return message


def test_old_messages_go_with_their_conversations_and_files(tmp_path: Path) -> None:
    tenant = tenant_that_keeps(30)
    old, new = message_of(tenant, 31), message_of(tenant, 29)
    media = factories.MediaFileFactory(message=old, state=MediaFile.State.READY)
    media.file.save("x", ContentFile(b"x"))
    file = tmp_path / media.file.name
    assert file.exists()
    assert "Message: 1 deleted" in purge()
    assert list(Message.objects.all()) == [new]
    assert list(Conversation.objects.all()) == [new.conversation]
    assert not MediaFile.objects.exists()
    assert not file.exists()


def test_a_tenant_without_retention_keeps_everything() -> None:
    message_of(tenant_that_keeps(None), 4000)
    purge()
    assert Message.objects.count() == 1


def test_what_is_still_to_be_sent_stays() -> None:
    tenant = tenant_that_keeps(1)
    for state in (State.QUEUED, State.SENDING, State.HELD):
        message_of(tenant, 9, state)
    purge()
    assert Message.objects.count() == 3


def test_a_conversation_with_a_newer_message_stays() -> None:
    tenant = tenant_that_keeps(30)
    old = message_of(tenant, 31)
    new = factories.MessageFactory(conversation=old.conversation)
    purge()
    assert list(Message.objects.all()) == [new]


def test_raw_requests_go_when_done_and_the_quarantine_waits() -> None:
    state, reason = ProviderEvent.State, ProviderEvent.Reason
    long_ago = timezone.now() - timedelta(days=31)
    done = factories.ProviderEventFactory(state=state.DONE, received_at=long_ago)
    message = factories.MessageFactory(tenant=done.tenant, inbound=True, event=done)
    factories.ProviderEventFactory(
        state=state.QUARANTINED, reason=reason.REFUSED, received_at=long_ago
    )
    waits = factories.ProviderEventFactory(
        state=state.QUARANTINED, reason=reason.NO_RULE, received_at=long_ago
    )
    fresh = factories.ProviderEventFactory(state=state.DONE)
    purge()
    assert set(ProviderEvent.objects.all()) == {waits, fresh}
    message.refresh_from_db()
    assert message.event is None


def test_a_short_retention_also_ends_raw_requests() -> None:
    tenant = tenant_that_keeps(2)
    then = timezone.now() - timedelta(days=3)
    trunk = factories.TrunkFactory(tenant=tenant)
    factories.ProviderEventFactory(trunk=trunk, state=ProviderEvent.State.DONE, received_at=then)
    purge()
    assert not ProviderEvent.objects.exists()


def test_the_handset_forgets_after_a_month(tmp_path: Path) -> None:
    trunk = factories.TrunkFactory()
    for days in (29, 31):
        then = timezone.now() - timedelta(days=days)
        HandsetMessage.objects.create(trunk=trunk, created_at=then)
        file = HandsetFile(trunk=trunk, content_type="image/gif", created_at=then)
        file.file.save("x", ContentFile(b"x"), save=True)
    purge()
    assert HandsetMessage.objects.count() == HandsetFile.objects.count() == 1
    assert [path.name for path in (tmp_path / "handset").iterdir()] == [
        HandsetFile.objects.get().key.hex
    ]


def test_a_dry_run_only_counts() -> None:
    message_of(tenant_that_keeps(30), 31)
    assert "Message: 1 would be deleted" in purge("--dry-run")
    assert Message.objects.count() == 1


def test_more_rows_than_one_batch_all_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    tenant = tenant_that_keeps(1)
    for _ in range(5):
        message_of(tenant, 9)
    assert "Message: 5 deleted" in purge()
    assert not Message.objects.exists()

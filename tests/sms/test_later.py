"""Texts with a time: kept, changed, cancelled, and made into one message when it has come."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings
from redis import Redis

from portal.models import CallerID, Extension, Tenant
from sms import later, media, outbound, tasks
from sms.drafts import Draft
from sms.models import Conversation, LaterText, MediaFile, Message, OptOut
from sms.permission import Refused
from tests import bells, factories, fakes
from tests.crowd import at_once

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def keep(line: CallerID, *, after: timedelta = HOUR, **more: Any) -> LaterText:
    draft = Draft(
        **{"extension": line.extension, "to": fakes.REMOTE, "text": "Hello", "key": "k", **more}
    )
    return later.keep(draft, timezone.now() + after)


def when_due(row: LaterText, after: timedelta = HOUR) -> LaterText:
    """Return the row as it is once its time has come and somebody looked."""
    with time_machine.travel(timezone.now() + after + timedelta(seconds=1), tick=False):
        tasks.submit_later()
    row.refresh_from_db()
    return row


def upload(extension: Extension) -> MediaFile:
    return media.store_upload(
        tenant=extension.tenant,
        extension=extension,
        name="a.png",
        content_type="image/png",
        body=b"picture",
    )


def test_a_text_goes_when_its_time_has_come_and_not_before(line: CallerID) -> None:
    row = keep(line)
    tasks.submit_later()
    assert not Message.objects.exists()
    when_due(row)
    message = Message.objects.get()
    assert (row.state, row.message) == ("submitted", message)
    assert (message.text, message.recipient, message.sender) == (
        "Hello",
        fakes.REMOTE,
        line.did.number,
    )
    assert message.conversation == row.conversation
    when_due(row, HOUR * 2)
    assert Message.objects.count() == 1


def test_the_thread_of_a_stranger_is_there_at_once(line: CallerID) -> None:
    row = keep(line)
    thread = Conversation.objects.get()
    assert (row.conversation, thread.remote, thread.extension) == (
        thread,
        fakes.REMOTE,
        line.extension,
    )
    assert keep(line, key="other").conversation == thread


def test_one_intention_is_one_text(line: CallerID) -> None:
    assert keep(line) == keep(line)
    assert keep(line, key="another") != keep(line)


@pytest.mark.django_db(transaction=True)
def test_the_same_press_twice_at_the_same_instant_is_one_text(line: CallerID) -> None:
    kept = at_once(*[lambda: keep(line)] * 6)
    assert len({row.pk for row in kept if isinstance(row, LaterText)}) == 1
    assert LaterText.objects.count() == 1


@pytest.mark.parametrize("after", [timedelta(seconds=-1), timedelta(days=367)])
def test_the_past_and_the_far_future_are_refused(line: CallerID, after: timedelta) -> None:
    with pytest.raises(later.TimeInvalid):
        keep(line, after=after)
    assert not LaterText.objects.exists()


def test_what_could_not_be_sent_now_is_refused_at_once(line: CallerID) -> None:
    OptOut.objects.create(tenant=line.tenant, remote=fakes.REMOTE, words="STOP")
    with pytest.raises(Refused) as refusal:
        keep(line)
    assert refusal.value.code == "opted_out"
    assert not LaterText.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_everything_is_checked_again_when_it_is_due(line: CallerID, redis_client: Redis) -> None:
    row = keep(line)
    OptOut.objects.create(tenant=line.tenant, remote=fakes.REMOTE, words="STOP please")
    with bells.browser(redis_client, line.extension.pk) as heard:
        when_due(row)
        news = heard()
    assert row.state == "refused"
    assert "STOP please" in row.error
    assert news == {"type": "later", "later": row.pk, "conversation": row.conversation_id}
    assert not Message.objects.exists()


def test_a_refused_text_can_be_given_another_time(line: CallerID) -> None:
    row = keep(line)
    Extension.objects.update(sms="DISABLE")
    when_due(row)
    assert row.state == "refused"
    Extension.objects.update(sms="ALLOW")
    row = later.texts(line.tenant).get()
    later.change(row, at=timezone.now() + HOUR * 2)
    assert (row.state, row.error) == ("waiting", "")
    assert when_due(row, HOUR * 2).state == "submitted"


def test_a_changed_text_goes_as_it_is_now(line: CallerID) -> None:
    row = keep(line)
    later.change(row, text="Changed", at=timezone.now() + HOUR * 3)
    assert when_due(row).state == "waiting"
    assert when_due(row, HOUR * 3).state == "submitted"
    assert Message.objects.get().text == "Changed"


def test_a_change_is_checked_as_a_new_text_is(line: CallerID) -> None:
    row = keep(line)
    with pytest.raises(Refused) as refusal:
        later.change(row, text=" ")
    assert refusal.value.code == "text_missing"


def test_a_cancelled_text_never_goes(line: CallerID) -> None:
    row = keep(line)
    later.cancel(row)
    assert when_due(row).state == "cancelled"
    assert not Message.objects.exists()
    with pytest.raises(later.TooLate):
        later.cancel(row)


def test_sending_now_does_not_wait(line: CallerID) -> None:
    row = keep(line)
    later.send_now(row)
    assert row.message == Message.objects.get()
    with pytest.raises(later.TooLate):
        later.change(row, text="Too late")


def test_a_suspended_tenants_text_waits_and_goes_when_it_is_back(line: CallerID) -> None:
    row = keep(line)
    Tenant.objects.update(messaging_enabled=False)
    assert when_due(row, HOUR * 5).state == "waiting"
    Tenant.objects.update(messaging_enabled=True)
    assert when_due(row, HOUR * 6).state == "submitted"


def test_a_suspended_tenants_text_waits_for_a_day_at_most(line: CallerID) -> None:
    row = keep(line)
    Tenant.objects.update(messaging_enabled=False)
    assert when_due(row, HOUR * 26).state == "refused"
    assert "within a day" in row.error


def test_a_text_to_a_colleague_can_wait_too(line: CallerID) -> None:
    colleague = factories.ExtensionFactory(tenant=line.tenant)
    row = keep(line, to=colleague.number)
    assert (row.sender, row.conversation.kind) == ("", "internal")  # type: ignore[union-attr] # it has one
    when_due(row)
    assert Message.objects.get().direction == "internal"


def test_a_group_is_answered_from_its_number(line: CallerID) -> None:
    group = factories.GroupFactory(tenant=line.tenant)
    factories.GroupMemberFactory(group=group, extension=line.extension)
    did = factories.DIDFactory(tenant=line.tenant)
    thread = factories.ConversationFactory(did=did, group=group)
    row = keep(line, to="", conversation=thread)
    when_due(row)
    message = Message.objects.get()
    assert (message.sender, message.conversation) == (did.number, thread)


@pytest.mark.django_db(transaction=True)
def test_many_workers_make_one_message_of_each_text(line: CallerID) -> None:
    for n in range(5):
        keep(line, key=f"k{n}", text=f"Text {n}")
    LaterText.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert at_once(*[later.submit_due] * 6) == [False] * 6
    assert sorted(Message.objects.values_list("text", flat=True)) == [f"Text {n}" for n in range(5)]
    assert set(LaterText.objects.values_list("state", flat=True)) == {"submitted"}


@pytest.mark.django_db(transaction=True)
def test_a_text_is_either_cancelled_or_sent(line: CallerID) -> None:
    for n in range(12):
        row = keep(line, key=f"race {n}")
        LaterText.objects.filter(pk=row.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        both: list[Callable[[], object]] = [later.submit_due, partial(later.cancel, row)]
        _left, cancelled = at_once(*both)
        row.refresh_from_db()
        assert row.state == ("submitted" if isinstance(cancelled, later.TooLate) else "cancelled")
        assert (row.message is None) == (row.state == "cancelled")
    sent = LaterText.objects.filter(state="submitted").count()
    assert Message.objects.count() == sent


def test_a_worker_killed_after_the_message_was_made_leaves_no_second_one(line: CallerID) -> None:
    row = keep(line)
    outbound.submit(
        Draft(
            extension=line.extension,
            text=row.text,
            sender=row.sender,
            key=str(row.key),
            conversation=row.conversation,
        )
    )
    LaterText.objects.update(claimed_at=timezone.now() + HOUR)
    assert when_due(row, HOUR).state == "waiting"  # somebody may still be at it
    assert when_due(row, HOUR + later.CLAIM).state == "submitted"
    assert row.message == Message.objects.get()


def test_a_message_that_was_made_is_not_called_refused(line: CallerID) -> None:
    row = keep(line)
    outbound.submit(
        Draft(
            extension=line.extension,
            text=row.text,
            sender=row.sender,
            key=str(row.key),
            conversation=row.conversation,
        )
    )
    assert when_due(row, HOUR * 30).state == "submitted"
    assert row.message == Message.objects.get()


def test_files_wait_with_their_text_and_their_links_live_from_the_sending_on(
    line: CallerID,
) -> None:
    file = upload(line.extension)
    row = keep(line, after=HOUR * 24 * 30, media=(file,))
    assert row.media.get() == file
    with pytest.raises(Refused) as taken:
        outbound.submit(Draft(extension=line.extension, to=fakes.REMOTE, media=(file,), key="x"))
    assert taken.value.code == "media_refused"
    with time_machine.travel(timezone.now() + timedelta(days=29), tick=False):
        call_command("purge")
    with time_machine.travel(timezone.now() + HOUR * 24 * 30 + HOUR, tick=False):
        tasks.submit_later()
        sent = Message.objects.get().media.get()
        assert media.by_link(media.link(sent).rpartition("/")[2]) == sent


def test_the_purge_leaves_what_waits_and_ends_what_is_done(line: CallerID) -> None:
    Tenant.objects.update(retention_days=10)
    waiting = keep(line, after=HOUR * 24 * 60, media=(upload(line.extension),))
    done = keep(line, key="done")
    later.cancel(done)
    with time_machine.travel(timezone.now() + timedelta(days=30), tick=False):
        call_command("purge")
    assert LaterText.objects.get() == waiting
    assert waiting.media.exists()
    assert waiting.conversation == Conversation.objects.get()

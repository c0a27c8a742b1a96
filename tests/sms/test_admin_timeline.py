"""The way of one message on its page, and sending it again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from portal.models import AuditEntry, CallerID, Tenant, Trunk, User
from providers.contract import Status, StatusUpdate
from sms import inbox, media, receipts
from sms.models import Attempt, MediaFile, Message, OptOut, State, transition
from tests import factories, fakes
from tests.estate import person, signed_in, system_administrator
from tests.sms.flows import receive, send, submit

pytestmark = pytest.mark.django_db

BADLY = [State.FAILED, State.UNDELIVERED, State.CANCELLED]


@pytest.fixture
def line() -> CallerID:
    """An extension with a number and a rule."""
    return factories.line(number="1001", name="Anna")


@pytest.fixture
def tenant(line: CallerID) -> Tenant:
    return line.tenant


@pytest.fixture
def boss(tenant: Tenant) -> Client:
    return signed_in(person(tenant, "boss", User.Role.ADMIN))


def url(message: Message, act: str = "") -> str:
    """Return the address of a message's page, or of something to do there."""
    return f"/admin/sms/message/{message.pk}/" + (f"do/{act}/" if act else "change/")


def moments(client: Client, message: Message) -> list[Any]:
    """Return what the page tells of a message."""
    answer = client.get(url(message))
    assert answer.status_code == 200
    return list(answer.context["moments"])


def titles(client: Client, message: Message) -> list[str]:
    """Return the headings of what the page tells."""
    return [moment.title for moment in moments(client, message)]


def test_a_text_from_outside_is_followed_from_its_request_to_its_reader(
    boss: Client, line: CallerID
) -> None:
    event = receive(line.did.trunk, fakes.text(line.did.number))
    message = Message.objects.get()
    inbox.mark_read(message.conversation, line.extension)

    told = moments(boss, message)

    assert [moment.title for moment in told] == [
        "Webhook request received", "Delivered to 1001 Anna", "Read by 1001 Anna",
    ]  # fmt: skip
    assert told[0].link[0] == f"/admin/sms/providerevent/{event.pk}/change/"
    rule = line.tenant.rules.get()
    assert told[1].lines == [f"rule {rule.name}: no office hours are set"]
    assert boss.get(told[0].link[0]).context["brought"].get() == message


def test_a_text_that_waited_shows_how_long(boss: Client, line: CallerID) -> None:
    received = timezone.now() - timedelta(hours=3)
    talk = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(
        conversation=talk,
        inbound=True,
        created_at=received,
        due_at=received + timedelta(hours=2),
        history=[transition(State.RECEIVED, at=received)],
    )

    assert moments(boss, message)[1].after == "+ 2 h 0 min"


def test_an_opt_out_and_an_automatic_reply_are_named_with_what_caused_them(
    boss: Client, line: CallerID, tenant: Tenant
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(auto_reply="We call back.")
    receive(line.did.trunk, fakes.text(line.did.number))
    hello = Message.objects.get(direction="inbound")
    receive(line.did.trunk, fakes.text(line.did.number, "STOP"))
    stop = Message.objects.filter(direction="inbound").latest("pk")

    assert "Answered automatically" in titles(boss, hello)
    assert "Asked not to be texted" in titles(boss, stop)
    reply = Message.objects.get(direction="outbound", text="We call back.")
    assert titles(boss, reply)[0] == "Written by the automatic reply"


@pytest.mark.usefixtures("carrier")
def test_a_text_that_was_sent_shows_its_calls_and_both_clocks_of_its_receipt(
    boss: Client, line: CallerID
) -> None:
    message = send(line.extension)
    theirs = timezone.now() - timedelta(minutes=7)
    update = StatusUpdate(provider_id=message.provider_id, status=Status.DELIVERED, at=theirs)
    receipts.apply(line.did.trunk, update)

    told = moments(boss, message)

    words = [moment.title for moment in told]
    assert words[0] == "Written by 1001 Anna"
    assert "Taken by a worker" in words
    assert "Call to the provider: accepted" in words
    assert words[-1] == "Delivered"
    assert told[-1].provider_at == theirs
    assert timezone.now() - told[-1].at < timedelta(minutes=1)
    call = next(moment for moment in told if moment.exchange)
    assert call.lines[0].startswith("took ")


def test_what_a_message_waits_for_is_said(boss: Client, line: CallerID) -> None:
    message, trunk = submit(line.extension), Trunk.objects.filter(pk=line.did.trunk_id)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"enabled": False}, "is switched off."),
        ({"enabled": True, "paused_since": timezone.now(), "paused_reason": "401"}, "paused: 401"),
        ({"paused_since": None}, "It is due;"),
    ]
    for fields, words in cases:
        trunk.update(**fields)
        assert words in moments(boss, message)[-1].lines[0]
    Message.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert "The next try is at" in moments(boss, message)[-1].lines[0]
    Message.objects.update(state=State.HELD)
    assert "Waits for the tenant" in titles(boss, message)


def test_a_file_that_could_not_be_fetched_says_why(boss: Client, line: CallerID) -> None:
    talk = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(conversation=talk, inbound=True)
    factories.MediaFileFactory(
        message=message, name="plan.pdf", state=MediaFile.State.FAILED, error="404 Not Found"
    )

    found = next(one for one in moments(boss, message) if one.title.startswith("File plan.pdf"))

    assert (found.tone, found.lines) == ("bad", ["404 Not Found"])


def test_a_message_that_was_written_before_clocks_were_told_apart_can_still_be_read(
    boss: Client, line: CallerID
) -> None:
    talk = factories.ConversationFactory(did=line.did, extension=line.extension)
    old = [
        {"state": state, "at": f"2025-01-01T10:00:0{n}+00:00"}
        for n, state in enumerate(["queued", "gone"])
    ]
    message = factories.MessageFactory(conversation=talk, history=old, state=State.DELIVERED)

    assert titles(boss, message) == ["Written by 1001 Anna", "gone"]


def test_more_calls_take_no_more_queries(boss: Client, line: CallerID) -> None:
    talk = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(conversation=talk)

    def attempt() -> None:
        now = timezone.now()
        Attempt.objects.create(
            tenant=line.tenant, message=message, trunk=line.did.trunk, started_at=now,
            ended_at=now, outcome="unavailable",
        )  # fmt: skip

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            boss.get(url(message))
        return len(seen)

    attempt()
    queries()  # the first look is entered into the audit log
    few = queries()
    for _ in range(5):
        attempt()
        factories.MediaFileFactory(message=message)

    assert queries() == few


@pytest.mark.parametrize("state", BADLY)
def test_a_text_that_did_not_arrive_is_sent_again_for_the_same_extension(
    boss: Client, line: CallerID, state: str
) -> None:
    message = submit(line.extension, "Hello again")
    Message.objects.filter(pk=message.pk).update(state=state)

    assert b"once more" in boss.get(url(message, "again")).content
    boss.post(url(message, "again"))

    repeated = Message.objects.exclude(pk=message.pk).get()
    assert (repeated.text, repeated.state) == ("Hello again", State.QUEUED)
    assert (repeated.extension, repeated.sender) == (line.extension, line.did.number)
    assert repeated.conversation_id == message.conversation_id
    assert "Sent again" in titles(boss, message)
    assert "Repeats an earlier message" in titles(boss, repeated)
    entry = AuditEntry.objects.get(action="sent again")
    assert (entry.tenant, entry.detail["as"]) == (line.tenant, repeated.pk)


def test_one_message_is_sent_again_once(boss: Client, line: CallerID) -> None:
    message = submit(line.extension)
    Message.objects.filter(pk=message.pk).update(state=State.FAILED)

    boss.post(url(message, "again"))
    answer = boss.post(url(message, "again"), follow=True)

    assert b"It was sent again already" in answer.content
    assert Message.objects.count() == 2


def test_what_may_have_been_sent_is_sent_again_only_after_a_warning(
    boss: Client, line: CallerID
) -> None:
    message = submit(line.extension)
    Message.objects.filter(pk=message.pk).update(state=State.UNCONFIRMED)

    assert boss.post(url(message, "again")).status_code == 403
    assert b"may arrive twice" in boss.get(url(message, "again-in-doubt")).content
    assert Message.objects.count() == 1
    boss.post(url(message, "again-in-doubt"))
    assert Message.objects.count() == 2


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.SENT, State.DELIVERED])
def test_what_arrived_or_is_on_its_way_is_not_sent_again(
    boss: Client, line: CallerID, state: str
) -> None:
    message = submit(line.extension)
    Message.objects.filter(pk=message.pk).update(state=state)

    assert boss.post(url(message, "again")).status_code == 403
    assert boss.post(url(message, "again-in-doubt")).status_code == 403
    assert Message.objects.count() == 1


def test_a_refusal_is_told_and_nothing_is_kept(boss: Client, line: CallerID) -> None:
    message = submit(line.extension)
    Message.objects.filter(pk=message.pk).update(state=State.FAILED)
    OptOut.objects.create(tenant=line.tenant, remote=message.recipient, words="stop")

    answer = boss.post(url(message, "again"), follow=True)

    assert b"asked not to be texted" in answer.content
    assert Message.objects.count() == 1
    assert not AuditEntry.objects.filter(action="sent again").exists()


def test_a_file_goes_along(
    boss: Client, line: CallerID, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    talk = factories.ConversationFactory(did=line.did, extension=line.extension)
    message = factories.MessageFactory(conversation=talk, state=State.FAILED)
    upload = media.store_upload(
        tenant=line.tenant, extension=line.extension, name="a.png",
        content_type="image/png", body=b"png",
    )  # fmt: skip
    MediaFile.objects.filter(pk=upload.pk).update(message=message)

    boss.post(url(message, "again"))

    copied = MediaFile.objects.exclude(pk=upload.pk).get()
    assert copied.message == Message.objects.latest("pk")
    with copied.file.open() as content:
        assert (copied.name, content.read()) == ("a.png", b"png")


def test_an_auditor_sends_nothing_again(line: CallerID) -> None:
    message = submit(line.extension)
    Message.objects.filter(pk=message.pk).update(state=State.FAILED)
    auditor = signed_in(person(line.tenant, "aud", User.Role.AUDITOR))

    assert b"Send again" not in auditor.get(url(message)).content
    assert auditor.post(url(message, "again")).status_code == 403


@pytest.mark.usefixtures("carrier")
def test_a_shared_trunks_exchange_is_the_systems(boss: Client, line: CallerID) -> None:
    message = send(line.extension)
    Trunk.objects.filter(pk=line.did.trunk_id).update(tenant=None)
    root = signed_in(system_administrator())

    assert not [moment for moment in moments(boss, message) if moment.exchange]
    assert [moment for moment in moments(root, message) if moment.exchange]

"""Queued texts reach the provider: once, in order, and only while they still may."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import SimpleQueue

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from redis import Redis

from portal.models import DID, CallerID, Extension, Tenant, Trunk
from sms import dispatch, media, outcome, pacing
from sms.hands import hands, seats
from sms.models import Attempt, Message, OptOut
from tests import bells, factories, fakes
from tests.crowd import at_once
from tests.fakes import FakeProvider
from tests.sms.flows import drain, send, states, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def ten_threads(settings: Settings) -> Iterator[None]:
    """Let this process have ten sender threads, of which one trunk alone may use seven."""
    settings.SENDER_THREADS = 10
    hands.cache_clear()
    yield
    hands.cache_clear()


def test_a_text_reaches_the_carrier_with_all_it_needs(
    line: CallerID, carrier: FakeProvider
) -> None:
    file = media.store_upload(
        tenant=line.tenant, extension=line.extension, name="a.png",
        content_type="image/png", body=b"png",
    )  # fmt: skip
    message = submit(line.extension, "Ça va ? 🥐")
    file.message = message
    file.save()
    drain(line.did.trunk)
    call = carrier.calls[0]
    assert (call.sender, call.recipient) == (line.did.number, fakes.REMOTE)
    assert call.text == "Ça va ? 🥐"
    assert call.media == (media.link(file),)
    assert call.reference == message.reference.hex
    assert call.status_url == f"{line.did.trunk.webhook_url}?ref={message.reference.hex}"
    assert call.secret == line.did.trunk.credentials["secret"]


def test_an_accepted_text_has_its_providers_id_and_its_attempt(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.accepted("p1"))
    message = send(line.extension)
    assert (message.state, message.provider_id, message.tries) == ("accepted", "p1", 1)
    assert states(message) == ["queued", "sending", "accepted"]
    attempt = Attempt.objects.get()
    assert (attempt.message, attempt.outcome) == (message, "accepted")
    assert attempt.ended_at >= attempt.started_at
    assert line.did.trunk.credentials["secret"] not in attempt.request + attempt.response
    assert Trunk.objects.get().last_send_at is not None


def test_texts_of_one_conversation_arrive_in_their_order(
    line: CallerID, carrier: FakeProvider
) -> None:
    words = [f"text {number}" for number in range(8)]
    for each in words:
        submit(line.extension, each)
    drain(line.did.trunk)
    assert carrier.texts == words


def test_a_text_that_has_to_wait_lets_later_ones_pass(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(fakes.unreachable())
    for words in ("first", "second"):
        submit(line.extension, words)
    drain(line.did.trunk)
    assert carrier.texts == ["first", "second"]
    found = Message.objects.order_by("id").values_list("state", flat=True)
    assert list(found) == ["queued", "accepted"]


def test_a_text_that_waits_on_a_paused_trunk_does_not_stop_its_thread_on_another(
    line: CallerID, carrier: FakeProvider
) -> None:
    stuck = submit(line.extension, "stuck")
    other = factories.TrunkFactory(tenant=line.tenant)
    DID.objects.filter(pk=line.did.pk).update(trunk=other)
    Trunk.objects.filter(pk=line.did.trunk_id).update(paused_since=timezone.now())
    fresh = submit(line.extension, "fresh")
    assert fresh.conversation == stuck.conversation
    drain(other)
    assert carrier.texts == ["fresh"]


def test_replies_go_before_api_texts_and_those_before_bulk(line: CallerID) -> None:
    for lane, to in ((3, "+16175550101"), (2, "+16175550102"), (1, "+16175550103")):
        message = submit(line.extension, f"lane {lane}", to)
        Message.objects.filter(pk=message.pk).update(lane=lane)
    claimed = dispatch.claim(line.did.trunk, 2)
    assert [message.lane for message in claimed] == [1, 2]


def test_a_claim_takes_no_more_than_it_is_given(line: CallerID) -> None:
    for number in range(30):
        submit(line.extension, to=f"+1617555{number:04d}")
    assert len(dispatch.claim(line.did.trunk, 7)) == 7
    assert Message.objects.filter(state="sending").count() == 7


def test_a_batch_needs_as_many_queries_as_one_text(
    line: CallerID, carrier: FakeProvider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(21):
        submit(line.extension, to=f"+1617555{number:04d}")
    dispatch.claim(line.did.trunk, 1)  # what it learns of the set-up stays in memory
    with django_assert_num_queries(1):
        claimed = dispatch.claim(line.did.trunk, 20)
    assert len(claimed) == 20
    outcomes = [dispatch.send(message) for message in claimed]
    assert len(carrier.calls) == 20
    with django_assert_num_queries(2):  # the other one notes that the trunk sends
        outcome.settle(outcomes)
    assert Message.objects.filter(state="accepted").count() == 20


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_no_text_twice(line: CallerID, carrier: FakeProvider) -> None:
    for number in range(40):
        submit(line.extension, to=f"+1617555{number:04d}")
    trunk = line.did.trunk
    assert at_once(*[lambda: drain(trunk)] * 3) == [False] * 3
    assert Counter(Counter(call.recipient for call in carrier.calls).values()) == {1: 40}
    assert Message.objects.filter(state="accepted").count() == 40
    assert Attempt.objects.count() == 40


Withdraw = Callable[[CallerID], object]
WITHDRAWN: dict[str, tuple[Withdraw, str, str]] = {
    "permission": (
        lambda _line: Extension.objects.update(sms="DISABLE"), "failed", "not_allowed"
    ),
    "extension": (lambda _line: Extension.objects.update(enabled=False), "failed", "not_allowed"),
    "caller ID": (lambda line: line.delete(), "failed", "caller_id_unknown"),
    "DID": (lambda line: line.did.delete(), "failed", "caller_id_unknown"),
    "consent": (
        lambda line: OptOut.objects.create(tenant=line.tenant, remote=fakes.REMOTE),
        "failed",
        "opted_out",
    ),
    "tenant": (lambda _line: Tenant.objects.update(active=False), "held", ""),
    "messaging": (lambda _line: Tenant.objects.update(messaging_enabled=False), "held", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", WITHDRAWN)
def test_what_was_withdrawn_while_a_text_was_queued_stops_it(
    line: CallerID, carrier: FakeProvider, what: str
) -> None:
    withdraw, state, code = WITHDRAWN[what]
    message = submit(line.extension)
    withdraw(line)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert carrier.calls == []
    assert (message.state, message.error_code) == (state, code)
    assert message.error
    assert states(message)[-1] == state
    assert not Attempt.objects.exists()


def test_the_opt_out_of_one_of_several_recipients_stops_a_text_to_all(
    line: CallerID, carrier: FakeProvider
) -> None:
    message = submit(line.extension)
    Message.objects.filter(pk=message.pk).update(recipient=f"+16175550123;{fakes.REMOTE}")
    OptOut.objects.create(tenant=line.tenant, remote=fakes.REMOTE)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert (carrier.calls, message.error_code) == ([], "opted_out")


def test_a_did_that_moved_to_another_trunk_stops_what_was_queued_for_the_old_one(
    line: CallerID, carrier: FakeProvider
) -> None:
    message = submit(line.extension)
    other = factories.TrunkFactory(tenant=line.tenant)
    DID.objects.update(trunk=other)
    drain(line.did.trunk)
    message.refresh_from_db()
    assert (message.state, message.error_code) == ("failed", "caller_id_unknown")
    assert carrier.calls == []


def test_texts_that_may_not_go_do_not_keep_those_behind_them_waiting(
    line: CallerID, carrier: FakeProvider
) -> None:
    blocked = [submit(line.extension, to=f"+161755501{n:02d}") for n in range(40)]
    for message in blocked:
        OptOut.objects.create(tenant=line.tenant, remote=message.recipient)
    submit(line.extension, "free")
    drain(line.did.trunk)
    assert carrier.texts == ["free"]


def test_a_text_whose_deadline_passed_is_not_sent(line: CallerID, carrier: FakeProvider) -> None:
    message = submit(line.extension)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        drain(line.did.trunk)
    message.refresh_from_db()
    assert (message.state, message.error_code) == ("failed", "deadline")
    assert carrier.calls == []


@pytest.mark.parametrize("change", [{"enabled": False}, {"paused_reason": "x"}])
def test_a_trunk_out_of_service_sends_nothing(
    line: CallerID, carrier: FakeProvider, change: dict[str, object]
) -> None:
    message = submit(line.extension)
    if "paused_reason" in change:
        change = {**change, "paused_since": timezone.now()}
    Trunk.objects.update(**change)
    assert drain(line.did.trunk) is False
    message.refresh_from_db()
    assert (message.state, message.tries) == ("queued", 0)
    assert carrier.calls == []


def test_a_text_that_is_not_due_yet_is_left_alone(line: CallerID, carrier: FakeProvider) -> None:
    Message.objects.filter(pk=submit(line.extension).pk).update(
        due_at=timezone.now() + timedelta(seconds=60)
    )
    assert drain(line.did.trunk) is False
    assert carrier.calls == []


@pytest.fixture
def closing() -> Iterator[None]:
    """Tell the process to stop, for the time of the test."""
    dispatch.closing.told = True
    yield
    dispatch.closing.told = False


@pytest.mark.usefixtures("closing")
def test_a_worker_that_stops_claims_nothing(line: CallerID, carrier: FakeProvider) -> None:
    message = submit(line.extension)
    assert drain(line.did.trunk) is False
    message.refresh_from_db()
    assert message.state == "queued"
    assert carrier.calls == []


def test_a_worker_that_is_told_to_stop_settles_its_open_calls(
    line: CallerID, carrier: FakeProvider
) -> None:
    carrier.will(
        fakes.then(lambda _call: setattr(dispatch.closing, "told", True), fakes.accepted())
    )
    first, second = submit(line.extension, "one"), submit(line.extension, "two")
    try:
        assert drain(line.did.trunk) is False
    finally:
        dispatch.closing.told = False
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("accepted", "queued")


def test_a_ring_during_a_drain_lets_it_look_again(line: CallerID, carrier: FakeProvider) -> None:
    box: SimpleQueue[object] = SimpleQueue()
    late = submit(line.extension, "late", "+16175550199")
    Message.objects.filter(pk=late.pk).update(due_at=timezone.now() + timedelta(seconds=0.2))
    arrived = threading.Event()

    def ring_later(_call: fakes.Call) -> None:
        while timezone.now() < late.created_at + timedelta(seconds=0.3):
            arrived.wait(0.02)
        box.put(None)

    carrier.will(fakes.then(ring_later, fakes.accepted()))
    submit(line.extension, "now")
    dispatch.drain(line.did.trunk.pk, box)
    assert carrier.texts == ["now", "late"]


@pytest.mark.usefixtures("ten_threads")
def test_one_trunk_never_holds_more_than_its_share_of_the_threads(
    line: CallerID, carrier: FakeProvider
) -> None:
    gate, full = threading.Event(), threading.Semaphore(0)
    seen: list[int] = []

    def wait(_call: fakes.Call) -> None:
        full.release()
        gate.wait(10)

    carrier.will(*[fakes.then(wait, fakes.accepted())] * 7)
    for number in range(10):
        submit(line.extension, to=f"+1617555{number:04d}")

    def look() -> None:
        for _each in range(7):
            full.acquire(timeout=10)
        seen.append(len(carrier.calls))
        gate.set()

    watcher = threading.Thread(target=look)
    watcher.start()
    drain(line.did.trunk)
    watcher.join()
    assert seen == [7]
    assert len(carrier.calls) == 10


@pytest.mark.usefixtures("ten_threads")
def test_a_drain_that_finds_no_free_thread_sends_later(
    line: CallerID, carrier: FakeProvider
) -> None:
    taken = hands().reserve(10, ())
    assert (taken, hands().reserve(1, ())) == (10, 0)
    timer = threading.Timer(0.2, hands().release, [taken, ()])
    timer.start()
    submit(line.extension)
    drain(line.did.trunk)
    timer.join()
    assert len(carrier.calls) == 1
    assert hands().reserve(11, ()) == 10


def test_every_thread_and_every_token_is_given_back(line: CallerID, carrier: FakeProvider) -> None:
    carrier.will(fakes.rejected(), fakes.lost(), fakes.bad_gateway(), fakes.unreachable())
    for number in range(6):
        submit(line.extension, to=f"+1617555{number:04d}")
    drain(line.did.trunk)
    everyone = hands().threads
    assert hands().reserve(everyone, ()) == everyone
    hands().release(everyone, ())
    granted, _wait = pacing.take(1000, pacing.of_trunk(line.did.trunk))
    assert granted >= 1000 - 6


def test_a_trunk_sends_no_faster_than_it_may(line: CallerID, carrier: FakeProvider) -> None:
    Trunk.objects.update(messages_per_second=10)
    for number in range(13):
        submit(line.extension, to=f"+1617555{number:04d}")
    started = time.monotonic()
    assert drain(line.did.trunk) is False
    # Ten at once, and one more every tenth of a second.
    assert time.monotonic() - started >= 0.25
    assert len(carrier.calls) == 13


def test_a_very_slow_trunk_does_not_keep_a_worker_waiting(
    line: CallerID, carrier: FakeProvider
) -> None:
    Trunk.objects.update(messages_per_second=0.02)
    for number in range(2):
        submit(line.extension, to=f"+1617555{number:04d}")
    assert drain(line.did.trunk) is False
    assert len(carrier.calls) == 1
    assert Message.objects.filter(state="queued").count() == 1


def test_a_fault_of_an_adapter_leaves_the_outcome_unknown(
    line: CallerID, carrier: FakeProvider
) -> None:
    def fault(_call: fakes.Call) -> None:
        raise RuntimeError

    carrier.will(fakes.then(fault, fakes.accepted()))
    message = send(line.extension)
    assert message.state == "unconfirmed"
    assert "RuntimeError" in message.error


def test_a_trunk_with_a_missing_credential_is_paused_and_the_text_waits(
    line: CallerID, carrier: FakeProvider
) -> None:
    Trunk.objects.update(credentials={})
    message = send(line.extension)
    trunk = Trunk.objects.get()
    assert message.state == "queued"
    assert trunk.paused_since is not None
    assert "secret" in trunk.paused_reason
    assert carrier.calls == []


@pytest.fixture
def one_seat(settings: Settings) -> Iterator[None]:
    """Let this process serve one trunk at a time."""
    settings.CELERY_WORKER_CONCURRENCY = 2
    seats.cache_clear()
    yield
    seats.cache_clear()


@pytest.mark.usefixtures("one_seat")
@pytest.mark.django_db(transaction=True)
def test_a_trunk_that_finds_no_seat_is_rung_for_when_another_is_done(
    line: CallerID, carrier: FakeProvider, redis_client: Redis
) -> None:
    submit(line.extension)
    assert seats().take(line.did.trunk_id + 1)
    assert drain(line.did.trunk) is False
    assert carrier.calls == []
    redis_client.flushdb()
    following = seats().leave()
    assert following == line.did.trunk_id
    seats().take(line.did.trunk_id)
    seats().leave()
    late = factories.line()
    carrier.will(fakes.then(lambda _call: seats().take(late.did.trunk_id), fakes.accepted()))
    drain(line.did.trunk)
    assert ("drain_trunk", [late.did.trunk_id]) in bells.rung(redis_client)


@contextmanager
def database_gone_once(at: str) -> Iterator[None]:
    """Let the first statement that begins with some words find no database."""
    failures = [OperationalError("the database is restarting")]

    def refuse(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if sql.strip().startswith(at) and failures:
            raise failures.pop()
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("answer", [fakes.accepted("p1"), fakes.rejected()])
def test_what_a_provider_answered_is_kept_until_the_database_is_back(
    line: CallerID, carrier: FakeProvider, answer: fakes.Answer
) -> None:
    carrier.will(answer)
    message = submit(line.extension)
    with database_gone_once("WITH given AS"):
        drain(line.did.trunk)
    message.refresh_from_db()
    assert message.state in {"accepted", "failed"}
    assert (len(carrier.calls), Attempt.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_claim_that_finds_no_database_leaves_every_thread_and_token_free(
    line: CallerID, carrier: FakeProvider
) -> None:
    message = submit(line.extension)
    with database_gone_once("WITH moved AS"):
        drain(line.did.trunk)
    assert (carrier.calls, states(message)) == ([], ["queued"])
    everyone = hands().threads
    assert hands().reserve(everyone, ()) == everyone
    hands().release(everyone, ())
    assert pacing.take(1000, pacing.of_trunk(line.did.trunk))[0] == 1000
    drain(line.did.trunk)
    assert states(message)[-1] == "accepted"

"""Rings reach a worker after the commit, are not repeated, not missed, and never in the way."""

import threading
import time

import pytest
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks
from redis import Redis

from sms import bell
from sms.bell import Box, Duty
from tests import bells
from tests.crowd import at_once

Capture = DjangoCaptureOnCommitCallbacks


@pytest.mark.django_db
def test_a_ring_is_published_after_the_commit_and_not_before(
    redis_client: Redis, django_capture_on_commit_callbacks: Capture
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        bell.ring("drain_trunk", 7)
        assert bells.rung(redis_client) == []
    assert bells.rung(redis_client) == [("drain_trunk", [7])]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_does_not_ring(redis_client: Redis) -> None:
    def fail() -> None:
        with transaction.atomic():
            bell.ring("drain_events")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert bells.rung(redis_client) == []


@pytest.mark.django_db(transaction=True)
def test_many_rings_before_the_answer_are_one(redis_client: Redis) -> None:
    for _each in range(5):
        bell.ring("drain_trunk", 7)
    bell.ring("drain_trunk", 8)
    assert bells.rung(redis_client) == [("drain_trunk", [7]), ("drain_trunk", [8])]
    bell.quieten("drain_trunk", 7)
    bell.ring("drain_trunk", 7)
    assert bells.rung(redis_client)[2:] == [("drain_trunk", [7])]


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_nobody_hears_rings_again_by_itself_after_some_seconds(
    redis_client: Redis,
) -> None:
    bell.ring("drain_events")
    assert 0 < redis_client.ttl("bell:drain_events") <= bell.RING_SECONDS


@pytest.mark.usefixtures("dead_redis")
@pytest.mark.django_db(transaction=True)
def test_a_dead_redis_costs_nothing_but_the_ring(caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()
    bell.ring("drain_events")
    bell.tell([1], {"type": "message"})
    bell.quieten("drain_events")
    assert time.monotonic() - started < 2
    assert "bell.unheard" in caplog.text
    assert "push.unheard" in caplog.text
    assert "bell.stuck" in caplog.text


@pytest.mark.usefixtures("dead_redis")
def test_a_drain_runs_without_redis() -> None:
    done: list[bool] = []

    def work(_box: Box) -> bool:
        done.append(True)
        return True

    Duty().answer(work, "drain_events")
    assert done == [True]


@pytest.mark.django_db(transaction=True)
def test_news_reach_each_open_browser_once(redis_client: Redis) -> None:
    with bells.browser(redis_client, 3) as heard:
        bell.tell([3, 3, 4], {"type": "state", "message": 1})
        assert heard() == {"type": "state", "message": 1}
        assert heard() is None


def test_a_ring_during_the_work_lets_it_look_again() -> None:
    duty = Duty()
    rounds: list[int] = []

    def work(_box: Box) -> bool:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            duty.answer(work, "drain_events")  # as another thread of the worker would
        return False

    duty.answer(work, "drain_events")
    assert rounds == [0, 1]


def test_what_is_left_over_is_rung_for_again(redis_client: Redis) -> None:
    Duty().answer(lambda _box: True, "drain_trunk", 7)
    assert bells.rung(redis_client) == [("drain_trunk", [7])]


def test_the_bell_can_ring_again_from_the_beginning_of_the_work(redis_client: Redis) -> None:
    redis_client.set("bell:drain_events", 1)
    seen: list[int] = []

    def work(_box: Box) -> bool:
        seen.append(int(redis_client.exists("bell:drain_events")))
        return False

    Duty().answer(work, "drain_events")
    assert seen == [0]


def test_a_process_runs_one_drain_of_a_queue_at_a_time_and_others_beside_it() -> None:
    duty = Duty()
    working, most = 0, 0
    lock, both = threading.Lock(), threading.Barrier(2)

    def work(_box: Box) -> bool:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        both.wait(10)
        with lock:
            working -= 1
        return False

    results = at_once(
        lambda: duty.answer(work, "drain_trunk", 1), lambda: duty.answer(work, "drain_trunk", 2)
    )
    assert results == [None, None]
    assert most == 2


def test_rings_from_many_threads_are_never_lost(redis_client: Redis) -> None:
    duty = Duty()
    seen = 0
    written = 0
    at_work = 0

    def work(_box: Box) -> bool:
        nonlocal seen, at_work
        at_work += 1
        assert at_work == 1
        seen = written
        at_work -= 1
        return False

    def write_and_ring() -> None:
        nonlocal written
        with lock:
            written += 1
        duty.answer(work, "drain_events")

    lock = threading.Lock()
    assert at_once(*[write_and_ring] * 16) == [None] * 16
    # Whoever rang between the last look and the end has rung for somebody else to look.
    if bells.rung(redis_client):
        duty.answer(work, "drain_events")
    assert seen == written == 16


def test_work_that_fails_does_not_block_its_bell() -> None:
    duty = Duty()

    def fail(_box: Box) -> bool:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        duty.answer(fail, "drain_events")
    done: list[int] = []

    def work(_box: Box) -> bool:
        done.append(1)
        return False

    duty.answer(work, "drain_events")
    assert done == [1]

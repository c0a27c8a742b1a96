"""Who is there: by choice and by an open client, told to the tenant's browsers when it changes."""

import asyncio
from collections.abc import Callable

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries
from redis import Redis

from portal.models import Extension
from sms import attendance, presence, push
from tests import factories
from tests.bells import browser, rung
from tests.sms.test_push import connected, listening, play

pytestmark = pytest.mark.django_db

NOON = "2026-03-02T12:00:00Z"


def extension(**more: object) -> Extension:
    made: Extension = factories.ExtensionFactory(is_there=False, **more)
    return made


def end_of(redis_client: Redis, pk: int) -> float | None:
    """Return until when a client counts as open."""
    return redis_client.zscore(attendance.ROLL, str(pk))


@pytest.mark.parametrize("choice", ["available", "away", "off"])
def test_who_is_here_is_what_was_chosen_and_off_otherwise(choice: str) -> None:
    one = extension(presence=choice)
    assert presence.of(one) == "off"
    attendance.come(one.pk)
    assert presence.of(one) == choice


def test_an_extension_out_of_service_is_off() -> None:
    assert presence.of(factories.ExtensionFactory(enabled=False)) == "off"


def test_who_is_not_heard_of_any_more_has_left() -> None:
    one, never = extension(), extension()
    with time_machine.travel(NOON, tick=False) as clock:
        attendance.come(one.pk)
        clock.shift(attendance.OPEN - 1)
        assert presence.of(one) == "available"
        assert presence.gone([one, never]) == set()
        clock.shift(2)
        assert presence.of(one) == "off"
        # Of who never came nobody says that he left.
        assert presence.gone([one, never]) == {one.pk}


@pytest.mark.parametrize("choice", ["away", "off"])
def test_who_chose_so_is_gone_with_an_open_client_too(choice: str) -> None:
    one = factories.ExtensionFactory(presence=choice)
    assert presence.gone([one]) == {one.pk}


@pytest.mark.usefixtures("dead_redis")
def test_without_redis_the_choice_alone_counts() -> None:
    here, away = extension(), extension(presence="away")
    assert presence.words([here, away]) == {here.pk: "available", away.pk: "away"}
    assert presence.gone([here, away]) == {away.pk}
    presence.arrive(here)
    presence.tell_changes()


@pytest.mark.django_db(transaction=True)
def test_who_comes_is_told_once_and_offered_what_waits(redis_client: Redis) -> None:
    one = extension(number="1042")
    with browser(redis_client, one.tenant_id, kind="tenant") as heard:
        presence.arrive(one)
        assert heard() == {"type": "presence", "extension": "1042", "presence": "available"}
        assert rung(redis_client) == [("offer_waiting", [])]
        presence.arrive(one)
        assert heard() is None


def test_a_choice_is_kept_and_told(redis_client: Redis) -> None:
    one = extension()
    presence.arrive(one)
    with browser(redis_client, one.tenant_id, kind="tenant") as heard:
        presence.choose(one, "away")
        news = heard()
    assert news is not None
    assert news["presence"] == "away"
    one.refresh_from_db()
    assert one.presence == "away"


def test_a_choice_behind_a_closed_client_is_nobodys_news(redis_client: Redis) -> None:
    one = extension()
    with browser(redis_client, one.tenant_id, kind="tenant") as heard:
        presence.choose(one, "away")
        assert heard() is None


def test_the_sweep_tells_who_left_and_what_an_administrator_changed(redis_client: Redis) -> None:
    left, changed = extension(number="1001"), extension(number="1002")
    for one in (left, changed):
        presence.arrive(one)
    attendance.come(left.pk, -1)
    Extension.objects.filter(pk=changed.pk).update(presence="away")
    with (
        browser(redis_client, left.tenant_id, kind="tenant") as of_left,
        browser(redis_client, changed.tenant_id, kind="tenant") as of_changed,
    ):
        presence.tell_changes()
        presence.tell_changes()
        assert of_left() == {"type": "presence", "extension": "1001", "presence": "off"}
        assert of_changed() == {"type": "presence", "extension": "1002", "presence": "away"}
        assert (of_left(), of_changed()) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_tells_who_came_back_with_an_old_token(redis_client: Redis) -> None:
    one = extension()
    attendance.come(one.pk)  # as the push process does when a stream opens
    presence.tell_changes()
    assert rung(redis_client) == [("offer_waiting", [])]


def test_who_left_long_ago_and_who_was_deleted_are_forgotten(redis_client: Redis) -> None:
    old, deleted = extension(), extension()
    presence.arrive(deleted)
    attendance.come(old.pk, -attendance.REMEMBERED - 1)
    deleted.delete()
    presence.tell_changes()
    assert end_of(redis_client, old.pk) is None
    assert redis_client.hkeys(presence.TOLD) == []


def test_more_extensions_cost_no_more_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for one in factories.ExtensionFactory.create_batch(5):
        attendance.come(one.pk)
    with django_assert_num_queries(1):
        presence.tell_changes()


def test_an_open_stream_is_somebody_there(redis_client: Redis) -> None:
    one = extension()

    async def scene(application: push.Application) -> None:
        stream = await listening(application, f"extension:{one.pk}", f"tenant:{one.tenant_id}")
        await settled(lambda: (end_of(redis_client, one.pk) or 0) > 0)
        before = end_of(redis_client, one.pk)
        await stream.leave()
        # Its last stream has ended: no more than the grace is left.
        await settled(lambda: (end_of(redis_client, one.pk) or 0) < (before or 0) - 10)

    play(scene)
    assert redis_client.zcard(attendance.ROLL) == 1


def test_who_still_has_another_stream_stays(redis_client: Redis) -> None:
    one = extension()

    async def scene(application: push.Application) -> None:
        first = await listening(application, f"extension:{one.pk}")
        second = await listening(application, f"extension:{one.pk}")
        await settled(lambda: end_of(redis_client, one.pk) is not None)
        before = end_of(redis_client, one.pk)
        await first.leave()
        third = await listening(application, "extension:777")
        await settled(lambda: end_of(redis_client, 777) is not None)
        assert (end_of(redis_client, one.pk) or 0) >= (before or 0)
        await second.leave()
        await third.leave()

    play(scene)


def test_a_redis_without_memory_is_told_again_who_is_there(redis_client: Redis) -> None:
    one = extension()

    async def scene(application: push.Application) -> None:
        stream = await listening(application, f"extension:{one.pk}")
        await settled(lambda: end_of(redis_client, one.pk) is not None)
        redis_client.delete(attendance.ROLL)
        for client in connected(redis_client, kind="pubsub"):
            redis_client.client_kill_filter(_id=client)
        assert "lost" in await stream.frame()
        assert "hello" in await stream.frame()
        await settled(lambda: end_of(redis_client, one.pk) is not None)
        await stream.leave()

    play(scene)


async def settled(is_so: Callable[[], bool]) -> None:
    """Let the other tasks of the loop run until it is so."""
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.to_thread(lambda: None)

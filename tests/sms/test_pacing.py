"""Sends per second, counted where every worker sees the same clock."""

import pytest
from redis import Redis

from portal.models import Trunk
from sms import pacing
from tests import factories
from tests.crowd import at_once


@pytest.fixture
def trunk() -> Trunk:
    made: Trunk = factories.TrunkFactory.build(id=7, tenant=None, messages_per_second=10)
    return made


def age(client: Redis, trunk: Trunk, seconds: float) -> None:
    """Let the bucket be as if it was used some seconds earlier."""
    client.hincrbyfloat(f"pace:{trunk.pk}", "at", -seconds)


def test_a_full_bucket_holds_one_seconds_worth(trunk: Trunk) -> None:
    granted, wait = pacing.take(trunk, 50)
    assert granted == 10
    assert 0 < wait <= 0.1
    assert pacing.take(trunk, 1)[0] == 0


def test_the_bucket_fills_with_time_and_not_beyond_its_size(
    trunk: Trunk, redis_client: Redis
) -> None:
    pacing.take(trunk, 10)
    age(redis_client, trunk, 0.55)
    assert pacing.take(trunk, 50)[0] in {5, 6}
    age(redis_client, trunk, 3600)
    assert pacing.take(trunk, 50)[0] == 10


def test_a_slow_trunk_sends_one_message_at_a_time(trunk: Trunk, redis_client: Redis) -> None:
    trunk.messages_per_second = 0.1
    granted, wait = pacing.take(trunk, 5)
    assert granted == 1
    assert 9 < wait <= 10
    age(redis_client, trunk, 5)
    granted, wait = pacing.take(trunk, 5)
    assert (granted, 4 < wait <= 5) == (0, True)
    age(redis_client, trunk, 5)
    assert pacing.take(trunk, 5)[0] == 1


def test_what_was_not_used_is_given_back(trunk: Trunk) -> None:
    pacing.take(trunk, 10)
    pacing.give_back(trunk, 4)
    assert pacing.take(trunk, 50)[0] == 4


def test_giving_back_never_makes_more_than_a_full_bucket(trunk: Trunk) -> None:
    pacing.take(trunk, 1)
    pacing.give_back(trunk, 1000)
    assert pacing.take(trunk, 50)[0] == 10


def test_trunks_do_not_share_a_bucket(trunk: Trunk) -> None:
    other = factories.TrunkFactory.build(id=8, tenant=None, messages_per_second=10)
    pacing.take(trunk, 10)
    assert pacing.take(other, 10)[0] == 10


def test_workers_share_a_bucket(trunk: Trunk) -> None:
    taken = at_once(*[lambda: pacing.take(trunk, 1)[0]] * 16)
    assert taken.count(1) in {10, 11}  # a tenth of a second brings the eleventh
    assert taken.count(0) == 16 - taken.count(1)


def test_a_trunk_that_was_slowed_down_sends_nothing_until_then(
    trunk: Trunk, redis_client: Redis
) -> None:
    pacing.slow_down(trunk.pk, 30)
    granted, wait = pacing.take(trunk, 5)
    assert granted == 0
    assert 28 < wait <= 30
    redis_client.hincrbyfloat(f"pace:{trunk.pk}", "slow", -31)
    assert pacing.take(trunk, 5)[0] == 5


def test_a_bucket_that_nobody_uses_is_forgotten(trunk: Trunk, redis_client: Redis) -> None:
    pacing.take(trunk, 1)
    assert 0 < redis_client.ttl(f"pace:{trunk.pk}") <= 61


@pytest.mark.usefixtures("dead_redis")
def test_without_redis_nothing_is_granted_and_nothing_breaks(trunk: Trunk) -> None:
    # No worker may send faster than the provider allows because it cannot see the others.
    assert pacing.take(trunk, 5) == (0, 1.0)
    pacing.give_back(trunk, 5)
    pacing.slow_down(trunk.pk, 5)

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
    granted, wait = pacing.take(50, pacing.of_trunk(trunk))
    assert granted == 10
    assert 0 < wait <= 0.1
    assert pacing.take(1, pacing.of_trunk(trunk))[0] == 0


def test_the_bucket_fills_with_time_and_not_beyond_its_size(
    trunk: Trunk, redis_client: Redis
) -> None:
    pacing.take(10, pacing.of_trunk(trunk))
    age(redis_client, trunk, 0.55)
    assert pacing.take(50, pacing.of_trunk(trunk))[0] in {5, 6}
    age(redis_client, trunk, 3600)
    assert pacing.take(50, pacing.of_trunk(trunk))[0] == 10


def test_a_slow_trunk_sends_one_message_at_a_time(trunk: Trunk, redis_client: Redis) -> None:
    trunk.messages_per_second = 0.1
    granted, wait = pacing.take(5, pacing.of_trunk(trunk))
    assert granted == 1
    assert 9 < wait <= 10
    age(redis_client, trunk, 5)
    granted, wait = pacing.take(5, pacing.of_trunk(trunk))
    assert (granted, 4 < wait <= 5) == (0, True)
    age(redis_client, trunk, 5)
    assert pacing.take(5, pacing.of_trunk(trunk))[0] == 1


def test_what_was_not_used_is_given_back(trunk: Trunk) -> None:
    pacing.take(10, pacing.of_trunk(trunk))
    pacing.give_back(4, pacing.of_trunk(trunk))
    assert pacing.take(50, pacing.of_trunk(trunk))[0] == 4


def test_giving_back_never_makes_more_than_a_full_bucket(trunk: Trunk) -> None:
    pacing.take(1, pacing.of_trunk(trunk))
    pacing.give_back(1000, pacing.of_trunk(trunk))
    assert pacing.take(50, pacing.of_trunk(trunk))[0] == 10


def test_trunks_do_not_share_a_bucket(trunk: Trunk) -> None:
    other = factories.TrunkFactory.build(id=8, tenant=None, messages_per_second=10)
    pacing.take(10, pacing.of_trunk(trunk))
    assert pacing.take(10, pacing.of_trunk(other))[0] == 10


def test_workers_share_a_bucket(trunk: Trunk) -> None:
    taken = at_once(*[lambda: pacing.take(1, pacing.of_trunk(trunk))[0]] * 16)
    assert taken.count(1) in {10, 11}  # a tenth of a second brings the eleventh
    assert taken.count(0) == 16 - taken.count(1)


def test_a_trunk_that_was_slowed_down_sends_nothing_until_then(
    trunk: Trunk, redis_client: Redis
) -> None:
    pacing.slow_down(pacing.of_trunk(trunk), 30)
    granted, wait = pacing.take(5, pacing.of_trunk(trunk))
    assert granted == 0
    assert 28 < wait <= 30
    redis_client.hincrbyfloat(f"pace:{trunk.pk}", "slow", -31)
    assert pacing.take(5, pacing.of_trunk(trunk))[0] == 5


def test_a_bucket_that_nobody_uses_is_forgotten(trunk: Trunk, redis_client: Redis) -> None:
    pacing.take(1, pacing.of_trunk(trunk))
    assert 0 < redis_client.ttl(f"pace:{trunk.pk}") <= 61


@pytest.mark.usefixtures("dead_redis")
def test_without_redis_nothing_is_granted_and_nothing_breaks(trunk: Trunk) -> None:
    # No worker may send faster than the provider allows because it cannot see the others.
    assert pacing.take(5, pacing.of_trunk(trunk)) == (0, 1.0)
    pacing.give_back(5, pacing.of_trunk(trunk))
    pacing.slow_down(pacing.of_trunk(trunk), 5)


def test_a_number_and_its_trunk_are_both_asked(trunk: Trunk) -> None:
    number, both = pacing.of_number(trunk, "+12025550100", 2), pacing.of_trunk(trunk)
    granted, wait = pacing.take(50, number, both)
    assert (granted, 0.3 < wait <= 0.5) == (2, True)
    # What the number did not grant is still there for the other numbers of the trunk.
    assert pacing.take(50, both)[0] == 8
    assert pacing.take(1, pacing.of_number(trunk, "+12025550101", 2), both)[0] == 0
    # And what the trunk did not grant is still there for the number.
    assert pacing.take(2, pacing.of_number(trunk, "+12025550101", 2))[0] == 2

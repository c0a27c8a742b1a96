"""The sweep is rung again and again, whatever happens to the clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from redis import Redis

from portal.beat import Steady
from portal.celery import app
from tests import bells

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ENOUGH = 3  # rounds: each rings at most once


def swept(beat: Steady, client: Redis, now: datetime) -> bool:
    """Let the beat do some rounds; return whether it rang the sweep."""
    client.flushdb()
    with time_machine.travel(now, tick=False):
        for _each in range(ENOUGH):
            beat.tick()
    return ("sweep", []) in bells.rung(client)


@pytest.mark.parametrize("jump", [timedelta(0), timedelta(hours=-1), timedelta(hours=1)])
def test_the_beat_goes_on_when_the_clock_jumps(
    redis_client: Redis, tmp_path: Path, jump: timedelta
) -> None:
    with time_machine.travel(NOON, tick=False):
        beat = Steady(app=app, schedule_filename=str(tmp_path / "schedule"))
    soon = NOON + timedelta(seconds=6)
    assert swept(beat, redis_client, soon)
    # The first round sees the jump, the next one comes in its time.
    swept(beat, redis_client, soon + jump)
    assert swept(beat, redis_client, soon + jump + timedelta(seconds=6))
    beat.close()

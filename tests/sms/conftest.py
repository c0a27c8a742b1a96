"""What the tests of the flows share: the carrier behind sandbox trunks, and who texts whom."""

from collections.abc import Iterator

import pytest
import responses
from pytest_django import Settings

from portal.models import CallerID
from sms import bell, pacing
from tests import factories
from tests.fakes import FakeProvider


@pytest.fixture
def carrier(network: responses.RequestsMock) -> FakeProvider:
    """Play the sandbox carrier at its HTTP edge."""
    return FakeProvider(network)


@pytest.fixture
def line() -> CallerID:
    """Give an extension that texts and is texted: a DID, a caller ID and a rule."""
    return factories.line()


@pytest.fixture
def dead_redis(settings: Settings) -> Iterator[None]:
    """Let this process find nobody where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_redis()
    yield
    forget_redis()


def forget_redis() -> None:
    """Let the next call make its connection anew."""
    bell.connection.cache_clear()
    pacing.script.cache_clear()

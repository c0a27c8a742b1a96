"""One running product for all cases, and a fresh account of what it accepted for each."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import audit, points
from tests.faults.provider import Provider
from tests.faults.world import EXTENSIONS, LAUNCHER, World
from tests.journeys.conftest import configuration
from tests.stack import Stack
from tests.web import Api


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all cases in one process: the product is started once."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often what depends on chance is repeated; ``make faults`` asks for more."""
    return int(os.environ.get("ROUNDS", "3"))


def _rig(stack: Stack) -> None:
    """Have the processes started so that they can be hurt at a point."""
    # Two kills within seconds are too many for granian: the launcher starts it again instead.
    _granian, *words, _app = stack.commands["web"]
    words.remove("--respawn-failed-workers")
    stack.commands |= {
        "web": [LAUNCHER, "web", *words, "tests.faults.web:application"],
        "worker": [LAUNCHER, "worker"],
        "beat": [LAUNCHER, "beat"],
    }


def _configured(stack: Stack, provider: Provider, orders: Path) -> World:
    file = stack.folder / "apply.json"
    file.write_text(configuration(provider.url))
    printed = [line.split() for line in stack.manage("apply", str(file)).splitlines()]
    webhooks = {words[1]: words[-1] for words in printed if words[:1] == ["webhook"]}
    issue = ("issue_token", "--tenant", "alder", "--extension")
    with ThreadPoolExecutor(len(EXTENSIONS)) as pool:
        tokens = pool.map(lambda number: stack.manage(*issue, number), EXTENSIONS.values())
    apis = {
        trunk: Api(stack.url, token.strip())
        for trunk, token in zip(EXTENSIONS, tokens, strict=True)
    }
    return World(stack, provider, webhooks, apis, orders)


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The product; what happened to it in all cases together is looked at once more at the end."""
    folder = tmp_path_factory.mktemp("faults")
    orders = folder / "orders"
    orders.mkdir()
    with Provider() as provider:
        stack = Stack(
            folder,
            ALLOW_PRIVATE_PROVIDER_HOSTS=provider.host,
            CLAIM_TIMEOUT="3",
            **{points.VARIABLE: str(orders)},
        )
        _rig(stack)
        with stack:
            world = _configured(stack, provider, orders)
            yield world
            assert audit.doubled(world) == {}
            assert audit.left(world) == []


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The product as it is when nothing is wrong, with an empty account."""
    running.stack.wait_ready()
    yield replace(running, accepted={}, brought=set(), parties={}, idents={})
    running.provider.be_well()
    for kind in running.stack.servers:
        if not running.stack.pids(kind):
            running.stack.restart(kind)  # the case failed while it was away

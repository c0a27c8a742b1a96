"""What every test stands on: the embedded servers, a Redis of its own, and no network.

The process that pytest was started as (under xdist: the controller) starts PostgreSQL and Valkey
below `VAR_DIR` (default `var/test`) before the settings are read, and stops them at the end; the
workers of xdist inherit the addresses. pytest-django makes one database per worker, and each worker
has a Redis database of its own. `DATABASE_URL` and `REDIS_URL` are used instead where they are set.
"""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator

import django
import pytest
import redis
import responses
from django.conf import settings
from django.core.signals import request_finished, request_started
from hypothesis import HealthCheck
from hypothesis import settings as given_settings
from playwright.sync_api import Browser, sync_playwright
from pytest_django import Settings

from portal import embedded
from portal.memory import memory

SERVERS = contextlib.ExitStack()
# Chromium's own errands would be refused by a machine without a network, many at a time.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def prepare() -> None:
    """Give the settings an environment that does not depend on who runs the tests."""
    os.environ["ENV_FILE"] = os.devnull  # a developer's .env may name a real database
    os.environ["DEBUG"] = "true"
    os.environ.setdefault("VAR_DIR", "var/test")
    SERVERS.enter_context(embedded.prepare(os.environ))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        # Valkey has 16 databases; the first one is the controller's.
        number = int(worker.removeprefix("gw")) % 15 + 1
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{number}"


# Here and not in a hook: what is imported next (factories, tests) needs the applications.
prepare()
django.setup()
# Importing portal named them. A worker of xdist inherits our environment, and pytest-django would
# read them there before the worker's own Redis database is chosen.
os.environ.pop("DJANGO_SETTINGS_MODULE")


def pytest_unconfigure() -> None:
    """Leave the servers; the last one to do so stops them."""
    SERVERS.close()


def touches_the_world(request: pytest.FixtureRequest) -> bool:
    """Tell whether the test drives the running product."""
    return any(request.node.get_closest_marker(name) for name in ("journey", "browser"))


# Properties are tried with the same examples in every run; many others are tried with
# `PYTEST_ADDOPTS=--hypothesis-profile=long`.
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]
given_settings.register_profile(
    "steady",
    derandomize=True,
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=UNHURRIED,
)
given_settings.register_profile(
    "long",
    max_examples=2000,
    stateful_step_count=80,
    deadline=None,
    suppress_health_check=UNHURRIED,
)
given_settings.load_profile("steady")


@pytest.fixture(autouse=True)
def network(request: pytest.FixtureRequest) -> Iterator[responses.RequestsMock | None]:
    """Cut the network: a call that the test did not foresee is an error."""
    if touches_the_world(request):
        yield None
        return
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    """Talk to the Redis database of this worker."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty_redis(redis_client: redis.Redis) -> None:
    """Forget bells, buckets and marks of the test before."""
    redis_client.flushdb()


@pytest.fixture(autouse=True)
def _fresh_memory(settings: Settings) -> None:
    """Keep nothing of the test before, and see every change at once."""
    settings.MEMORY_SECONDS = 0.0
    memory.forget()


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Hash passwords quickly: how well they are hashed is Django's own test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _answered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the server that a browser talks to finish its answers before the database is emptied.

    A browser that closes does not wait for them, and both would wait for each other's locks.
    """
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("live_server")  # before us, so that it ends after us
    answering: set[int] = set()
    changed = threading.Condition()

    def begun(**_signal: object) -> None:
        with changed:
            answering.add(threading.get_ident())

    def ended(**_signal: object) -> None:
        with changed:
            answering.discard(threading.get_ident())
            changed.notify_all()

    request_started.connect(begun, weak=False)
    request_finished.connect(ended, weak=False)
    try:
        yield
        with changed:
            assert changed.wait_for(lambda: not answering, 20)
    finally:
        request_started.disconnect(begun)
        request_finished.disconnect(ended)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium: the machine's own where there is one, else Playwright's.

    For one module at a time, because its event loop would stand in the way of other tests.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # That loop lives in this thread, which Django takes for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()

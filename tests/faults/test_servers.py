"""Valkey and PostgreSQL gone, empty, slow, out of connections: what was answered is there."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.faults.audit import settled
from tests.faults.provider import Step
from tests.faults.world import BOTH, TWILIO, World
from tests.stack import status_of, wait_until

# A provider that waits longer for the answer to its webhook is used to busy servers.
AN_ANSWER_WITHIN = 10.0
MOST = 500  # more connections than PostgreSQL has


def traffic(world: World, word: str, count: int = 4) -> dict[str, int]:
    """Send and bring texts through both trunks, all at once; return the status of each."""
    asked = {
        f"{trunk} {word} {way} {number}": (act, trunk)
        for trunk in BOTH
        for number in range(count)
        for way, act in (("out", world.send), ("in", world.bring))
    }
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = {text: pool.submit(act, trunk, text) for text, (act, trunk) in asked.items()}
        return {text: answer.result() for text, answer in answers.items()}


def once_more(world: World, word: str) -> None:
    """Ask again for what got no answer, as everybody does, until it is taken."""
    wait_until(
        lambda: set(traffic(world, word, 1).values()) == {200, 202}, what="answers to everybody"
    )


def held(world: World, word: str) -> None:
    """Have a call open on each trunk: the provider has read it and does not answer yet.

    There was traffic before, so that every process has in memory whatever it keeps there.
    """
    assert set(traffic(world, f"{word} before").values()) == {200, 202}
    for trunk in BOTH:
        text = f"{trunk} {word} open"
        world.provider.script(text, Step(held=True))
        world.send_all(trunk, text)
        wait_until(lambda: world.provider.read(text), what="the request")  # noqa: B023 - at once


@pytest.mark.parametrize("empty", [False, True], ids=["with its data", "empty"])
def test_a_valkey_that_stops_and_comes_back(world: World, empty: bool) -> None:
    provider, word, workers = world.provider, f"valkey {empty}", world.workers()
    with provider.without(provider.gate):
        held(world, word)
        world.stack.kill("valkey")
    started = time.monotonic()
    statuses = traffic(world, word)
    took = time.monotonic() - started
    assert status_of(world.stack.port, "/readyz") == 503
    world.stack.restart("valkey", empty=empty)
    assert set(statuses.values()) == {200, 202}
    assert took < AN_ANSWER_WITHIN
    assert set(settled(world).values()) == {"accepted", "received"}
    # The same worker has found it again.
    world.stack.wait_ready()
    assert world.workers() == workers


def test_a_valkey_that_does_not_answer_delays_nobody_for_long(world: World) -> None:
    started = time.monotonic()
    with world.frozen("valkey"):
        statuses = traffic(world, "frozen valkey", 1)
        took = time.monotonic() - started
    assert set(statuses.values()) == {200, 202}
    assert took < AN_ANSWER_WITHIN
    assert set(settled(world).values()) == {"accepted", "received"}


def test_a_slow_valkey_loses_and_doubles_nothing(world: World) -> None:
    with slow(world.stack.pids("valkey")[0]):
        statuses = traffic(world, "slow valkey")
        assert set(statuses.values()) == {200, 202}
        assert set(settled(world).values()) == {"accepted", "received"}


@contextlib.contextmanager
def slow(pid: int) -> Iterator[None]:
    """Let a process work only a few milliseconds of every tenth of a second."""
    over = threading.Event()

    def hinder() -> None:
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            over.wait(0.1)
            os.kill(pid, signal.SIGCONT)
            over.wait(0.005)

    thread = threading.Thread(target=hinder)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda one: one.name)
def test_a_postgresql_that_is_restarted_under_open_calls(
    world: World, number: signal.Signals
) -> None:
    provider, word, web = world.provider, f"postgres {number.name}", world.workers("web")
    with provider.without(provider.gate):
        held(world, word)
        world.stack.kill("postgres", number)
    with ThreadPoolExecutor(1) as pool:
        # Each waits five seconds for a connection.
        ready = pool.submit(status_of, world.stack.port, "/readyz")
        refused = traffic(world, word, 1)
    assert not {200, 202} & set(refused.values())
    assert ready.result() == 503
    assert status_of(world.stack.port, "/healthz") == 200
    world.stack.restart("postgres")
    once_more(world, word)
    states = settled(world)
    # The answer came while it could not be written.
    assert states.pop(f"{TWILIO} {word} open") in {"accepted", "unconfirmed"}
    assert set(states.values()) == {"accepted", "received"}
    assert world.workers("web") == web


def test_a_postgresql_out_of_connections_makes_nobody_promise_anything(world: World) -> None:
    provider, word = world.provider, "full"
    with provider.without(provider.gate):
        held(world, word)
        with no_connection_free(world):
            statuses = traffic(world, word, 1)
            assert not {200, 202} & set(statuses.values())
            assert status_of(world.stack.port, "/healthz") == 200
    once_more(world, word)
    states = settled(world)
    # The worker lost its connections too while the call was open.
    assert states.pop(f"{TWILIO} {word} open") in {"accepted", "unconfirmed"}
    assert set(states.values()) == {"accepted", "received"}


@contextlib.contextmanager
def no_connection_free(world: World) -> Iterator[None]:
    """Take every connection that PostgreSQL has, also those that the product had."""
    url = world.stack.env["DATABASE_URL"]
    others = """
        SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND application_name <> 'hoarder'
    """
    with contextlib.ExitStack() as stack:

        def take() -> psycopg.Connection:
            return stack.enter_context(
                psycopg.connect(url, autocommit=True, application_name="hoarder")
            )

        first = take()

        def is_alone() -> bool:
            first.execute(others)
            with contextlib.suppress(psycopg.OperationalError):
                for _each in range(MOST):
                    take()
            return not first.execute(others).fetchall()

        wait_until(is_alone, 60, what="a PostgreSQL without a free connection")
        yield

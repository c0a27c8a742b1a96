"""What an open browser is told, over a real Redis, through the ASGI application itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
import time_machine
from django.core import signing

from sms import hub, push
from sms.bell import on_air

TIMEOUT = 10


class Browser:
    """The other end of one ASGI request."""

    def __init__(self, application: push.Application, path: str, **query: str) -> None:
        self.received: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": urlencode(query).encode(),
        }
        self.task = asyncio.ensure_future(application(scope, self.receive, self.send))

    async def receive(self) -> Mapping[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.reads.wait()
        await self.received.put(message)

    async def read(self) -> Mapping[str, Any]:
        """Return the next message of the server."""
        return await asyncio.wait_for(self.received.get(), TIMEOUT)

    async def frame(self) -> str:
        """Return the next part of the stream."""
        body: bytes = (await self.read())["body"]
        return body.decode()

    async def leave(self) -> None:
        """Close the connection and wait for the server to notice."""
        self.gone.set()
        await asyncio.wait_for(self.task, TIMEOUT)


@asynccontextmanager
async def running() -> AsyncIterator[push.Application]:
    """One push process."""
    application = push.Application()
    try:
        yield application
    finally:
        if application.hub is not None:
            await application.hub.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others, "a task was left behind"


def connected(redis_client: redis.Redis, kind: str | None = None) -> set[str]:
    """Return the ids of the connections to this worker's database; other workers have others."""
    own = str(redis_client.connection_pool.connection_kwargs["db"])
    clients: list[dict[str, str]] = redis_client.client_list(_type=kind)
    return {client["id"] for client in clients if client["db"] == own}


def play(scene: Callable[[push.Application], Awaitable[None]]) -> None:
    """Run a scene in an event loop of its own."""

    async def main() -> None:
        async with running() as application:
            await scene(application)

    asyncio.run(main())


async def listening(application: push.Application, *channels: str) -> Browser:
    """Return a browser that was greeted."""
    browser = Browser(application, "/events", token=push.make_token(list(channels)))
    head = await browser.read()
    assert head["status"] == 200
    assert (b"content-type", b"text/event-stream") in head["headers"]
    assert (b"access-control-allow-origin", b"*") in head["headers"]
    assert await browser.frame() == "event: hello\ndata: {}\n\n"
    return browser


def test_a_browser_hears_its_channels_and_no_others(redis_client: redis.Redis) -> None:
    async def scene(application: push.Application) -> None:
        desk = await listening(application, "extension:1", "extension:2")
        other = await listening(application, "extension:3")
        redis_client.publish(on_air("extension:3"), json.dumps({"id": 8, "for": "other"}))
        redis_client.publish(on_air("extension:2"), json.dumps({"for": "desk"}))
        assert await desk.frame() == 'data: {"for": "desk"}\n\n'
        assert await other.frame() == 'id: 8\ndata: {"id": 8, "for": "other"}\n\n'
        redis_client.publish(on_air("extension:2"), '{"n": 1}\n{"n": 2}')
        assert await desk.frame() == 'data: {"n": 1}\n\ndata: {"n": 2}\n\n'
        await desk.leave()
        await other.leave()

    play(scene)


def test_many_browsers_hear_through_one_connection(redis_client: redis.Redis) -> None:
    async def scene(application: push.Application) -> None:
        # By name and not by number: a connection of an earlier test may still be closing.
        before = connected(redis_client, kind="pubsub")
        browsers = [await listening(application, "extension:1") for _ in range(50)]
        assert len(connected(redis_client, kind="pubsub") - before) == 1
        redis_client.publish(on_air("extension:1"), "{}")
        assert {await browser.frame() for browser in browsers} == {"data: {}\n\n"}
        for browser in browsers:
            await browser.leave()

    play(scene)


def test_a_channel_is_heard_only_while_somebody_listens(redis_client: redis.Redis) -> None:
    def heard() -> int:
        return int(redis_client.pubsub_numsub(on_air("extension:77"))[0][1])

    async def scene(application: push.Application) -> None:
        first = await listening(application, "extension:77")
        second = await listening(application, "extension:77")
        await first.leave()
        assert heard() == 1
        await second.leave()
        third = await listening(application, "extension:78")  # its hello comes after the leaving
        assert heard() == 0
        await third.leave()

    play(scene)


def test_a_lost_redis_is_told_and_followed_by_a_new_hello(redis_client: redis.Redis) -> None:
    async def scene(application: push.Application) -> None:
        browser = await listening(application, "extension:1")
        for client in connected(redis_client, kind="pubsub"):
            redis_client.client_kill_filter(_id=client)
        assert await browser.frame() == "event: lost\ndata: {}\n\n"
        assert await browser.frame() == "event: hello\ndata: {}\n\n"
        redis_client.publish(on_air("extension:1"), '{"again": true}')
        assert await browser.frame() == 'data: {"again": true}\n\n'
        await browser.leave()

    play(scene)


def test_a_browser_that_does_not_read_is_let_go(redis_client: redis.Redis) -> None:
    async def scene(application: push.Application) -> None:
        slow = await listening(application, "extension:1")
        swift = await listening(application, "extension:1")
        slow.reads.clear()
        for number in range(hub.QUEUE + 2):
            redis_client.publish(on_air("extension:1"), json.dumps({"n": number}))
            assert f'"n": {number}' in await swift.frame()
        assert application.hub is not None
        assert len(application.hub.clients[on_air("extension:1")]) == 1
        slow.reads.set()
        await asyncio.wait_for(slow.task, TIMEOUT)
        await swift.leave()

    play(scene)


def test_a_burst_reaches_whoever_reads(redis_client: redis.Redis) -> None:
    async def scene(application: push.Application) -> None:
        browsers = [await listening(application, "extension:1") for _ in range(5)]
        pipe = redis_client.pipeline(transaction=False)
        for number in range(2 * hub.QUEUE):
            pipe.publish(on_air("extension:1"), json.dumps({"n": number}))
        pipe.execute()
        for number in range(2 * hub.QUEUE):
            assert {await one.frame() for one in browsers} == {f'data: {{"n": {number}}}\n\n'}
        for browser in browsers:
            await browser.leave()

    play(scene)


def test_a_silent_stream_is_kept_open_by_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "PING_EVERY", 0.05)

    async def scene(application: push.Application) -> None:
        browser = await listening(application, "extension:1")
        assert await browser.frame() == "event: ping\ndata: {}\n\n"
        await browser.leave()

    play(scene)


@pytest.mark.parametrize("token", ["", "forged", "eyJjIjpbXX0:abc:def"])
def test_a_bad_token_opens_nothing(token: str) -> None:
    async def scene(application: push.Application) -> None:
        browser = Browser(application, "/events", token=token)
        assert (await browser.read())["status"] == 403
        assert json.loads(await browser.frame())["code"] == "token_invalid"
        await browser.task

    play(scene)


def test_a_stream_ends_with_its_token(redis_client: redis.Redis) -> None:
    async def scene(application: push.Application) -> None:
        token = push.make_token(["extension:1"], seconds=0.5)
        browser = Browser(application, "/events", token=token)
        assert (await browser.read())["status"] == 200
        await asyncio.wait_for(browser.task, 10)
        redis_client.publish(on_air("extension:1"), json.dumps({"for": "desk"}))
        again = Browser(application, "/events", token=token)
        assert (await again.read())["status"] == 403
        await again.task

    play(scene)


def test_a_token_is_good_for_a_quarter_of_an_hour() -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        token = push.make_token(["extension:1"])
        clock.shift(899)
        assert push.read_token(token) == (["extension:1"], 1.0)
        clock.shift(3)
        with pytest.raises(signing.SignatureExpired):
            push.read_token(token)


def test_a_token_made_for_something_else_opens_nothing() -> None:
    with pytest.raises(signing.BadSignature):
        push.read_token(signing.dumps({"c": ["extension:1"]}, salt="something else"))


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/", 404), ("/events/", 404)])
def test_nothing_else_is_here(path: str, status: int) -> None:
    async def scene(application: push.Application) -> None:
        browser = Browser(application, path)
        assert (await browser.read())["status"] == status
        await browser.task

    play(scene)

"""Knows how one Redis connection serves every open stream of a process, and what a stream is told.

The flows publish JSON objects, one a line (`sms.bell.tell_all`). Losing Redis costs news, never
rows, so a client that lost it is told twice: `lost` now, `hello` as soon as it can hear again.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterable

import redis
from redis import asyncio as redis_asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from sms import attendance
from sms.bell import on_air

log = logging.getLogger(__name__)

PING_EVERY = 15.0  # proxies close a stream that says nothing for 30 to 60 seconds
QUEUE = 256  # frames a slow client may lag behind before it is let go; it reconnects and catches up
BREATHS, BREATH = 10, 0.001  # how often and long (seconds) writers are waited for in a burst
RETRY_FIRST, RETRY_MOST = 0.2, 5.0
HELLO = b"event: hello\ndata: {}\n\n"
LOST = b"event: lost\ndata: {}\n\n"
PING = b"event: ping\ndata: {}\n\n"


class Client:
    """One open stream: the frames that wait to be written, the channels not yet confirmed."""

    def __init__(self, channels: Iterable[str]) -> None:
        self.channels = {on_air(channel) for channel in channels}
        self.unconfirmed = set(self.channels)
        self.frames: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def offer(self, frame: bytes) -> None:
        """Queue a frame; a client that lags too far behind is let go."""
        if self.over.done():
            return
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.end()

    def end(self) -> None:
        """Let the stream end after the frame that is being written."""
        if self.over.done():
            return
        self.over.set_result(None)
        while not self.frames.empty():
            self.frames.get_nowait()
        self.frames.put_nowait(None)

    def confirm(self, channel: str) -> None:
        """Say hello as soon as every channel is heard."""
        if channel in self.unconfirmed:
            self.unconfirmed.discard(channel)
            if not self.unconfirmed:
                self.offer(HELLO)

    def lose(self) -> None:
        """Say that Redis is away, and that a hello will follow."""
        self.unconfirmed = set(self.channels)
        self.offer(LOST)


class Hub:
    """One Redis connection for all clients of the process: a channel is subscribed while used."""

    def __init__(self, url: str) -> None:
        # Reconnecting is ours, because every client has to be told.
        self.redis = redis_asyncio.Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=2
        )
        self.clients: dict[str, set[Client]] = {}
        self.heard: set[str] = set()
        self.line: PubSub | None = None
        # What the dictionary says and what was asked of Redis change in the same order.
        self.order = asyncio.Lock()
        self.listener: asyncio.Task[None] | None = None
        self.caller: asyncio.Task[None] | None = None
        # What the roll is still to hear: who came, and whose last stream here has ended.
        self.came: set[int] = set()
        self.ended: set[int] = set()
        self.stirred = asyncio.Event()

    async def join(self, client: Client) -> None:
        """Let the client hear its channels; its hello comes when Redis has confirmed them all."""
        if self.listener is None:
            self.listener = asyncio.create_task(self.listen())
            self.caller = asyncio.create_task(self.call_roll())
        async with self.order:
            for channel in client.channels:
                self.clients.setdefault(channel, set()).add(client)
                self.came.update(extensions([channel]))
                if channel in self.heard:
                    client.confirm(channel)
            if client.unconfirmed and self.line is not None:
                with contextlib.suppress(redis.RedisError, OSError):  # the listener sees it too
                    await self.line.subscribe(*client.unconfirmed)
        self.stirred.set()

    async def leave(self, client: Client) -> None:
        """Forget the client, and the channels that only it heard."""
        async with self.order:
            unused = []
            for channel in client.channels:
                self.clients[channel].discard(client)
                if not self.clients[channel]:
                    del self.clients[channel]
                    unused.append(channel)
            self.ended.update(extensions(unused))
            self.heard.difference_update(unused)
            if unused and self.line is not None:
                with contextlib.suppress(redis.RedisError, OSError):
                    await self.line.unsubscribe(*unused)
        self.stirred.set()

    async def call_roll(self) -> None:
        """Note whose client is open: who comes and goes at once, all of them with every ping."""
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self.stirred.wait()
            self.stirred.clear()
            open_here = extensions(self.clients)
            came, ended = self.came & open_here, self.ended - open_here
            self.came, self.ended = set(), set()
            if clock() >= due:
                came, due = open_here, clock() + PING_EVERY
            try:
                async with asyncio.timeout(RETRY_MOST):
                    await self.note(came, ended)
            except (redis.RedisError, OSError) as error:
                log.warning("push.roll_unheard reason=%s", type(error).__name__)

    async def note(self, came: set[int], ended: set[int]) -> None:
        """Write it into the roll; another process may have a stream of who left here."""
        if came:
            await self.redis.zadd(attendance.ROLL, attendance.until(came, attendance.OPEN))
        if ended:
            short = attendance.until(ended, attendance.GRACE)
            await self.redis.zadd(attendance.ROLL, short, xx=True, lt=True)

    async def listen(self) -> None:
        """Hand out what Redis publishes, for ever; after every loss connect again."""
        pause = RETRY_FIRST
        while True:
            try:
                async with self.redis.pubsub() as line:
                    async with self.order:
                        await line.subscribe(on_air(""), *self.clients)
                        self.line = line
                        # Redis may have come back without what it knew.
                        self.came |= extensions(self.clients)
                    self.stirred.set()
                    async for kind, channel, body in messages(line):
                        pause = RETRY_FIRST
                        self.dispatch(kind, channel, body)
                        await self.breathe(channel)
            except (redis.RedisError, OSError) as error:
                log.warning("push.lost reason=%s retry_in=%s", type(error).__name__, pause)
            self.lose()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RETRY_MOST)

    async def breathe(self, channel: str) -> None:
        """Let the writers have their turn: a burst is read without ever waiting.

        Where somebody lags far behind, it may be us who are too quick. Not for long: a slow browser
        must not hold up the others.
        """
        await asyncio.sleep(0)
        for _ in range(BREATHS):
            lags = (client.frames.qsize() for client in self.clients.get(channel, ()))
            if max(lags, default=0) < QUEUE / 2:
                return
            await asyncio.sleep(BREATH)

    def dispatch(self, kind: str, channel: str, body: bytes) -> None:
        """Give one message of Redis to the clients of its channel."""
        clients = self.clients.get(channel, ())
        if kind == "subscribe" and clients:
            self.heard.add(channel)
            for client in clients:
                client.confirm(channel)
        if kind == "message" and clients:
            frame = b"".join(as_event(line) for line in body.splitlines())
            for client in clients:
                client.offer(frame)

    def lose(self) -> None:
        """Tell everybody that the line is down; say so once."""
        if self.line is None:
            return
        self.line = None
        self.heard.clear()
        for client in {client for group in self.clients.values() for client in group}:
            client.lose()

    async def close(self) -> None:
        """End the connection."""
        tasks = [task for task in (self.listener, self.caller) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.listener = self.caller = None
        await self.redis.aclose()


def extensions(channels: Iterable[str]) -> set[int]:
    """Return the extensions whose own channels are among these."""
    own = (channel.rpartition(":extension:")[2] for channel in channels)
    return {int(pk) for pk in own if pk.isdecimal()}


async def messages(line: PubSub) -> AsyncIterator[tuple[str, str, bytes]]:
    """Yield kind, channel and body; raise when Redis does not answer a ping either."""
    silent = False
    while True:
        message = await line.get_message(timeout=PING_EVERY)
        if message is not None:
            silent = False
            if message["type"] in {"subscribe", "message"}:
                body = message["data"] if message["type"] == "message" else b""
                yield message["type"], message["channel"].decode(), body
        elif silent:
            raise redis.TimeoutError("no answer to a ping")
        else:
            silent = True
            await line.ping()


def as_event(line: bytes) -> bytes:
    """Return a published JSON object as one server-sent event."""
    news = json.loads(line)
    ident = f"id: {news['id']}\n" if "id" in news else ""
    return f"{ident}data: {json.dumps(news)}\n\n".encode()

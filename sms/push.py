"""Knows how news reaches an open browser: the push process, `GET /events?token=…`.

A token names the channels it opens (`extension:7`) and is good for a quarter of an hour, and so is
the stream that it opened: who was signed out gets no new one. The answer is a stream of server-sent
events: `event: hello` once it listens (the browser then asks the API for what it missed), every
published object as `data:` (with `id:` where the object has one), `event: ping` where it is silent
for long (without one the line is dead), and `event: lost` while Redis is away, followed by a new
`hello`. A browser whose token grew old while it was away gets 403 and asks `/api/v1/events` for a
new one. No database, no Django request handling.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.core import signing

from sms.hub import PING, PING_EVERY, Client, Hub

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

SALT = "sms.push"
MAX_AGE = 900  # seconds that a token is good for, and the stream that it opened


def make_token(channels: list[str], seconds: float = MAX_AGE) -> str:
    """Return what opens these channels, to somebody who was shown to be allowed to hear them."""
    return signing.dumps({"c": channels, "until": time.time() + seconds}, salt=SALT)


def read_token(token: str) -> tuple[list[str], float]:
    """Return the channels of a token, and for how many seconds it is still good.

    Raises `signing.BadSignature` if it is forged or too old.
    """
    found = signing.loads(token, salt=SALT)
    left = found["until"] - time.time()
    if left <= 0:
        raise signing.SignatureExpired("the token is too old")
    return found["c"], left


class Application:
    """The ASGI application of the push process."""

    def __init__(self) -> None:
        self.hub: Hub | None = None  # made inside the event loop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["type"] == "http" and scope["method"] == "GET":
            await self.answer(scope, receive, send)
        elif scope["type"] == "http":
            await say(send, 405, {"code": "method_not_allowed", "detail": "Use GET."})

    async def live(self, receive: Receive, send: Send) -> None:
        """Follow the server's own life."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                if self.hub is not None:
                    await self.hub.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route the two addresses there are."""
        if scope["path"] == "/healthz":
            await say(send, 200, {"status": "ok"})
            return
        if scope["path"] != "/events":
            await say(send, 404, {"code": "not_found", "detail": "Only /events is here."})
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        try:
            channels, seconds = read_token(query.get("token", [""])[0])
        except signing.BadSignature:
            detail = "The token is missing, forged or too old. Ask /api/v1/events for a new one."
            await say(send, 403, {"code": "token_invalid", "detail": detail})
            return
        await self.stream(Client(channels), seconds, receive, send)

    async def stream(self, client: Client, seconds: float, receive: Receive, send: Send) -> None:
        """Write events until the browser leaves or cannot keep up, or the token grew old."""
        if self.hub is None:
            self.hub = Hub(settings.REDIS_URL)
        await start(send, 200, b"text/event-stream")
        await self.hub.join(client)
        writing = asyncio.create_task(write(client, send))
        gone = asyncio.create_task(left(receive))
        ends = {writing, gone, client.over}
        try:
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            client.end()
            await self.hub.leave(client)
        # The writer is never cancelled: granian would not wake one that waits for a slow browser.
        await asyncio.wait({writing, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        # A write to a browser that has left fails; there is nobody to tell.
        await asyncio.gather(writing, gone, return_exceptions=True)
        with contextlib.suppress(OSError, RuntimeError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def write(client: Client, send: Send) -> None:
    """Write what is queued until the client's end, and a ping when nothing was for a while."""
    while True:
        frame: bytes | None = PING
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PING_EVERY):
                frame = await client.frames.get()
        if frame is None:
            return
        await send({"type": "http.response.body", "body": frame, "more_body": True})


async def left(receive: Receive) -> None:
    """Return when the browser has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        continue


async def start(send: Send, status: int, content_type: bytes) -> None:
    """Write the head of an answer."""
    headers = [
        (b"content-type", content_type),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),  # nginx would hold events back
        # The token is the only proof and no cookie is read, so any origin may ask.
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def say(send: Send, status: int, body: Mapping[str, str]) -> None:
    """Answer with JSON."""
    await start(send, status, b"application/json")
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


application = Application()

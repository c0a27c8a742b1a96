"""What lies at the edge to the workers and to the browsers: published tasks, and pushed news."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis

from sms import bell

QUEUE = "default"

Heard = Callable[[], dict[str, Any] | None]


def rung(client: Redis) -> list[tuple[str, list[int]]]:
    """Return the tasks that a worker would find, oldest first, each with its arguments."""
    found = []
    for raw in reversed(client.lrange(QUEUE, 0, -1)):
        envelope = json.loads(raw)
        args = json.loads(base64.b64decode(envelope["body"]))[0]
        found.append((envelope["headers"]["task"].removeprefix("sms.tasks."), args))
    return found


@contextmanager
def browser(client: Redis, pk: int, *, kind: str = "extension") -> Iterator[Heard]:
    """Listen as an extension's open browser; what is yielded returns the next news, or None.

    ``kind`` "tenant" listens to what all browsers of a tenant hear.
    """
    listener = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call] # redis has none
    listener.subscribe(bell.on_air(f"{kind}:{pk}"))
    listener.get_message(timeout=5)  # the subscription itself

    news: list[dict[str, Any]] = []

    def heard() -> dict[str, Any] | None:
        if not news and (message := listener.get_message(timeout=1)):
            news.extend(map(json.loads, message["data"].splitlines()))
        return news.pop(0) if news else None

    try:
        yield heard
    finally:
        listener.close()

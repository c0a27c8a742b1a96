"""Knows who is there to answer: what the extension's user chose, as long as the client is open.

Without Redis nobody knows whose client is open; then the choice alone counts.
"""

import json
import logging
from collections.abc import Collection

from redis import RedisError
from redis.client import Pipeline

from portal.models import Extension
from sms import attendance, bell

log = logging.getLogger(__name__)

Presence = Extension.Presence

# What the browsers of a tenant were told last, by the extension's id; who is off is not in it.
TOLD = "presence:told"


def words(extensions: Collection[Extension]) -> dict[int, Presence]:
    """Say of each, by its id, what others see."""
    seen = attendance.seen([extension.pk for extension in extensions])
    return {
        extension.pk: _word(extension, is_open=seen is None or seen.get(extension.pk, False))
        for extension in extensions
    }


def _word(extension: Extension, *, is_open: bool) -> Presence:
    return Presence(extension.presence) if extension.enabled and is_open else Presence.OFF


def of(extension: Extension) -> Presence:
    """Say what others see of one extension."""
    return words([extension])[extension.pk]


def gone(extensions: Collection[Extension]) -> set[int]:
    """Return the ids of those who surely are not there: by choice, or because they left.

    Of somebody who never came nobody can say that he left.
    """
    seen = attendance.seen([extension.pk for extension in extensions]) or {}
    return {
        extension.pk
        for extension in extensions
        if extension.presence != Presence.AVAILABLE or not seen.get(extension.pk, True)
    }


def arrive(extension: Extension) -> None:
    """Note that the extension's client opens; whoever it is that comes is offered what waits."""
    attendance.come(extension.pk)
    # What a caller brings along is remembered, and so is what was chosen a while ago.
    tell(Extension.objects.in_bulk([extension.pk]).values())


def choose(extension: Extension, choice: str) -> None:
    """Keep what the extension's user chose."""
    Extension.objects.filter(pk=extension.pk).update(presence=choice)
    extension.presence = choice
    tell([extension])


def tell(extensions: Collection[Extension]) -> None:
    """Tell the tenants' open browsers whose presence is another than they were told."""
    if not extensions:
        return
    now = words(extensions)
    try:
        told = bell.connection().hmget(TOLD, [str(extension.pk) for extension in extensions])
        pipe = bell.connection().pipeline(transaction=False)
        for extension, before in zip(extensions, told, strict=True):
            word = now[extension.pk]
            if (before or Presence.OFF.encode()) == word.encode():
                continue
            _keep_told(pipe, extension, word)
            if word == Presence.AVAILABLE:
                bell.ring("offer_waiting")
        pipe.execute()
    except RedisError as error:
        log.warning("presence.untold error=%s", error)


def _keep_told(pipe: Pipeline, extension: Extension, word: Presence) -> None:
    if word == Presence.OFF:
        pipe.hdel(TOLD, str(extension.pk))
    else:
        pipe.hset(TOLD, str(extension.pk), word)
    news = {"type": "presence", "extension": extension.number, "presence": word}
    pipe.publish(bell.on_air(f"tenant:{extension.tenant_id}"), json.dumps(news))


def tell_changes() -> None:
    """Look at everybody who is there, or was when it was last told; tell who came or left."""
    try:
        told = set(map(int, bell.connection().hkeys(TOLD)))
        known = Extension.objects.in_bulk(attendance.present() | told)
        deleted = told - known.keys()
        if deleted:
            bell.connection().hdel(TOLD, *map(str, deleted))
    except RedisError as error:
        log.warning("presence.untold error=%s", error)
        return
    tell(known.values())

"""What must be true after every fault, whatever it was."""

from collections import Counter
from urllib.parse import quote_plus

from tests.faults.world import World
from tests.stack import wait_until

# Where the provider said that it has the message.
TAKEN = {"accepted", "sent", "delivered"}
# Where nobody needs to be told why.
WELL = TAKEN | {"received"}


def settled(world: World, seconds: float = 60.0) -> dict[str, str]:
    """Wait until nothing moves, make the four assertions, return the state of each text.

    Nothing accepted is missing; nothing is at the provider twice; nothing is left in ``queued`` or
    ``sending``; every odd end is visible with its reason.
    """
    try:
        wait_until(lambda: not left(world), seconds)
    except AssertionError:
        assert left(world) == []
    rows = world.rows("SELECT id, text, state, error FROM sms_message")
    texts = {ident: text for ident, text, _state, _error in rows}
    assert {ident: texts.get(ident) for ident in world.accepted} == world.accepted
    assert missing(world) == []
    ours = set(world.accepted.values()) | world.brought
    assert ours & set(doubled(world)) == set()
    states = {text: state for _id, text, state, _error in rows if text in ours}
    # What we say of a message is what happened to it.
    said = {text for text in world.accepted.values() if states[text] in TAKEN}
    assert said - set(world.provider.messages) == set()
    denied = {text for text in world.accepted.values() if states[text] == "failed"}
    assert denied & set(world.provider.messages) == set()
    silent = [(text, state) for _id, text, state, error in rows if state not in WELL and not error]
    assert silent == []
    return states


def left(world: World) -> list[tuple[object, ...]]:
    """Return what still waits for a worker."""
    return world.rows(
        "SELECT 'message', state, text FROM sms_message WHERE state IN ('queued', 'sending')"
        " UNION ALL SELECT 'event', reason, detail FROM sms_providerevent WHERE state = 'due'"
        " UNION ALL SELECT 'file', error, source_url FROM sms_mediafile WHERE state = 'waiting'"
    )


def missing(world: World) -> list[str]:
    """Return what a provider brought that is neither a message nor in quarantine with a reason."""
    found = {text for (text,) in world.rows("SELECT text FROM sms_message")}
    return sorted(text for text in world.brought - found if not reasons(world, text))


def reasons(world: World, text: str) -> set[str]:
    """Return why webhooks with this text are in quarantine."""
    found = world.rows("SELECT body, reason FROM sms_providerevent WHERE state = 'quarantined'")
    writings = (text.encode(), quote_plus(text).encode())
    return {reason for body, reason in found if reason and any(one in body for one in writings)}


def doubled(world: World) -> dict[str, int]:
    """Return what is at the provider, or came in, more than once."""
    found = Counter(
        text for (text,) in world.rows("SELECT text FROM sms_message WHERE direction = 'inbound'")
    )
    counts = [*world.provider.messages.items(), *found.items()]
    return {text: count for text, count in counts if count > 1}

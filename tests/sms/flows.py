"""Walks the ways of a message as the workers walk them, without Celery."""

from queue import SimpleQueue

from portal.memory import memory
from portal.models import Extension, Trunk
from sms import dispatch, intake, outbound
from sms.drafts import Draft
from sms.models import Message, ProviderEvent
from tests import fakes


def store(trunk: Trunk, *items: object) -> ProviderEvent:
    """Accept one post of the carrier and return its event."""
    intake.accept(trunk, fakes.webhook(trunk, *items), "192.0.2.7")
    return ProviderEvent.objects.latest("id")


def drain_events() -> None:
    """Process all events that are due."""
    assert intake.drain(SimpleQueue()) is False


def receive(trunk: Trunk, *items: object) -> ProviderEvent:
    """Accept one post, process it, and return its event."""
    event = store(trunk, *items)
    drain_events()
    event.refresh_from_db()
    return event


def submit(extension: Extension, words: str = "Hello", to: str = fakes.REMOTE) -> Message:
    """Queue a text of the extension."""
    return outbound.submit(Draft(extension=extension, to=to, text=words))


def claim(trunk: Trunk, limit: int = 1) -> list[Message]:
    """Claim as a worker does that looks at the set-up first."""
    memory.refresh(now=True)
    return dispatch.claim(trunk, limit)


def drain(trunk: Trunk) -> bool:
    """Send what is due on the trunk."""
    return dispatch.drain(trunk.pk, SimpleQueue())


def send(extension: Extension, words: str = "Hello", to: str = fakes.REMOTE) -> Message:
    """Queue a text, send what is due on its trunk, and return the message as it is then."""
    message = submit(extension, words, to)
    assert message.trunk is not None
    drain(message.trunk)
    message.refresh_from_db()
    return message


def states(message: Message) -> list[str]:
    """Return the states that a message's history tells, in order."""
    message.refresh_from_db()
    return [line["state"] for line in message.history]

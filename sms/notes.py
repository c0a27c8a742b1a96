"""Keeps what belongs into a thread and never leaves it: notes of members, and why it changed hands.

A note calls an extension by ``@`` and its number; a mention says whom each of them is.
"""

import re
from collections.abc import Iterable

from django.db import IntegrityError, transaction

from portal.models import Extension
from sms import bell, switchboard
from sms.models import Conversation, Mention, Message, State, transition

CALL = re.compile(r"(?<![\w@])@([0-9]{2,10})\b")


def keep(
    conversation: Conversation,
    text: str,
    *,
    author: Extension | None,
    called: Iterable[Extension] = (),
    assigned: Extension | None = None,
    key: str = "",
) -> Message:
    """Add a note to the thread and tell its open browsers; without an author it is the system's.

    ``assigned`` is the agent to whom the thread was given by what the note tells.
    """
    with transaction.atomic():
        note = Message.objects.create(
            tenant_id=conversation.tenant_id,
            conversation=conversation,
            extension=author,
            direction=Message.Direction.NOTE,
            sender=author.number if author else "",
            recipient="",
            text=text,
            state=State.DELIVERED,
            client_key=key,
            history=[transition(State.DELIVERED)],
        )
        people = {extension.pk: extension for extension in called}
        if assigned:
            people[assigned.pk] = assigned
        Mention.objects.bulk_create(
            Mention(
                tenant_id=conversation.tenant_id,
                message=note,
                extension=extension,
                assigned=extension == assigned,
            )
            for extension in people.values()
        )
        news = {"type": "message", "conversation": conversation.pk, "message": note.pk}
        bell.tell(switchboard.audience(conversation), news)
    return note


def write(conversation: Conversation, text: str, *, author: Extension, key: str = "") -> Message:
    """Keep a member's note, which calls those of the thread whom its text names.

    The key is of one intention: used again, it returns what it made the first time.
    """
    readers = Extension.objects.filter(pk__in=switchboard.audience(conversation))
    called = readers.filter(number__in=set(CALL.findall(text)))
    try:
        return keep(conversation, text, author=author, called=called, key=key)
    except IntegrityError:
        return Message.objects.get(extension=author, client_key=key)

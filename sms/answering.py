"""Who still waits to be read, and how long answers took, as far as the latest messages tell.

Only so many messages are looked at, so it costs the same however long the log is.
"""

from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.db.models import Max

from portal.models import Tenant
from sms.models import Conversation, Message

LATEST = 5000


@dataclass(frozen=True)
class Standing:
    """What the latest messages tell; ``seconds`` from a text to the first answer of a person."""

    unread: frozenset[int]
    seconds: tuple[float, ...]
    is_everything: bool
    """Whether there are no older messages than those that were looked at."""

    @property
    def median(self) -> float | None:
        """Return the response time that half of the answers did not exceed."""
        return median(self.seconds) if self.seconds else None


def look(tenant: Tenant | None) -> Standing:
    """Look at the latest messages of a tenant, or of all of them."""
    rows = Message.objects.filter(tenant=tenant) if tenant else Message.objects.all()
    latest = list(
        rows.order_by("-pk").values_list(
            "pk", "conversation_id", "direction", "extension_id", "created_at"
        )[:LATEST]
    )
    asked: dict[int, datetime] = {}
    newest: dict[int, int] = {}
    seconds = []
    for pk, conversation, direction, author, at in reversed(latest):
        if direction == Message.Direction.INBOUND:
            asked.setdefault(conversation, at)
            newest[conversation] = pk
        elif direction == Message.Direction.OUTBOUND and author:  # automatic replies have no author
            newest.pop(conversation, None)
            if begun := asked.pop(conversation, None):
                seconds.append(max(0.0, (at - begun).total_seconds()))
    return Standing(_unread(newest), tuple(seconds), len(latest) < LATEST)


def _unread(newest: dict[int, int]) -> frozenset[int]:
    """Return the conversations whose newest text nobody has seen or put away."""
    marks = (
        Conversation.objects.filter(pk__in=newest, closed_at__isnull=True)
        .order_by()
        .annotate(seen=Max("read_marks__message_id"))
        .values_list("pk", "seen")
    )
    return frozenset(pk for pk, seen in marks if (seen or 0) < newest[pk])

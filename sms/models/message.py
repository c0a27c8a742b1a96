"""One text, MMS, internal chat line or note, its state, and the only moves a state can make."""

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Extension, Tenant, Trunk
from portal.models.fence import SameTenant, fence_key
from sms.models.conversation import Conversation
from sms.models.event import ProviderEvent


class State(models.TextChoices):
    """Where a message stands; the API shows these words."""

    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    ACCEPTED = "accepted", _("accepted by the provider")
    SENT = "sent", _("sent")
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("not delivered")
    FAILED = "failed", _("failed")
    UNCONFIRMED = "unconfirmed", _("may have been sent")
    HELD = "held", _("held")
    CANCELLED = "cancelled", _("cancelled")
    RECEIVED = "received", _("received")


# Forward only: a message that ended (delivered, undelivered, failed, cancelled) stays ended.
# From SENDING back to QUEUED or HELD goes only what the provider surely did not take.
# What is heard of a message that waits to be repeated: an earlier call may have arrived.
_HEARD_OF_LATER = frozenset(
    {State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED, State.UNCONFIRMED}
)
MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: _HEARD_OF_LATER | {State.SENDING, State.HELD, State.CANCELLED, State.FAILED},
    State.HELD: _HEARD_OF_LATER | {State.QUEUED, State.FAILED, State.CANCELLED},
    State.SENDING: frozenset(
        {
            State.QUEUED,
            State.HELD,
            State.ACCEPTED,
            State.SENT,
            State.DELIVERED,
            State.UNDELIVERED,
            State.FAILED,
            State.UNCONFIRMED,
        }
    ),
    State.UNCONFIRMED: frozenset(
        {State.ACCEPTED, State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED}
    ),
    State.ACCEPTED: frozenset({State.SENT, State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.SENT: frozenset({State.DELIVERED, State.UNDELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.UNDELIVERED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.RECEIVED: frozenset(),
}

# Sent, not yet known to have ended: the messages that a receipt without an id may be for.
OPEN_STATES = (State.SENDING, State.UNCONFIRMED, State.ACCEPTED, State.SENT)


def transition(
    state: str, *, at: datetime | None = None, heard: datetime | None = None, note: str = ""
) -> dict[str, str]:
    """Return one line of a message's history; ``heard`` is when, if ``at`` is another's clock."""
    line = {"state": str(state), "at": (at or timezone.now()).isoformat()}
    if heard is not None:
        line["heard"] = heard.isoformat()
    return line | {"note": note} if note else line


def _told(state: str, at: datetime | None, note: str) -> dict[str, str]:
    """Return the line for what a provider told, perhaps with the time on its own clock."""
    return transition(state, at=at, heard=timezone.now() if at else None, note=note)


def sources(target: State) -> list[State]:
    """Return the states from which a message may move to ``target``."""
    return [state for state, targets in MOVES.items() if target in targets]


def _appended(line: dict[str, str]) -> Func:
    return Func(
        F("history"),
        Value([line], output_field=models.JSONField()),
        template="%(expressions)s",
        arg_joiner=" || ",
        output_field=models.JSONField(),
    )


class MessageQuerySet(models.QuerySet["Message"]):
    """The moves: conditional updates, so that two of them at once cannot both win."""

    def move(
        self, target: State, *, at: datetime | None = None, note: str = "", **fields: Any
    ) -> int:
        """Move those that may move to ``target``; return how many did. History is kept."""
        line = _told(target, at, note)
        return self.filter(state__in=sources(target)).update(
            state=target, history=_appended(line), **fields
        )

    def remark(self, state: str, *, at: datetime | None = None, note: str = "") -> int:
        """Keep in the history what came too late to change the state."""
        return self.update(history=_appended(_told(state, at, note)))


class Message(models.Model):
    """One message between our number (or extension) and one remote party or group thread."""

    class Direction(models.TextChoices):
        """Seen from us."""

        INBOUND = "inbound", _("inbound")
        OUTBOUND = "outbound", _("outbound")
        INTERNAL = "internal", _("internal")
        # Stays with us: what members write to each other, and why a thread changed hands.
        NOTE = "note", _("note")

    class Lane(models.IntegerChoices):
        """Who goes first on a trunk: lowest."""

        REPLY = 1, _("reply")
        API = 2, _("API")
        BULK = 3, _("bulk")

    # Every state writes every index again, so a foreign key has none of its own: an index below
    # begins with it, or nothing but the deletion of a whole trunk or extension asks by it. Nor is
    # a row looked up and locked twice: the fence below leads to the conversation and its tenant.
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    trunk = models.ForeignKey(
        Trunk,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
    )
    conversation = models.ForeignKey(
        Conversation,
        on_delete=models.CASCADE,
        related_name="messages",
        db_index=False,
        db_constraint=False,
    )
    extension = models.ForeignKey(
        Extension,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
        help_text=_("Who wrote it; nobody for inbound and automatic messages."),
    )
    direction = models.CharField(_("direction"), max_length=8, choices=Direction.choices)
    sender = models.CharField(_("from"), max_length=32)
    recipient = models.CharField(_("to"), max_length=255)
    text = models.TextField(_("text"), blank=True)
    encoding = models.CharField(_("encoding"), max_length=5, blank=True)
    segments = models.PositiveSmallIntegerField(_("segments"), default=0)
    state = models.CharField(_("state"), max_length=11, choices=State.choices)
    provider_id = models.CharField(_("provider id"), max_length=128, blank=True)
    reference = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client_key = models.CharField(max_length=128, blank=True)
    client_digest = models.CharField(max_length=64, blank=True)
    error_code = models.CharField(_("provider's code"), max_length=64, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)
    history = models.JSONField(default=list)
    lane = models.PositiveSmallIntegerField(choices=Lane.choices, default=Lane.REPLY)
    due_at = models.DateTimeField(default=timezone.now)
    deadline = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    in_doubt = models.BooleanField(
        db_default=False,
        default=False,
        help_text=_("A call of which nobody knows the outcome may have sent it."),
    )
    poll_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the provider is asked for the receipt.")
    )
    event = models.ForeignKey(
        ProviderEvent,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="messages",
        db_index=False,
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    # Whether this row answers a repeated Idempotency-Key; not a column.
    replayed = False

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(
                fields=["trunk", "provider_id", "recipient"],
                condition=Q(direction="inbound"),
                name="inbound_once",
            ),
            models.UniqueConstraint(
                fields=["extension", "client_key"],
                condition=~Q(client_key=""),
                name="client_key_once",
            ),
            SameTenant(
                field="conversation", to="sms.Conversation", name="message_conversation_fence"
            ),
            fence_key("message_fence"),
        ]
        indexes = [
            models.Index(
                fields=["trunk", "lane", "id"], condition=Q(state="queued"), name="message_queued"
            ),
            models.Index(
                fields=["trunk", "sender", "lane", "id"],
                condition=Q(state="queued"),
                name="message_turns",
            ),
            models.Index(
                fields=["deadline"],
                condition=Q(state__in=["queued", "held"]),
                name="message_deadline",
            ),
            models.Index(fields=["tenant"], condition=Q(state="held"), name="message_held"),
            models.Index(
                fields=["claimed_at"], condition=Q(state="sending"), name="message_sending"
            ),
            models.Index(
                fields=["trunk", "provider_id"],
                condition=Q(direction="outbound") & ~Q(provider_id=""),
                name="message_receipt",
            ),
            models.Index(
                fields=["poll_at"], condition=Q(poll_at__isnull=False), name="message_poll"
            ),
            models.Index(fields=["event"], condition=Q(event__isnull=False), name="message_event"),
            models.Index(fields=["conversation", "-id"], name="message_thread"),
            models.Index(
                fields=["conversation", "id"],
                condition=Q(state__in=["queued", "sending"]),
                name="message_open_thread",
            ),
            models.Index(fields=["tenant", "-id"], name="message_log"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.sender} - {self.recipient}"

    @property
    def is_automatic(self) -> bool:
        """Whether nobody wrote it: not even an extension that has been deleted since."""
        is_ours = self.direction == self.Direction.OUTBOUND
        return is_ours and self.extension_id is None and not self.client_key

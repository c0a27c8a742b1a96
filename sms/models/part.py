"""Messages that travel in parts: pieces that came in, and parts with receipts of their own."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Tenant, Trunk
from portal.models.fence import SameTenant
from sms.models.message import Message, State


class InboundPiece(models.Model):
    """What one request brought of a message that comes in several.

    ``key`` stands for trunk, sender, our number and what the provider says the pieces share.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="pieces")
    key = models.CharField(max_length=64)
    provider_id = models.CharField(_("provider id"), max_length=128)
    index = models.PositiveSmallIntegerField(_("place"))
    total = models.PositiveSmallIntegerField(_("of"))
    text = models.TextField(_("text"), blank=True)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        ordering = ["index", "id"]
        constraints = [
            models.UniqueConstraint(fields=["key", "provider_id"], name="piece_once"),
            SameTenant(field="message", to="sms.Message", name="piece_message_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.index}/{self.total or '?'}"


class SentPart(models.Model):
    """One part of a long outbound text, which the provider gave an id and receipts of its own.

    Of a group text it is the share of one person: ``provider_id`` is the message's reference and
    the person's number, joined with ``;``.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="parts")
    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="+")
    provider_id = models.CharField(_("provider id"), max_length=128)
    state = models.CharField(
        _("state"), max_length=11, choices=State.choices, default=State.ACCEPTED
    )
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["trunk", "provider_id"], name="part_once"),
            SameTenant(field="message", to="sms.Message", name="part_message_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.get_state_display()}"

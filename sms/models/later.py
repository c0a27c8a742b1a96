"""A text that waits for its time; when it is due it is submitted like one just written."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Extension, Tenant
from portal.models.fence import SameTenant, fence_key
from sms.models.conversation import Conversation
from sms.models.message import Message


class LaterText(models.Model):
    """What an extension wants to send at a set time. ``to`` and ``sender`` are as typed.

    ``key`` is the Idempotency-Key of the submission, so that two sweeps make one message.
    """

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", _("waiting for its time")
        SUBMITTED = "submitted", _("handed over")
        REFUSED = "refused", _("refused")
        CANCELLED = "cancelled", _("cancelled")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="later_texts")
    extension = models.ForeignKey(Extension, on_delete=models.CASCADE, related_name="later_texts")
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, null=True, blank=True, related_name="later_texts"
    )
    to = models.CharField(_("to"), max_length=255, blank=True)
    sender = models.CharField(_("from"), max_length=40, blank=True)
    text = models.TextField(_("text"), blank=True)
    due_at = models.DateTimeField(_("to be sent"))
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    error = models.CharField(_("error"), max_length=500, blank=True)
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when it is being handed over.")
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        ordering = ["due_at", "id"]
        verbose_name = _("text to be sent later")
        verbose_name_plural = _("texts to be sent later")
        constraints = [
            SameTenant(field="extension", to="portal.Extension", name="later_extension_fence"),
            SameTenant(field="conversation", to="sms.Conversation", name="later_thread_fence"),
            fence_key("later_fence"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="later_due")
        ]

    def __str__(self) -> str:
        return f"{self.to or self.conversation_id} {self.due_at}"

"""A picture, sound or file of a message: our own copy, stored per tenant."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Extension, Tenant
from portal.models.fence import SameTenant
from sms.models.event import ProviderEvent
from sms.models.later import LaterText
from sms.models.message import Message


def storage_path(media: "MediaFile", name: str) -> str:
    """Return where the file lies: per tenant, under a name nobody can guess."""
    del name
    return f"{media.tenant_id}/{media.key.hex}"


class MediaFile(models.Model):
    """One attachment. Inbound ones wait until a worker has fetched them from the provider."""

    class State(models.TextChoices):
        """Whether our copy is there."""

        WAITING = "waiting", _("waiting to be fetched")
        READY = "ready", _("ready")
        FAILED = "failed", _("could not be fetched")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="media_files")
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, blank=True, related_name="media"
    )
    extension = models.ForeignKey(
        Extension,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Who uploaded it."),
    )
    later = models.ForeignKey(
        LaterText,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="media",
        help_text=_("The text that will take it when its time has come."),
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    source_url = models.TextField(_("provider's URL"), blank=True)
    event = models.ForeignKey(
        ProviderEvent,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The request that holds the file itself; its place stands for the URL."),
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    content_type = models.CharField(_("type"), max_length=100, blank=True)
    size = models.PositiveIntegerField(_("bytes"), default=0)
    file = models.FileField(upload_to=storage_path, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State.choices)
    due_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("media file")
        verbose_name_plural = _("media files")
        constraints = [
            models.UniqueConstraint(
                fields=["message", "source_url"],
                condition=~models.Q(source_url=""),
                name="media_once_per_message",
            ),
            SameTenant(field="message", to="sms.Message", name="media_message_fence"),
            SameTenant(field="later", to="sms.LaterText", name="media_later_fence"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(state="waiting"), name="media_waiting"
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.key)

"""The pretended outside world of sandbox trunks: a carrier's lines, its texts and its files."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Trunk
from sms.models.message import Message


def storage_path(file: "HandsetFile", name: str) -> str:
    """Return where a file lies: under a name nobody can guess."""
    del name
    return f"handset/{file.key.hex}"


class HandsetLine(models.Model):
    """What the pretended carrier of one sandbox trunk does wrong at the moment."""

    class Trouble(models.TextChoices):
        """What can be tried; each is something that real providers do."""

        NONE = "none", _("none: everything works")
        REJECT = "reject", _("texts to the phone are refused")
        BUSY = "busy", _("the carrier is busy (429)")
        LOST = "lost", _("the carrier's answer is lost")
        SLOW = "slow", _("texts reach the phone 10 seconds late")
        TWICE = "twice", _("texts from the phone are delivered twice")
        LATE = "late", _("receipts come 10 seconds late")
        MIXED = "mixed", _("receipts come in the wrong order")
        SILENT = "silent", _("no receipts come")

    trunk = models.OneToOneField(Trunk, on_delete=models.CASCADE, related_name="handset")
    trouble = models.CharField(max_length=6, choices=Trouble.choices, default=Trouble.NONE)

    def __str__(self) -> str:
        return f"{self.trunk}: {self.get_trouble_display()}"


class HandsetMessageQuerySet(models.QuerySet["HandsetMessage"]):
    """What the page and the pretended carrier ask for."""

    def to_post(self) -> "HandsetMessageQuerySet":
        """Return those of which the carrier has something to post to us now."""
        return self.exclude(todo=[]).filter(todo_at__lte=timezone.now()).order_by("id")

    def on_screen(self) -> "HandsetMessageQuerySet":
        """Return what the phone shows by now."""
        return self.filter(shown_at__lte=timezone.now())


class HandsetMessage(models.Model):
    """A text as the pretended carrier knows it.

    ``todo`` are the posts that it still owes us, in order: the text itself, or receipts. Each is
    taken off when the page says that our webhook accepted it, so none is lost by a failure.
    """

    class Step(models.TextChoices):
        """What the carrier posts; receipts have the words of the sandbox protocol."""

        MESSAGE = "message", _("the text itself")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")

    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="handset_messages")
    direction = models.CharField(max_length=8, choices=Message.Direction.choices)
    phone = models.CharField(max_length=16)
    our_number = models.CharField(max_length=16)
    others = models.JSONField(
        default=list, help_text=_("Further phones in a group, as numbers; each has its own row.")
    )
    text = models.TextField(blank=True)
    media = models.JSONField(default=list)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(max_length=64, blank=True)
    status_query = models.CharField(max_length=200, blank=True)
    todo = models.JSONField(default=list)
    todo_at = models.DateTimeField(default=timezone.now)
    copies = models.PositiveSmallIntegerField(default=1)
    receipt = models.CharField(max_length=9, blank=True)
    shown_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    objects = HandsetMessageQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["trunk", "phone", "id"], name="handset_phone")]

    def __str__(self) -> str:
        return f"{self.phone} {self.direction} {self.our_number}"

    def posted(self, step: str) -> None:
        """Take one post off the list; a second report of the same post changes nothing."""
        if not self.todo or self.todo[0] != step:
            return
        # A "sent" that comes late does not undo a "delivered".
        receipt = self.receipt if self.receipt == self.Step.DELIVERED else step
        HandsetMessage.objects.filter(pk=self.pk, todo=self.todo).update(
            todo=self.todo[1:], receipt=receipt
        )


class HandsetFile(models.Model):
    """A picture of the phone, offered for download under a name nobody can guess."""

    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="handset_files")
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    content_type = models.CharField(max_length=100)
    file = models.FileField(upload_to=storage_path)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key.hex

"""Ring groups and queues: several extensions that answer one DID together."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.extension import EXTENSION_NUMBER, Extension
from portal.models.fence import SameTenant, fence_key
from portal.models.tenant import Tenant


class Group(models.Model):
    """A ring group or a queue with its members."""

    class Kind(models.TextChoices):
        """How the designated agent of a conversation is chosen."""

        RING = "ring", _("ring group")
        QUEUE = "queue", _("queue")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="groups")
    number = models.CharField(_("number"), max_length=10, validators=[EXTENSION_NUMBER])
    name = models.CharField(_("name"), max_length=64)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind.choices, default=Kind.RING)
    answer_within = models.PositiveIntegerField(
        _("minutes to answer"),
        default=15,
        help_text=_("After this the conversation goes to the next member; 0 means never."),
    )

    class Meta:
        ordering = ["number"]
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"],
                name="group_number_once",
                violation_error_message=_("There is a group of this number already."),
            ),
            fence_key("group_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class GroupMember(models.Model):
    """An extension in a group, in the order in which a ring group asks."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    extension = models.ForeignKey(Extension, on_delete=models.CASCADE, related_name="memberships")
    order = models.PositiveIntegerField(_("order"), default=0)
    # Changed whenever a thread is given, so it is no part of the set-up that is kept in memory.
    last_offered_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Whose turn in a queue is the longest ago."),
    )

    class Meta:
        ordering = ["order", "id"]
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(
                fields=["group", "extension"],
                name="member_once",
                violation_error_message=_("The extension is a member already."),
            ),
            SameTenant(field="group", to="portal.Group", name="member_group_fence"),
            SameTenant(field="extension", to="portal.Extension", name="member_extension_fence"),
        ]

    def __str__(self) -> str:
        return str(self.extension)

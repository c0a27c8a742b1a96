"""Who talks with whom: our number, the remote side, and the extension or group that answers."""

from datetime import UTC, datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Extension, Group, Tenant, Trunk
from portal.models.fence import SameTenant, fence_key

# An answer is owed, and there is no limit to when.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """The ways in which doors look for conversations."""

    def visible_to(self, extension: Extension) -> "ConversationQuerySet":
        """Return what the extension's user may read: own, internal and own groups'."""
        groups = extension.memberships.values("group_id")
        # Each of the three by its own index; an OR of them would be looked for in all rows.
        theirs = Conversation.objects.order_by().values("pk")
        visible = theirs.filter(extension=extension).union(
            theirs.filter(peer=extension), theirs.filter(group__in=groups), all=True
        )
        return self.filter(tenant_id=extension.tenant_id, pk__in=visible)


class Conversation(models.Model):
    """One thread. External: our number and a remote party, or the set of them for group MMS.

    Internal: ``extension`` and ``peer`` are the two sides and no provider is involved.
    """

    class Kind(models.TextChoices):
        """Whether a provider carries the thread."""

        EXTERNAL = "external", _("external")
        INTERNAL = "internal", _("internal")

    # No index of its own where one of those below begins with the column, and no constraint where
    # the fence below is one.
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="conversations", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.EXTERNAL)
    trunk = models.ForeignKey(
        Trunk, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    our_number = models.CharField(_("our number"), max_length=16, blank=True)
    remote = models.CharField(
        _("remote party"),
        max_length=255,
        help_text=_("Several numbers, sorted and joined with ;, are one group thread."),
    )
    extension = models.ForeignKey(
        Extension,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="conversations",
        db_index=False,
        db_constraint=False,
    )
    peer = models.ForeignKey(
        Extension,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    group = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="conversations",
        db_index=False,
        db_constraint=False,
    )
    owner_key = models.CharField(
        max_length=48, editable=False, help_text=_("The owner as text, for the unique constraint.")
    )
    assignee = models.ForeignKey(
        Extension, on_delete=models.SET_NULL, null=True, blank=True, related_name="assigned"
    )
    waiting_since = models.DateTimeField(_("waiting since"), null=True, blank=True)
    answer_by = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When the agent loses it unless somebody has answered the remote side."),
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    last_message_at = models.DateTimeField(_("last message"), default=timezone.now)
    last_text = models.CharField(max_length=120, blank=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ["-last_message_at", "-id"]
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "our_number", "remote", "owner_key"], name="conversation_once"
            ),
            models.CheckConstraint(
                condition=Q(extension__isnull=False, group__isnull=True)
                | Q(extension__isnull=True, group__isnull=False),
                name="conversation_one_owner",
            ),
            SameTenant(
                field="extension", to="portal.Extension", name="conversation_extension_fence"
            ),
            SameTenant(field="peer", to="portal.Extension", name="conversation_peer_fence"),
            SameTenant(field="group", to="portal.Group", name="conversation_group_fence"),
            fence_key("conversation_fence"),
        ]
        indexes = [
            # Nothing that a text changes is in an index, so that it writes the row and no index.
            models.Index(
                fields=["extension"], condition=Q(extension__isnull=False), name="conversation_own"
            ),
            models.Index(
                fields=["group"], condition=Q(group__isnull=False), name="conversation_group"
            ),
            models.Index(
                fields=["peer"], condition=Q(peer__isnull=False), name="conversation_peer"
            ),
            models.Index(fields=["tenant", "remote"], name="conversation_remote"),
            models.Index(
                fields=["tenant"],
                condition=Q(waiting_since__isnull=False),
                name="conversation_waits",
            ),
            # Few: threads of groups in which somebody outside waits for an answer.
            models.Index(
                fields=["answer_by"],
                condition=Q(answer_by__isnull=False),
                name="conversation_due",
            ),
            # Few: to find a number among several without a look at everybody's threads.
            models.Index(
                fields=["tenant"],
                condition=Q(remote__contains=";"),
                name="conversation_several",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.our_number} - {self.remote}"

    @staticmethod
    def key_of(*, extension: Extension | None = None, group: Group | None = None) -> str:
        """Return the ``owner_key`` of an extension's or a group's conversations."""
        return f"group {group.pk}" if group else f"extension {extension.pk if extension else 0}"

    @property
    def remotes(self) -> tuple[str, ...]:
        """Everybody on the remote side."""
        return tuple(self.remote.split(";"))

    @property
    def limit(self) -> datetime | None:
        """When the agent loses the thread, if ever."""
        return None if self.answer_by == NEVER else self.answer_by


class ReadMark(models.Model):
    """How far one extension has read a conversation."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="read_marks"
    )
    extension = models.ForeignKey(Extension, on_delete=models.CASCADE, related_name="+")
    message_id = models.BigIntegerField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "extension"], name="read_mark_once")
        ]

    def __str__(self) -> str:
        return f"{self.extension_id} read {self.conversation_id} to {self.message_id}"

"""Who is called by name in a note: the agent who is to answer, or a colleague."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Extension, Tenant
from portal.models.fence import SameTenant
from sms.models.message import Message


class Mention(models.Model):
    """One extension that a note mentions, written in its text as ``@`` and the number."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="mentions")
    extension = models.ForeignKey(Extension, on_delete=models.CASCADE, related_name="+")
    assigned = models.BooleanField(
        default=False, help_text=_("The thread was given to this one; otherwise only called.")
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["message", "extension"], name="mention_once"),
            SameTenant(field="message", to="sms.Message", name="mention_message_fence"),
            SameTenant(field="extension", to="portal.Extension", name="mention_extension_fence"),
        ]

    def __str__(self) -> str:
        return f"@{self.extension_id}"

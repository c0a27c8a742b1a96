"""One call to a provider for one message."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Tenant, Trunk
from portal.models.fence import SameTenant
from sms.models.message import Message


class Attempt(models.Model):
    """What was asked, what came back (both without secrets), and what we made of it."""

    class Outcome(models.TextChoices):
        """The five classes of error, and success."""

        ACCEPTED = "accepted", _("accepted")
        REJECTED = "rejected", _("rejected")
        CREDENTIALS = "credentials", _("credentials refused")
        THROTTLED = "throttled", _("told to wait")
        UNAVAILABLE = "unavailable", _("not reached")
        UNCONFIRMED = "unconfirmed", _("answer lost")

    # Found by their message only; a tenant's go with its messages. The fence below holds both.
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="attempts", db_constraint=False
    )
    trunk = models.ForeignKey(Trunk, on_delete=models.SET_NULL, null=True, related_name="attempts")
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"))
    outcome = models.CharField(_("outcome"), max_length=11, choices=Outcome.choices)
    code = models.CharField(_("provider's code"), max_length=64, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    request = models.TextField(_("request"), blank=True)
    response = models.TextField(_("response"), blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            SameTenant(field="message", to="sms.Message", name="attempt_message_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%H:%M:%S} {self.get_outcome_display()}"

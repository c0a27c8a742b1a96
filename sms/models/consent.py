"""Who asked not to be texted, where, when and with which words."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Tenant
from sms.models.message import Message


class OptOut(models.Model):
    """One person's STOP to one of our numbers, or (our number empty) to the whole tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="opt_outs")
    our_number = models.CharField(
        _("our number"),
        max_length=16,
        blank=True,
        help_text=_("Empty: every number of the tenant."),
    )
    remote = models.CharField(_("who"), max_length=16)
    since = models.DateTimeField(_("since"), default=timezone.now)
    words = models.CharField(_("in these words"), max_length=160, blank=True)
    message = models.ForeignKey(
        Message, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(_("lifted"), null=True, blank=True)

    class Meta:
        ordering = ["-since"]
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "our_number", "remote"],
                condition=Q(lifted_at__isnull=True),
                name="opt_out_once",
                violation_error_message=_("This opt-out is recorded already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remote} - {self.our_number or self.tenant}"

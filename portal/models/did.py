"""A number that the outside world can text."""

from typing import Any, Self

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal import e164
from portal.models.fence import fence_key
from portal.models.tenant import Tenant
from portal.models.trunk import Trunk


class DID(models.Model):
    """One inbound number on one trunk, owned by one tenant.

    A trigger of the database refuses a number that another tenant owns on a real provider, also
    when two tenants add it at the same instant; sandbox numbers are pretended and do not count.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="dids")
    trunk = models.ForeignKey(Trunk, on_delete=models.PROTECT, related_name="dids")
    number = models.CharField(_("number"), max_length=16)
    sms = models.BooleanField(_("SMS"), default=True)
    mms = models.BooleanField(_("MMS"), default=True)
    label = models.CharField(_("label"), max_length=64, blank=True)
    campaign_note = models.CharField(
        _("10DLC campaign note"),
        max_length=200,
        blank=True,
        help_text=_("US numbers need an approved campaign at the provider before they can send."),
    )

    messages_per_second = models.FloatField(
        _("messages per second"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01)],
        help_text=_("What this number may send; empty: as much as its trunk."),
    )

    class Meta:
        ordering = ["number"]
        verbose_name = _("DID")
        verbose_name_plural = _("DIDs")
        indexes = [models.Index(fields=["number"], name="did_number")]
        constraints = [
            models.UniqueConstraint(
                fields=["trunk", "number"],
                name="did_once_per_trunk",
                violation_error_message=_("This trunk has this DID already."),
            ),
            models.CheckConstraint(
                condition=models.Q(number__regex=r"^(\+[1-9][0-9]{6,14}|[0-9]{3,7})$"),
                name="did_normal_form",
                violation_error_message=_("Write the number with its country code."),
            ),
            models.CheckConstraint(
                condition=models.Q(messages_per_second__gt=0), name="did_rate_positive"
            ),
            fence_key("did_fence"),
        ]

    def __str__(self) -> str:
        return e164.pretty(self.number)

    @classmethod
    def usual(cls, *, tenant: Tenant, trunk: Trunk, number: str, **columns: Any) -> Self:
        """Return an unsaved DID that sends as fast as the provider takes from such a number."""
        rate = trunk.capable.capabilities.pace.of(e164.kind(number))
        return cls(tenant=tenant, trunk=trunk, number=number, messages_per_second=rate, **columns)

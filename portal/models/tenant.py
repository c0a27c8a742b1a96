"""The customer of the PBX: everything else belongs to one."""

import zoneinfo

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


def validate_timezone(name: str) -> None:
    """Refuse a name that is not in the time zone database."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("%(name)s is not a time zone; write one like America/New_York."),
            params={"name": name},
        )


class Tenant(models.Model):
    """One customer. A suspended tenant's inbound texts are held, its outbound ones refused."""

    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(_("short name"), unique=True)
    active = models.BooleanField(_("active"), default=True)
    messaging_enabled = models.BooleanField(_("messaging on"), default=True)
    timezone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_timezone]
    )
    country = models.CharField(
        _("default country"),
        max_length=2,
        default="US",
        validators=[RegexValidator(r"^[A-Z]{2}$", _("Use two capital letters, such as US."))],
        help_text=_("Numbers typed without a country code are read in this country."),
    )
    default_sender_id = models.CharField(_("default Sender ID"), max_length=11, blank=True)
    auto_reply = models.TextField(_("automatic reply in office hours"), max_length=480, blank=True)
    after_hours_reply = models.TextField(
        _("automatic reply outside office hours"), max_length=480, blank=True
    )
    holiday_reply = models.TextField(_("automatic reply on holidays"), max_length=480, blank=True)
    retention_days = models.PositiveIntegerField(
        _("days to keep messages"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty keeps them for ever."),
    )
    second_factor_admins = models.BooleanField(_("required for administrators"), default=False)
    second_factor_auditors = models.BooleanField(_("required for auditors"), default=False)
    second_factor_extensions = models.BooleanField(_("required for extension users"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("tenant")
        verbose_name_plural = _("tenants")

    def __str__(self) -> str:
        return self.name

    @property
    def can_message(self) -> bool:
        """Whether texts may be routed and sent for this tenant now."""
        return self.active and self.messaging_enabled

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The tenant's time zone."""
        return zoneinfo.ZoneInfo(self.timezone)

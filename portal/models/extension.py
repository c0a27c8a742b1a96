"""A PBX user who texts, and the numbers that the user may send from."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.did import DID
from portal.models.fence import SameTenant, fence_key
from portal.models.tenant import Tenant

EXTENSION_NUMBER = RegexValidator(r"^[0-9]{2,10}$", _("Use 2 to 10 digits."))


class Extension(models.Model):
    """One extension. It may send nothing until a tenant administrator allows it."""

    class Sms(models.TextChoices):
        """Whether the extension may send, and from what."""

        DISABLE = "DISABLE", _("Not allowed")
        ALLOW = "ALLOW", _("Allow")
        ALLOW_WITH_SENDER_ID = "ALLOW_WITH_SENDER_ID", _("Allow with Sender ID")

    class Presence(models.TextChoices):
        """Whether the extension's user is there to answer."""

        AVAILABLE = "available", _("available")
        AWAY = "away", _("away")
        OFF = "off", _("off")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="extensions")
    number = models.CharField(_("number"), max_length=10, validators=[EXTENSION_NUMBER])
    name = models.CharField(_("display name"), max_length=64, blank=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="extension",
        help_text=_("Who signs in to read and answer this extension's texts."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    sms = models.CharField(
        _("Send SMS/MMS"),
        max_length=20,
        choices=Sms.choices,
        default=Sms.DISABLE,
        help_text=_("Receiving always works; sending needs this permission."),
    )
    presence = models.CharField(
        _("presence"), max_length=10, choices=Presence.choices, default=Presence.AVAILABLE
    )

    class Meta:
        ordering = ["number"]
        verbose_name = _("extension")
        verbose_name_plural = _("extensions")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "number"],
                name="extension_number_once",
                violation_error_message=_("There is an extension of this number already."),
            ),
            models.CheckConstraint(
                condition=models.Q(number__regex=r"^[0-9]{2,10}$"), name="extension_digits"
            ),
            fence_key("extension_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}".strip()

    @property
    def may_send(self) -> bool:
        """Whether the administrator allowed this extension to send at all."""
        return self.enabled and self.sms != self.Sms.DISABLE


class CallerID(models.Model):
    """A DID that an extension may send from; one of them is the default."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="caller_ids")
    extension = models.ForeignKey(Extension, on_delete=models.CASCADE, related_name="caller_ids")
    did = models.ForeignKey(
        DID, on_delete=models.CASCADE, related_name="caller_ids", verbose_name=_("DID")
    )
    description = models.CharField(_("description"), max_length=64, blank=True)
    is_default = models.BooleanField(_("default"), default=False)

    class Meta:
        ordering = ["-is_default", "id"]
        verbose_name = _("caller ID")
        verbose_name_plural = _("caller IDs")
        constraints = [
            models.UniqueConstraint(
                fields=["extension", "did"],
                name="caller_id_once",
                violation_error_message=_("The extension has this caller ID already."),
            ),
            models.UniqueConstraint(
                fields=["extension"],
                condition=models.Q(is_default=True),
                name="caller_id_one_default",
                violation_error_message=_("Only one caller ID can be the default."),
            ),
            SameTenant(field="extension", to="portal.Extension", name="caller_id_extension_fence"),
            SameTenant(field="did", to="portal.DID", name="caller_id_did_fence"),
        ]

    def __str__(self) -> str:
        return f"{self.did} {self.description}".strip()

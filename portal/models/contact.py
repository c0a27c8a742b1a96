"""People outside: a tenant's shared directory and each extension's own."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.extension import Extension
from portal.models.fence import SameTenant, fence_key
from portal.models.tenant import Tenant


class Contact(models.Model):
    """A person or company with several numbers; shared unless an extension owns it."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="contacts")
    extension = models.ForeignKey(
        Extension,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="contacts",
        help_text=_("Empty: shared by the whole tenant."),
    )
    name = models.CharField(_("name"), max_length=100)
    company = models.CharField(_("company"), max_length=100, blank=True)
    notes = models.TextField(_("notes"), blank=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            SameTenant(field="extension", to="portal.Extension", name="contact_extension_fence"),
            fence_key("contact_fence"),
        ]

    def __str__(self) -> str:
        return self.name


class ContactNumber(models.Model):
    """One number of a contact, in normal form."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="numbers")
    number = models.CharField(_("number"), max_length=16)
    label = models.CharField(_("label"), max_length=32, blank=True)

    class Meta:
        ordering = ["id"]
        verbose_name = _("number")
        verbose_name_plural = _("numbers")
        indexes = [models.Index(fields=["tenant", "number"])]
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "number"],
                name="contact_number_once",
                violation_error_message=_("The contact has this number already."),
            ),
            SameTenant(field="contact", to="portal.Contact", name="number_contact_fence"),
        ]

    def __str__(self) -> str:
        return self.number

"""Who changed or looked at what, when and from where."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.tenant import Tenant


class AuditEntry(models.Model):
    """One act of a person; never edited, and never holding a secret."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, related_name="audit_entries"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    username = models.CharField(_("who"), max_length=150)
    at = models.DateTimeField(_("when"), auto_now_add=True)
    action = models.CharField(_("what"), max_length=64)
    target = models.CharField(_("of what"), max_length=200)
    detail = models.JSONField(_("details"), default=dict, blank=True)
    address = models.GenericIPAddressField(_("from where"), null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        indexes = [models.Index(fields=["tenant", "-id"])]

    def __str__(self) -> str:
        return f"{self.username} {self.action} {self.target}"

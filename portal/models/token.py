"""Keys by which machines use the REST API; only their digests are kept."""

import hashlib
import secrets
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models.extension import Extension
from portal.models.fence import SameTenant
from portal.models.tenant import Tenant

PREFIX = "smsc_"
USE_IS_NOTED_EVERY = timedelta(hours=1)


def digest(key: str) -> str:
    """Return what is stored of a key. It is random and long, so one hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiToken(models.Model):
    """Access for one extension, or with no extension for the whole tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="tokens")
    extension = models.ForeignKey(
        Extension, on_delete=models.CASCADE, null=True, blank=True, related_name="tokens"
    )
    label = models.CharField(_("label"), max_length=64, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [
            SameTenant(field="extension", to="portal.Extension", name="token_extension_fence"),
        ]

    def __str__(self) -> str:
        return self.label or f"#{self.pk}"

    def note_use(self) -> None:
        """Keep that it is used now, unless that was written within the hour."""
        now = timezone.now()
        if self.last_used_at and now - self.last_used_at < USE_IS_NOTED_EVERY:
            return
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
        ApiToken.objects.filter(stale, pk=self.pk).update(last_used_at=now)

    @classmethod
    def issue(
        cls, *, tenant: Tenant, extension: Extension | None = None, label: str = ""
    ) -> tuple["ApiToken", str]:
        """Create a token; the key itself is returned once and never stored."""
        key = PREFIX + secrets.token_urlsafe(32)
        token = cls.objects.create(
            tenant=tenant, extension=extension, label=label, digest=digest(key)
        )
        return token, key

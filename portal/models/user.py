"""People who sign in, and what each of them is to a tenant."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.tenant import Tenant


class User(AbstractUser):
    """A person. System administrators (superusers) have no tenant, everybody else has one."""

    class Role(models.TextChoices):
        """What the person may do within the own tenant."""

        ADMIN = "admin", _("Tenant administrator")
        AUDITOR = "auditor", _("Tenant auditor")
        EXTENSION = "extension", _("Extension user")

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="users"
    )
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.EXTENSION)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_superuser=True) | models.Q(tenant__isnull=False),
                name="user_has_tenant",
                violation_error_message=_("Choose the tenant this person belongs to."),
            ),
        ]

    @property
    def is_tenant_admin(self) -> bool:
        """Whether the person may change the own tenant's set-up."""
        return self.tenant_id is not None and self.role == self.Role.ADMIN

    @property
    def may_look(self) -> bool:
        """Whether the person may read the tenant's log: administrators and auditors."""
        return self.tenant_id is not None and self.role in {self.Role.ADMIN, self.Role.AUDITOR}

    @property
    def must_have_second_factor(self) -> bool:
        """Whether nothing but enrolling is open to the person without a second factor."""
        if self.is_superuser or self.tenant is None:
            return bool(settings.SYSTEM_SECOND_FACTOR)
        demands = {
            self.Role.ADMIN: self.tenant.second_factor_admins,
            self.Role.AUDITOR: self.tenant.second_factor_auditors,
            self.Role.EXTENSION: self.tenant.second_factor_extensions,
        }
        return demands.get(self.Role(self.role), False)

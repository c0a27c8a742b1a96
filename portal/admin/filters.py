"""Filters of the lists that offer, and take, nothing from beyond the tenant fence."""

from typing import Any

from django.http import HttpRequest
from unfold.contrib.filters.admin import RelatedDropdownFilter

from portal.admin.fence import choices, is_system, own_tenant
from portal.models import Tenant


class ScopedRelatedFilter(RelatedDropdownFilter):  # type: ignore[misc] # unfold carries no types
    """Offers only rows that the person's own tenant may point at."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """List them with their names."""
        del model_admin
        model = field.remote_field.model
        if is_system(request):
            rows = model._default_manager.all()
        else:
            rows = choices(model, own_tenant(request))
        return [(row.pk, str(row)) for row in rows]


class TenantFilter(RelatedDropdownFilter):  # type: ignore[misc] # unfold carries no types
    """Offers every tenant; only a system administrator's lists have it."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        """List the tenants by name."""
        del field, request, model_admin
        return list(Tenant.objects.values_list("pk", "name"))

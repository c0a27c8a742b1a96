"""Filters of the lists that offer, and take, nothing from beyond the tenant fence."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter, RelatedDropdownFilter
from unfold.utils import parse_datetime_str

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


class PeriodFilter(RangeDateTimeFilter):  # type: ignore[misc] # unfold carries no types
    """Reads a period in the zone in which the page writes its times; a day without a time counts.

    Unfold's own reads it in UTC, and ignores a day without a time.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep to what happened from the first moment to the last."""
        del request
        for end, lookup, clock in (("from", "gte", "00:00:00"), ("to", "lte", "23:59:59")):
            day, typed = (
                self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") for part in (0, 1)
            )
            moment = parse_datetime_str(f"{day} {typed or clock}")
            if moment:
                aware = timezone.make_aware(moment)
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": aware})
        return queryset

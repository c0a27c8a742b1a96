"""Where a figure leads: the rows behind it, as far as the person may see them."""

from datetime import date
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from portal.admin.site import site
from sms.models import Message


class Links:
    """Writes addresses for one person; what the person may not open has none."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def rows(self, model: type[Model], **query: Any) -> str:
        """Return the address of a list, filtered."""
        if not self._page(model).has_view_permission(self.request):
            return ""
        address = self._address(model, "changelist")
        return f"{address}?{urlencode(query)}" if query else address

    def row(self, model: type[Model], pk: int) -> str:
        """Return the address of one row."""
        allowed = self._page(model).has_view_permission(self.request)
        return self._address(model, "change", pk) if allowed else ""

    def new(self, model: type[Model]) -> str:
        """Return the address of an empty form."""
        allowed = self._page(model).has_add_permission(self.request)
        return self._address(model, "add") if allowed else ""

    def messages(self, first: date, last: date, **filters: Any) -> str:
        """Return the address of the messages of some days, filtered."""
        period = {
            "created_at_from_0": first.isoformat(),
            "created_at_from_1": "00:00:00",
            "created_at_to_0": last.isoformat(),
            "created_at_to_1": "23:59:59.999999",
        }
        return self.rows(Message, **period, **filters)

    @staticmethod
    def _page(model: type[Model]) -> Any:
        return site.get_model_admin(model)

    @staticmethod
    def _address(model: type[Model], view: str, *args: int) -> str:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}"
        return reverse(name, args=args)

"""Knows in whose time zone pages write their times: the tenant's own, else UTC."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.admin.fence import own_tenant
from portal.models import User


class TenantZoneMiddleware:
    """Shows times in the tenant's zone; the client's browser knows its reader's own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Only here: looking at the user costs queries that webhooks and the API need not pay.
        if not request.path.startswith(("/admin/", "/account/")):
            return self.get_response(request)
        tenant = own_tenant(request) if isinstance(request.user, User) else None
        with timezone.override(tenant.zone if tenant else None):
            return self.get_response(request)

"""Door: the page of the browser client. What is in it comes by the API."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from portal.models import DID, Extension, User
from portal.models.trunk import SANDBOX


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """Show the client to an extension's user; send administrators to the admin."""
    user = cast("User", request.user)
    extension = Extension.objects.filter(user=user).select_related("tenant").first()
    if extension is None and (user.is_superuser or user.may_look):
        return redirect("admin:index")
    if extension is None:
        return render(request, "sms/no_extension.html")
    tenant = extension.tenant
    has_handset = DID.objects.filter(tenant=tenant, trunk__provider=SANDBOX).exists()
    return render(
        request,
        "sms/client.html",
        {"extension": extension, "tenant": tenant, "has_handset": has_handset},
    )

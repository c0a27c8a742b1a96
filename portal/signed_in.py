"""What holds for every request of somebody who signed in: seen, allowed further, kept by nobody."""

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from portal import second_factor
from portal.account.sign_in import to_sign_in
from portal.models import User
from portal.models.session import SessionStore

# Open to somebody whose second factor is demanded and missing.
OPEN = ("second-factor", "logout", "admin:logout")


class SignedInMiddleware:
    """Stands behind those that know the session, the user and the second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or lead to the page where a second factor is made."""
        session = cast("SessionStore", request.session)
        session.comes_from(request)
        # A request without the cookie is nobody's, and need not ask the database.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or SESSION_KEY not in session:
            return self.get_response(request)
        session.touch()
        response = detour(request) or self.get_response(request)
        if response.get("Content-Type", "").startswith(("text/html", "application/json")):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def detour(request: HttpRequest) -> HttpResponse | None:
    """Return where somebody has to go first, if a second factor is demanded and was not shown."""
    user = request.user
    if not isinstance(user, User) or not user.must_have_second_factor or user.is_verified():  # type: ignore[attr-defined] # django-otp adds it
        return None
    if request.path in map(reverse, OPEN):
        return None
    if request.path.startswith("/api/"):
        # The client takes a 401 for a reason to leave for the sign-in page, which leads on.
        detail = _("Your tenant demands a second factor. Sign in, and add one to your account.")
        return JsonResponse({"code": "second_factor_required", "detail": detail}, status=401)
    if second_factor.app_of(user) is not None:
        return to_sign_in(request)  # from a time before it was demanded
    return redirect("second-factor")

"""Signing in: the password, then the code where somebody has a second factor."""

import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView
from django_otp.models import Device

from portal import second_factor
from portal.account.forms import CodeForm
from portal.admin import trail
from portal.admin.site import SignInForm, site
from portal.models import User

WAITING = "waits_for_code"
WAITS = 10 * 60  # seconds between the password and the code


class SignIn(LoginView):
    """The door for everybody."""

    template_name = "sms/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Let somebody in, or ask for the code first."""
        user = form.get_user()
        to = self.get_success_url()
        if second_factor.app_of(user) is None:
            enter(self.request, user)
            return HttpResponseRedirect(to)
        self.request.session[WAITING] = {
            "user": user.pk,
            "backend": user.backend,
            "password": user.get_session_auth_hash(),
            "until": time.time() + WAITS,
            "to": to,
        }
        return redirect("sign-in-code")

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Write a wrong password into the audit log of the one whose account it is."""
        note_failure(self.request, form.data.get("username", ""))
        return super().form_invalid(form)


class AdminSignIn(SignIn):
    """The door of the admin, which opens to those with business there."""

    authentication_form = SignInForm
    redirect_authenticated_user = False
    next_page = "admin:index"
    extra_context = {"lead": _("Administration of texts")}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Let those pass who are in already."""
        if site.has_permission(request):
            return redirect("admin:index")
        return super().get(request, *args, **kwargs)


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class SignInCode(FormView[CodeForm]):
    """The second step: a code of somebody who knew the password."""

    form_class = CodeForm
    template_name = "account/code.html"
    person: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Send everybody else to the first step."""
        person = who_waits(request)
        if person is None:
            return redirect("login")
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def get_form(self, form_class: type[CodeForm] | None = None) -> CodeForm:
        """Begin in the field: there is nothing else to do here."""
        form = super().get_form(form_class)
        form.fields["code"].widget.attrs["autofocus"] = True
        return form

    def form_valid(self, form: CodeForm) -> HttpResponse:
        """Let somebody in whose code is right."""
        try:
            device = second_factor.check(self.person, form.cleaned_data["code"])
        except second_factor.CodeRefused as error:
            note(self.request, "second factor refused", self.person)
            form.add_error("code", str(error))
            return self.form_invalid(form)
        waited = self.request.session.pop(WAITING)
        enter(self.request, self.person, backend=waited["backend"], device=device)
        return HttpResponseRedirect(waited["to"])


def who_waits(request: HttpRequest) -> User | None:
    """Return who gave the right password a moment ago, unless it has changed since."""
    waiting = request.session.get(WAITING)
    if waiting is None or waiting["until"] < time.time():
        return None
    user = User.objects.filter(pk=waiting["user"], is_active=True).first()
    if user is None or not constant_time_compare(user.get_session_auth_hash(), waiting["password"]):
        return None
    return user


def enter(
    request: HttpRequest, user: User, *, backend: str | None = None, device: Device | None = None
) -> None:
    """Sign somebody in; a device is the second factor that was shown."""
    if device is not None:
        user.otp_device = device  # type: ignore[attr-defined] # django-otp keeps it in the session
    login(request, user, backend)
    note(request, "signed in", user, {"second factor": device.name} if device else None)


def note(
    request: HttpRequest, action: str, user: User, detail: dict[str, Any] | None = None
) -> None:
    """Write into the audit log what happened to an account, or at its door."""
    trail.record(request, action, user, tenant_id=user.tenant_id, detail=detail, by=user)


def note_failure(request: HttpRequest, username: str) -> None:
    """Write down a wrong password; what was typed for an account that is not there stays out."""
    if getattr(request, "axes_failures_since_start", None) is None:
        return  # nothing was tried, or it is locked
    user = User.objects.filter(username=username).first()
    if user is not None:
        locked = getattr(request, "axes_locked_out", False)
        note(request, "locked out" if locked else "sign-in failed", user)


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """Say how long signing in is locked from here, and what helps meanwhile."""
    name = str((credentials or {}).get("username") or "")
    lasts: timedelta = get_cool_off(request)
    tries = AccessAttempt.objects.filter(username=name, ip_address=request.axes_ip_address)  # type: ignore[attr-defined] # set by axes
    last = tries.order_by("-attempt_time").values_list("attempt_time", flat=True).first()
    until = (last or timezone.now()) + lasts
    left = max(1, round((until - timezone.now()).total_seconds()))
    context = {"name": name, "minutes": -(-left // 60)}
    answer = render(request, "account/locked.html", context, status=429)
    answer["Retry-After"] = str(left)
    return answer


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Start again at the first step, and come back here."""
    back = quote(request.get_full_path())
    logout(request)
    return redirect(f"{reverse('login')}?next={back}")

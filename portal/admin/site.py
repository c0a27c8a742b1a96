"""The one admin site, and who may enter it: people with a role, not with a flag."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from portal.admin.certificate import certificate_view
from portal.models import User
from providers import overview


def may_enter(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Say whether a person has business in the admin: administrators and auditors."""
    return isinstance(user, User) and user.is_active and (user.is_superuser or user.may_look)


class SignInForm(AuthenticationForm):
    """Lets in those who may enter, whatever ``is_staff`` says."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "no_entry": _("This account has no access to the administration."),
    }

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Refuse a person without business here, in plain words."""
        if not user.is_active:
            raise ValidationError(self.error_messages["inactive"], code="inactive")
        if not may_enter(user):
            raise ValidationError(self.error_messages["no_entry"], code="no_entry")


class PortalAdminSite(UnfoldAdminSite):  # type: ignore[misc] # unfold carries no types
    """Holds only what is registered here: no permission rows, no groups of them."""

    site_header = site_title = "SMS Channel"
    index_title = _("Overview")
    enable_nav_sidebar = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.pages: list[URLPattern] = []

    def add_page(
        self, route: str, view: Callable[[HttpRequest], HttpResponse], *, name: str
    ) -> None:
        """Give a page of another application an address, behind the same door."""
        self.pages.append(path(route, self.admin_view(view), name=name))

    def has_permission(self, request: HttpRequest) -> bool:
        """Ask the role."""
        return may_enter(request.user)

    def get_urls(self) -> Sequence[URLPattern | URLResolver]:
        """Leave out the redirect to an object's public page: no object has one."""
        urls: Sequence[Any] = super().get_urls()
        pages = [
            path("providers/", self.admin_view(self.providers), name="providers"),
            path("certificate/", self.admin_view(self.certificate), name="certificate"),
            *self.pages,
        ]
        return [*pages, *(url for url in urls if getattr(url, "name", "") != "view_on_site")]

    def certificate(self, request: HttpRequest) -> HttpResponse:
        """Show whether providers get through to this installation."""
        return certificate_view(self, request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the page that people without the admin have too."""
        return HttpResponseRedirect(reverse("account-password"))

    def providers(self, request: HttpRequest) -> HttpResponse:
        """Show what every provider can do."""
        context = {
            **self.each_context(request),
            "title": _("Providers"),
            "headings": overview.HEADINGS,
            "rows": overview.rows(),
        }
        return TemplateResponse(request, "admin/providers.html", context)


site = PortalAdminSite(name="admin")

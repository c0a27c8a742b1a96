"""Sign-in links: made for a person by an administrator, good for one password, once, for a day."""

from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.admin import trail
from portal.admin.acts import Act
from portal.admin.fence import is_system
from portal.models import Extension, User


def link_of(user: User) -> str:
    """Return an address at which the person sets a password.

    It ends with a new password, with the next sign-in, and after a day.
    """
    key = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return settings.PUBLIC_URL + reverse("password_reset_confirm", args=[key, token])


def link_view(page: Any, request: HttpRequest, row: Extension | User) -> HttpResponse:
    """Ask, then make the link and show it this once."""
    user = row.user if isinstance(row, Extension) else row
    if user is None or (user.is_superuser and not is_system(request)):
        raise PermissionDenied
    context = page.act_context(request, row, SIGN_IN_LINK.label)
    if request.method != "POST":
        question = _(
            "The link lets whoever opens it choose the password of %(name)s, once, within a day. "
            "Until then the present password stays. Hand the link over in person or in private."
        )
        context |= {"act": SIGN_IN_LINK, "asked": question % {"name": user.get_username()}}
        return TemplateResponse(request, "admin/link_question.html", context)
    trail.record(request, "made a sign-in link for", user, tenant_id=user.tenant_id)
    context |= {
        "secret": link_of(user),
        "what": _("The sign-in link of %(name)s") % {"name": user.get_username()},
        "how_long": _(
            "Copy it now: it is not shown again. It ends with its first use, with a sign-in, with "
            "any new password, and after 24 hours. You can always make another."
        ),
    }
    return TemplateResponse(request, "admin/shown_once.html", context)


def can_sign_in(row: Extension | User) -> bool:
    """Say whether there is a person who may sign in."""
    user = row.user if isinstance(row, Extension) else row
    return user is not None and user.is_active


SIGN_IN_LINK = Act("link", gettext_lazy("Make a sign-in link"), view=link_view, fits=can_sign_in)

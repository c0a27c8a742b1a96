"""A forgotten password: a link by mail, by which a new one is chosen."""

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from axes.utils import reset as unlock
from celery import current_app
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.core.cache import cache
from django.core.mail import send_mail
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView
from kombu.exceptions import OperationalError
from redis import RedisError

from portal.account.forms import AddressForm, NewPassword
from portal.account.sign_in import note
from portal.admin.sign_in_link import link_of
from portal.models import Session, User

log = logging.getLogger(__name__)

MAIL_EVERY = 5 * 60  # seconds in which an account is sent one link at most
TASK = "portal.tasks.mail_password_link"


class Forgotten(FormView[AddressForm]):
    """Asks where to mail the link. The answer tells nobody which accounts there are."""

    form_class = AddressForm
    template_name = "account/form.html"
    success_url = reverse_lazy("login")
    extra_context = {
        "title": gettext_lazy("Forgot your password?"),
        "lead": gettext_lazy(
            "We mail you a link by which you choose a new one. It goes to the address that your "
            "administrator entered for you."
        ),
        "submit": gettext_lazy("Mail me a link"),
        "back": reverse_lazy("login"),
    }

    def form_valid(self, form: AddressForm) -> HttpResponse:
        """Have it mailed by a worker, so that the time taken tells nothing either."""
        for user in owners(form.cleaned_data["email"]):
            if ask(user):
                note(self.request, "password link asked for", user)
        messages.success(
            self.request,
            _(
                "If an account has this address, a link is on its way. Nothing after five minutes? "
                "Look into the spam folder, or ask your administrator for a new password."
            ),
        )
        return super().form_valid(form)


class Choose(PasswordResetConfirmView):
    """The page behind the link."""

    form_class = NewPassword
    template_name = "account/choose.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the password; whoever knew the old one is out, and a lock is off."""
        answer = super().form_valid(form)
        user = form.user
        logout(self.request)
        Session.objects.of(user).end()
        unlock(username=user.get_username())
        note(self.request, "password changed", user, {"by": "link"})
        messages.success(self.request, _("Your new password is set. Sign in with it."))
        return answer


def owners(email: str) -> Iterator[User]:
    """Yield the accounts that have an address and may use a password."""
    return iter(PasswordResetForm().get_users(email))


def ask(user: User) -> bool:
    """Have a link mailed to somebody, unless one was a moment ago."""
    try:
        if not cache.add(f"password-link:{user.pk}", 1, MAIL_EVERY):
            return False
        current_app.send_task(TASK, args=[user.pk], retry=False)
    except (RedisError, OperationalError) as error:
        log.warning("password_link.unheard user=%s error=%s", user.pk, error)
        return False
    return True


def mail(user_id: int) -> None:
    """Mail somebody the link."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        return
    context = {
        "user": user,
        "link": link_of(user),
        "host": urlsplit(settings.PUBLIC_URL).netloc,
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    body = render_to_string("account/password_link.txt", context)
    send_mail(_("Choose a new password"), body, None, [user.email])

"""The page of the own account: password, second factor, and where one is signed in."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal import second_factor
from portal.account.browsers import in_words
from portal.account.forms import ChangedPassword
from portal.account.sign_in import note
from portal.models import Session, User

SHOWN = 50  # sessions, the last ones seen


@require_safe
@never_cache
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Show everything about the own account."""
    user = cast("User", request.user)
    rows = [
        {"row": row, "browser": in_words(row.agent), "here": _is_here(request, row)}
        for row in Session.objects.of(user)[:SHOWN]
    ]
    context = {
        "app": second_factor.app_of(user),
        "codes_left": second_factor.codes_left(user),
        "sessions": rows,
        "elsewhere": any(not row["here"] for row in rows),
    }
    return render(request, "account/overview.html", context)


@require_POST
@login_required
def end_session(request: HttpRequest, handle: str) -> HttpResponse:
    """End one of the own sessions."""
    user = cast("User", request.user)
    row = next((row for row in Session.objects.of(user) if row.handle == handle), None)
    if row is None:
        raise Http404
    Session.objects.filter(pk=row.pk).end()
    note(request, "session ended", user, {"browser": in_words(row.agent), "of": row.address})
    messages.success(request, _("%(browser)s was signed out.") % {"browser": in_words(row.agent)})
    return redirect("account")


@require_POST
@login_required
def end_others(request: HttpRequest) -> HttpResponse:
    """End all of the own sessions but this one."""
    count = end_elsewhere(request)
    said = ngettext(
        "You were signed out in one other place.",
        "You were signed out in %(count)s other places.",
        count,
    )
    messages.success(request, said % {"count": count})
    return redirect("account")


def end_elsewhere(request: HttpRequest) -> int:
    """Sign out everywhere but here; return in how many places that was."""
    user = cast("User", request.user)
    count = Session.objects.of(user).exclude(pk=request.session.session_key).end()
    if count:
        note(request, "session ended", user, {"other sessions": count})
    return count


class ChangePassword(PasswordChangeView):
    """A new password, which signs out everywhere else."""

    form_class = ChangedPassword  # type: ignore[assignment] # it need not be Django's own
    template_name = "account/form.html"
    success_url = reverse_lazy("account")
    extra_context = {
        "title": gettext_lazy("Change your password"),
        "lead": gettext_lazy("It signs you out everywhere else."),
        "submit": gettext_lazy("Change password"),
        "back": reverse_lazy("account"),
    }

    def get_form_kwargs(self) -> dict[str, Any]:
        """Let the form try the present password."""
        return {**super().get_form_kwargs(), "request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        """Change it."""
        answer = super().form_valid(form)
        note(self.request, "password changed", form.user)
        end_elsewhere(self.request)
        messages.success(self.request, _("Your password was changed."))
        return answer


def _is_here(request: HttpRequest, row: Session) -> bool:
    return row.session_key == request.session.session_key

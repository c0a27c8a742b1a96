"""Getting a second factor, new recovery codes, and doing without it again."""

from typing import Any, cast

import segno
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import FormView
from django_otp import login as show_second_factor

from portal import second_factor
from portal.account.forms import CodeForm, OwnPassword
from portal.account.pages import end_elsewhere
from portal.account.sign_in import note
from portal.models import User


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class Enrol(LoginRequiredMixin, FormView[CodeForm]):
    """Shows the key for the app, and takes a code as the proof that the app has it."""

    form_class = CodeForm
    template_name = "account/enrol.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """There is one second factor for each person."""
        if isinstance(request.user, User) and second_factor.app_of(request.user):
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Show the key."""
        user = cast("User", self.request.user)
        app = second_factor.new_app(user)
        shown = {
            "key": second_factor.key_of(app),
            "link": app.config_url,
            "picture": segno.make(app.config_url).svg_data_uri(border=3, light="white"),
        }
        return super().get_context_data(**shown, demanded=user.must_have_second_factor, **kwargs)

    @method_decorator(sensitive_variables("codes"))
    def form_valid(self, form: CodeForm) -> HttpResponse:
        """Make it count, here as well, and show the recovery codes."""
        user = cast("User", self.request.user)
        try:
            app, codes = second_factor.enrol(user, form.cleaned_data["code"])
        except second_factor.CodeRefused as error:
            form.add_error("code", str(error))
            return self.form_invalid(form)
        show_second_factor(self.request, app)
        note(self.request, "second factor added", user)
        end_elsewhere(self.request)
        return _told(self.request, codes)


class WithPassword(LoginRequiredMixin, FormView[OwnPassword]):
    """Something of the second factor that asks for the password first."""

    form_class = OwnPassword
    template_name = "account/form.html"
    success_url = reverse_lazy("account")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """There is nothing to do without one."""
        if isinstance(request.user, User) and not second_factor.app_of(request.user):
            return redirect("account")
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Let the form try the password."""
        return {**super().get_form_kwargs(), "request": self.request}


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class NewCodes(WithPassword):
    """New recovery codes; the old ones are good for nothing then."""

    extra_context = {
        "title": gettext_lazy("New recovery codes"),
        "lead": gettext_lazy("The ones you have are good for nothing then."),
        "submit": gettext_lazy("Make new codes"),
        "back": reverse_lazy("account"),
    }

    @method_decorator(sensitive_variables("codes"))
    def form_valid(self, form: OwnPassword) -> HttpResponse:
        """Make and show them."""
        del form
        user = cast("User", self.request.user)
        codes = second_factor.new_codes(user)
        note(self.request, "recovery codes renewed", user)
        return _told(self.request, codes)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class Remove(WithPassword):
    """The password alone is enough again."""

    extra_context = {
        "title": gettext_lazy("Remove the second factor"),
        "lead": gettext_lazy(
            "From then on your password alone opens your account. With a new phone, remove the "
            "second factor and add it again there."
        ),
        "submit": gettext_lazy("Remove it"),
        "back": reverse_lazy("account"),
    }

    def form_valid(self, form: OwnPassword) -> HttpResponse:
        """Remove it."""
        user = cast("User", self.request.user)
        second_factor.remove(user)
        note(self.request, "second factor removed", user)
        messages.success(self.request, _("Your second factor was removed."))
        return super().form_valid(form)


def _told(request: HttpRequest, codes: list[str]) -> HttpResponse:
    return render(request, "account/codes.html", {"codes": codes})

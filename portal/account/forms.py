"""The forms of signing in and of the own account."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import forms as auth
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.models import User


class Styled:
    """A form whose fields look like those of every page."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "input"


class OwnPassword(Styled, forms.Form):
    """Asks for the password again; wrong ones lock as failures to sign in do."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "autofocus": True},
        ),
    )

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self) -> str:
        """Try it."""
        password: str = self.cleaned_data["password"]
        if not is_own_password(self.request, password):
            raise forms.ValidationError(_("This is not your password."))
        return password


class NewPassword(Styled, auth.SetPasswordForm):  # type: ignore[type-arg] # takes none at run time
    """A new password, twice."""


class ChangedPassword(NewPassword):
    """The old password and a new one."""

    old_password = forms.CharField(
        label=_("Present password"),
        strip=False,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "current-password", "autofocus": True},
        ),
    )
    field_order = ("old_password", "new_password1", "new_password2")

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Try it."""
        password: str = self.cleaned_data["old_password"]
        if not is_own_password(self.request, password):
            raise forms.ValidationError(_("This is not your present password."))
        return password


class CodeForm(Styled, forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )


class AddressForm(Styled, forms.Form):
    """Where to mail a link."""

    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


def is_own_password(request: HttpRequest, password: str) -> bool:
    """Say whether it is the password of who is signed in, who cannot try for ever."""
    found = authenticate(request, username=request.user.get_username(), password=password)
    return found is not None and found.pk == request.user.pk

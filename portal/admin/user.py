"""The admin of people: a tenant's administrator manages the own tenant's."""

from typing import Any

from axes.utils import reset as unlock
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from portal import second_factor
from portal.admin.acts import Act
from portal.admin.fence import is_system
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.sign_in_link import SIGN_IN_LINK
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import Session, User


class NewUserForm(UserCreationForm, TenantForm[User]):  # type: ignore[misc] # unfold carries no types
    """A person with a password; one without a tenant is a system administrator."""

    usable_password = None

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.is_superuser = self.tenant is None
        if self.tenant is None:
            self.fields.pop("role", None)


class SetPasswordForm(AdminPasswordChangeForm):  # type: ignore[misc] # unfold carries no types
    """A new password for somebody: whoever knew the old one is out, and a lock is off."""

    def save(self, commit: bool = True) -> User:
        """Set it."""
        user: User = super().save(commit)
        Session.objects.of(user).end()
        unlock(username=user.get_username())
        return user


def end_sessions(page: "UserAdmin", request: HttpRequest, user: User) -> str:
    """Sign somebody out everywhere."""
    count = Session.objects.of(user).end()
    page.note(request, "session ended", user, {"sessions": count})
    said = ngettext(
        "%(user)s was signed out in one place.",
        "%(user)s was signed out in %(count)s places.",
        count,
    )
    return said % {"user": user, "count": count}


def remove_second_factor(page: "UserAdmin", request: HttpRequest, user: User) -> str:
    """Help somebody who lost the phone and the recovery codes."""
    second_factor.remove(user)
    page.note(request, "second factor removed", user)
    return _("%(user)s signs in with the password alone now.") % {"user": user}


@admin.register(User, site=site)
class UserAdmin(TenantScopedAdmin[User], DjangoUserAdmin):  # type: ignore[type-arg, misc] # Django's own page takes no type
    """People and their roles. Nobody becomes a system administrator by a form of a tenant."""

    form: Any = TenantForm
    add_form = NewUserForm
    change_password_form = SetPasswordForm
    shareable = gettext_lazy("None: a system administrator")
    list_display = (
        "username",
        "full_name",
        "email",
        "role",
        "is_active",
        "second_factor",
        "last_login",
    )
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    filter_horizontal = ()
    readonly_fields = ("new_password", "last_login", "second_factor")
    acts = (
        SIGN_IN_LINK,
        Act(
            "end-sessions",
            gettext_lazy("End all sessions"),
            run=end_sessions,
            question=gettext_lazy(
                "Whoever is signed in with this account is signed out, in every browser and at "
                "once. The password stays as it is."
            ),
            fits=lambda user: Session.objects.of(user).exists(),
        ),
        Act(
            "remove-second-factor",
            gettext_lazy("Remove the second factor"),
            run=remove_second_factor,
            question=gettext_lazy(
                "For somebody who lost the phone and the recovery codes: the password alone is "
                "enough then. Make sure that it is really this person who asks."
            ),
            fits=lambda user: second_factor.app_of(user) is not None,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Hide system administrators from everybody else."""
        app = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        rows = super().get_queryset(request).annotate(has_second_factor=Exists(app))
        return rows if is_system(request) else rows.filter(is_superuser=False)

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        """Write both names."""
        return user.get_full_name()

    @admin.display(description=gettext_lazy("second factor"), ordering="has_second_factor")
    def second_factor(self, user: Any) -> str:
        """Say whether a code is asked for after the password."""
        return _("on") if user.has_second_factor else _("off")

    @admin.display(description=gettext_lazy("password"))
    def new_password(self, user: User) -> str:
        """Link to the form; nothing of the present password is shown."""
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="text-link" href="{}">{}</a>', url, _("Set a new password"))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Ask for a role only where there is a tenant to have it in."""
        tenant = self.working_tenant(request, obj)
        role = ("role",) if tenant else ()
        name = {"fields": (("first_name", "last_name"), "email")}
        if obj is None:
            secret = ("username", "password1", "password2")
            return ((None, {"fields": (*secret, *role)}), (_("Person"), name))
        access = ("username", "new_password", *role, "is_active", "second_factor", "last_login")
        return ((None, {"fields": access}), (_("Person"), name))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Nobody takes the own role or access away by mistake."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return (*fields, "role", "is_active") if obj and obj.pk == request.user.pk else fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes the own account."""
        own = obj is not None and obj.pk == request.user.pk
        return super().has_delete_permission(request, obj) and not own

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Not in a selection either."""
        if any(user.pk == request.user.pk for user in objs):
            return [], {}, set(), [_("This is your own account.")]
        return super().get_deleted_objects(objs, request)

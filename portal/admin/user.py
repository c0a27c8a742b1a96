"""The admin of people: a tenant's administrator manages the own tenant's."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from portal.admin.fence import is_system
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.sign_in_link import SIGN_IN_LINK
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import User


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


@admin.register(User, site=site)
class UserAdmin(TenantScopedAdmin[User], DjangoUserAdmin):  # type: ignore[type-arg, misc] # Django's own page takes no type
    """People and their roles. Nobody becomes a system administrator by a form of a tenant."""

    form: Any = TenantForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    shareable = gettext_lazy("None: a system administrator")
    list_display = ("username", "full_name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    filter_horizontal = ()
    readonly_fields = ("new_password", "last_login")
    acts = (SIGN_IN_LINK,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Hide system administrators from everybody else."""
        rows = super().get_queryset(request)
        return rows if is_system(request) else rows.filter(is_superuser=False)

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        """Write both names."""
        return user.get_full_name()

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
        access = ("username", "new_password", *role, "is_active", "last_login")
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

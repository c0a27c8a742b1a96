"""The admin of extensions: may they text, from which numbers, and who signs in for them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextInputWidget,
)

from portal.admin import roster
from portal.admin.group import rules_to
from portal.admin.obstacles import obstacles, words
from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.admin.sign_in_link import SIGN_IN_LINK
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import CallerID, Extension, Group, Tenant, User

# What each permission means, told where it is chosen.
MEANINGS = {
    Extension.Sms.DISABLE: gettext_lazy("Texts that arrive are shown; nothing can be sent."),
    Extension.Sms.ALLOW: gettext_lazy("Sends from the caller IDs below, and from nothing else."),
    Extension.Sms.ALLOW_WITH_SENDER_ID: gettext_lazy(
        "Sends from the caller IDs below, and also from the registered words of its trunks. "
        "Nobody can answer a word."
    ),
}


def permissions() -> list[tuple[str, str]]:
    """Return the permissions, each with its meaning beside its name."""
    return [
        (
            choice.value,
            format_html(
                '<span class="font-medium text-important">{}</span>'
                '<br><span class="whitespace-normal">{}</span>',
                choice.label,
                MEANINGS[choice],
            ),
        )
        for choice in Extension.Sms
    ]


class ExtensionForm(TenantForm[Extension]):
    """An extension, and if wanted a new person who signs in for it."""

    sms = forms.ChoiceField(
        label=gettext_lazy("Send SMS/MMS"),
        choices=permissions,
        initial=Extension.Sms.DISABLE,
        widget=UnfoldAdminRadioSelectWidget(),
    )
    new_username = forms.CharField(
        label=gettext_lazy("Username"),
        max_length=150,
        required=False,
        validators=[User.username_validator],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    new_password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = self.fields.get("user")
        if isinstance(user, forms.ModelChoiceField) and user.queryset is not None:
            # Each person signs in for one extension at most.
            user.queryset = user.queryset.filter(
                Q(extension__isnull=True) | Q(extension=self.instance.pk)
            )

    def clean_number(self) -> str:
        """Refuse the number of a group: a rule could not tell the two apart."""
        number: str = self.cleaned_data["number"]
        if Group.objects.filter(tenant=self.instance.tenant, number=number).exists():
            raise forms.ValidationError(_("A group has this number already."))
        return number

    def clean_new_username(self) -> str:
        """Refuse a name that somebody has."""
        name: str = self.cleaned_data["new_username"]
        if name and User.objects.filter(username=name).exists():
            raise forms.ValidationError(_("This username is taken."))
        return name

    def clean(self) -> dict[str, Any]:
        """A new sign-in is a name with a password, in the place of another person."""
        cleaned = super().clean() or self.cleaned_data
        name, password = cleaned.get("new_username"), cleaned.get("new_password")
        if name and not password:
            self.add_error("new_password", _("Give the new person a password."))
        if password and not name and "new_username" not in self.errors:
            self.add_error("new_username", _("Give the new person a name."))
        if name and cleaned.get("user") and "user" in self.changed_data:
            self.add_error("user", _("Choose somebody or make a new sign-in, not both."))
        if name and password:
            try:
                validate_password(password, User(username=name))
            except ValidationError as error:
                self.add_error("new_password", error)
        return cleaned

    def new_user(self, tenant: Tenant) -> User | None:
        """Make the person that the form asks for."""
        name = self.cleaned_data.get("new_username")
        if not name:
            return None
        return User.objects.create_user(
            username=name,
            password=self.cleaned_data["new_password"],
            tenant=tenant,
            role=User.Role.EXTENSION,
        )


class CallerIDForm(TenantForm[CallerID]):
    """One number to send from. That only one is the default is the formset's matter."""

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() | {"is_default"}


class CallerIDFormSet(forms.BaseInlineFormSet[CallerID, Extension, CallerIDForm]):
    """The numbers of one extension; the default can move from one to another in one go."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Unfold's page sizes are not used here.
        super().__init__(*args, **kwargs)

    def _kept(self) -> list[CallerIDForm]:
        gone = self.deleted_forms
        return [form for form in self.forms if form not in gone and form.cleaned_data.get("did")]

    def clean(self) -> None:
        """Allow one default."""
        super().clean()
        if any(self.errors):
            return
        if sum(form.cleaned_data["is_default"] for form in self._kept()) > 1:
            raise forms.ValidationError(_("Only one caller ID can be the default."))

    def save(self, commit: bool = True) -> list[CallerID]:
        """Take the default away first, so that the database never sees two."""
        chosen = [form.instance.pk for form in self._kept() if form.cleaned_data["is_default"]]
        if chosen and self.instance.pk:
            others = CallerID.objects.filter(extension=self.instance).exclude(pk__in=chosen)
            others.filter(is_default=True).update(is_default=False)
        return super().save(commit)


class CallerIDInline(TenantInline):
    """What the extension may send from."""

    model = CallerID
    form = CallerIDForm
    formset = CallerIDFormSet
    autocomplete_fields = ("did",)
    fields = ("did", "trunk", "description", "is_default")
    readonly_fields = ("trunk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallerID]:
        """Load along what a row shows."""
        rows: QuerySet[CallerID] = super().get_queryset(request)
        return rows.select_related("did__trunk").defer("did__trunk__credentials")

    @admin.display(description=gettext_lazy("trunk"))
    def trunk(self, row: CallerID) -> str:
        """Name the trunk of the number."""
        return str(row.did.trunk) if row.did_id else ""


@admin.register(Extension, site=site)
class ExtensionAdmin(TenantScopedAdmin[Extension]):
    """Extensions with their caller IDs."""

    form = ExtensionForm
    list_display = ("number", "name", "user", "sms", "enabled", "presence")
    list_display_links = ("number", "name")
    list_filter = ("sms", "enabled", "presence")
    list_select_related = ("user",)
    search_fields = ("number", "name", "user__username")
    autocomplete_fields = ("user",)
    inlines = (CallerIDInline,)
    acts = (SIGN_IN_LINK,)
    actions_list = ("import_csv", "export_csv")
    change_form_outer_before_template = "admin/extension.html"
    change_form_outer_after_template = "admin/extension_words.html"
    fieldsets = (
        (None, {"fields": (("number", "name"), "sms", ("enabled", "presence"))}),
        (gettext_lazy("Sign-in"), {"fields": ("user",)}),
        (
            gettext_lazy("New sign-in"),
            {
                "fields": (("new_username", "new_password"),),
                "description": gettext_lazy(
                    "Or make the person here, together with the extension. Leave both empty if "
                    "somebody was chosen above, or nobody is to sign in."
                ),
            },
        ),
    )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the new person first."""
        made = form.new_user(obj.tenant)
        if made:
            obj.user = made
            self.note(request, "added", made)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Say what will not work as it is now, since saving leaves the page."""
        super().save_related(request, form, formsets, change)
        for one in obstacles(form.instance):
            messages.warning(request, f"{form.instance}: {one.text}")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Add what will not work, and the words that the extension may send from."""
        return {
            **super().page_context(request, row),
            "obstacles": obstacles(row) if row else [],
            "words": words(row) if row else [],
        }

    @action(
        description=gettext_lazy("Import CSV"),
        icon="upload",
        permissions=["add"],
        url_path="import",
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def import_csv(self, request: HttpRequest) -> HttpResponse:
        """Take extensions in from a file."""
        return roster.import_view(self, request)

    @action(
        description=gettext_lazy("Export CSV"),
        icon="download",
        permissions=["add"],
        url_path="export",
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def export_csv(self, request: HttpRequest) -> HttpResponse:
        """Give the extensions out as a file."""
        return roster.export_view(self, request)

    def blockers(self, row: Any) -> list[str]:
        """Name the rules that lead to the extension."""
        return [*rules_to(row), *super().blockers(row)]

"""Forms of the admin: bound to one tenant; a trunk's grows its provider's fields."""

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from portal import e164
from portal.models import Tenant, Trunk
from portal.models.trunk import check_credentials
from portal.vault import CredentialsUnreadable
from providers import registry
from providers.credentials import CredentialField, credential_fields

M = TypeVar("M", bound=Model)

CREDENTIAL = "credential_"
FORGET = "forget_"


class TenantForm(forms.ModelForm[M]):
    """A form whose new rows belong to ``tenant``, which also counts when uniqueness is checked."""

    tenant: ClassVar[Tenant | None] = None
    also_checked: ClassVar[frozenset[str]] = frozenset({"tenant"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row: Any = self.instance
        if not row.pk:
            row.tenant = self.tenant

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc] # not in the stubs
        return excluded - self.also_checked


def stored_credentials(trunk: Trunk) -> dict[str, str]:
    """Return what is kept of a trunk's credentials; nothing if no key opens it any more."""
    try:
        return dict(trunk.credentials)
    except CredentialsUnreadable:
        return {}


class TrunkForm(TenantForm[Trunk]):
    """A trunk at one provider; ``trunk_form`` adds the provider's own fields.

    A secret that is left empty stays as it is; it never goes back into the page.
    """

    provider: ClassVar[str] = ""
    declared: ClassVar[tuple[CredentialField, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self.instance.provider = self.provider

    def clean(self) -> dict[str, Any]:
        """Put the credentials together, and let the adapter look at them as a whole."""
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            values = self._values(cleaned)
            try:
                base = cleaned.get("api_base", self.instance.api_base)
                check_credentials(self.provider, values, base)
            except ValueError as error:
                raise forms.ValidationError(str(error)) from error
            self.instance.credentials = values
        return cleaned

    @property
    def credentials_changed(self) -> bool:
        """Whether the form brings other credentials than the stored ones."""
        return any(name.startswith((CREDENTIAL, FORGET)) for name in self.changed_data)

    def _values(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        stored = stored_credentials(self.instance) if self.instance.pk else {}
        values = {}
        for field in self.declared:
            typed = cleaned.get(CREDENTIAL + field.name, "")
            kept = field.secret and not typed and not cleaned.get(FORGET + field.name)
            value = stored.get(field.name, "") if kept else typed
            if value:
                values[field.name] = value
        return values


def trunk_form(provider: str, trunk: Trunk | None = None) -> type[TrunkForm]:
    """Return the form for a trunk at one provider; ``trunk`` is the one that is edited."""
    stored = stored_credentials(trunk) if trunk else {}
    declared = credential_fields(registry.get(provider).credentials_type)
    fields: dict[str, Any] = {}
    for field in declared:
        value = stored.get(field.name, "")
        fields[CREDENTIAL + field.name] = _credential(field, value, is_new=trunk is None)
        if field.secret and not field.required and stored.get(field.name):
            fields[FORGET + field.name] = forms.BooleanField(
                label=_("Forget the stored %(label)s") % {"label": field.label},
                required=False,
                widget=UnfoldBooleanSwitchWidget(),
            )
    return type("TrunkForm", (TrunkForm,), {"provider": provider, "declared": declared, **fields})


def _credential(field: CredentialField, stored: str, *, is_new: bool) -> forms.Field:
    validators = []
    if field.pattern:
        wrong = _("This does not look like the %(label)s. %(help)s") % {
            "label": field.label,
            "help": field.help,
        }
        validators.append(RegexValidator(rf"\A(?:{field.pattern})\Z", wrong))
    if field.choices:
        return forms.ChoiceField(
            label=field.label,
            help_text=field.help,
            required=field.required,
            choices=field.choices,
            initial=stored or field.default,
            widget=UnfoldAdminSelectWidget(),
        )
    # Only for a new trunk: an old one's provider would not know what we now begin to demand.
    made_up = secrets.token_urlsafe(18) if field.generated and is_new else ""
    help_text = field.help
    if made_up and field.secret:
        help_text += str(_(" We made it up: enter it at the provider now, it is not shown again."))
    return forms.CharField(
        label=field.label,
        help_text=help_text,
        required=field.required and not (field.secret and stored),
        initial=made_up or ("" if field.secret else stored or field.default),
        validators=validators,
        strip=not field.multiline,
        widget=_widget(field, shown=not field.secret or bool(made_up), stored=bool(stored)),
    )


def _widget(field: CredentialField, *, shown: bool, stored: bool) -> forms.Widget:
    attrs: dict[str, Any] = {"autocomplete": "off" if shown else "new-password"}
    if stored and not shown:
        attrs["placeholder"] = str(_("unchanged"))
    kind: type[forms.Widget] = UnfoldAdminPasswordWidget
    if field.multiline:
        kind, attrs = UnfoldAdminTextareaWidget, {**attrs, "rows": 5, "spellcheck": "false"}
    elif shown:
        kind = UnfoldAdminTextInputWidget
    return kind(attrs=attrs)


class PoolForm(forms.Form):
    """Many DIDs at once, on one trunk, in the pool syntax of the PBX."""

    trunk = forms.ModelChoiceField(
        Trunk.objects.none(),
        label=_("Trunk"),
        empty_label=_("Select value"),
        widget=UnfoldAdminSelectWidget(),
    )
    pool = forms.CharField(
        label=_("DID pool"),
        help_text=_(
            "Numbers with their country code and ranges a-b, separated by ; or new lines. "
            "Example: 12172074420-12172074429;12172074450"
        ),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
    )
    sms = forms.BooleanField(
        label=_("SMS"), initial=True, required=False, widget=UnfoldBooleanSwitchWidget()
    )
    mms = forms.BooleanField(
        label=_("MMS"), initial=True, required=False, widget=UnfoldBooleanSwitchWidget()
    )
    label = forms.CharField(
        label=_("Label"), max_length=64, required=False, widget=UnfoldAdminTextInputWidget()
    )
    campaign_note = forms.CharField(
        label=_("10DLC campaign note"),
        max_length=200,
        required=False,
        help_text=_("US numbers need an approved campaign at the provider before they can send."),
        widget=UnfoldAdminTextInputWidget(),
    )

    def __init__(self, *args: Any, tenant: Tenant, trunks: QuerySet[Trunk], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        choice = self.fields["trunk"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = trunks

    def clean_pool(self) -> list[str]:
        """Read the pool; the complaint names the part that cannot be read."""
        try:
            numbers = e164.parse_pool(self.cleaned_data["pool"], self.tenant.country)
        except e164.NumberInvalid as error:
            raise forms.ValidationError(str(error)) from error
        if not numbers:
            raise forms.ValidationError(_("There is no number in it."))
        return numbers

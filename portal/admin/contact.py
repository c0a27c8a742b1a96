"""The admin of contacts with their numbers."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from portal import e164
from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import Contact, ContactNumber


class NumberForm(TenantForm[ContactNumber]):
    """A number as people type it, kept in normal form."""

    number = forms.CharField(label=_("Number"), max_length=32)

    def clean_number(self) -> str:
        """Read it in the tenant's country."""
        country = self.instance.tenant.country
        try:
            return e164.normalize(self.cleaned_data["number"], country)
        except e164.NumberInvalid as error:
            raise forms.ValidationError(str(error)) from error


class NumberInline(TenantInline):
    """The numbers of a contact."""

    model = ContactNumber
    form = NumberForm


@admin.register(Contact, site=site)
class ContactAdmin(TenantScopedAdmin[Contact]):
    """People outside, shared or of one extension."""

    list_display = ("name", "company", "extension")
    list_select_related = ("extension",)
    search_fields = ("name", "company", "numbers__number")
    autocomplete_fields = ("extension",)
    inlines = (NumberInline,)

"""The admin of contacts with their numbers."""

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from portal import e164
from portal.addressbook.download import download
from portal.admin import trail
from portal.admin.contact_file import import_page
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
    actions_list = ("import_file", "export_vcard", "export_csv")

    @action(description=_("Import"), url_path="import", permissions=["add"])  # type: ignore[untyped-decorator] # unfold carries no types
    def import_file(self, request: HttpRequest) -> HttpResponse:
        """Ask for the tenant where it is open, then take a file."""
        step = self.next_step(request)
        tenant = self.working_tenant(request)
        if step or tenant is None:
            return self.ask(request, step) if step else HttpResponseRedirect("..")
        return import_page(self, request, tenant)

    @action(description=_("Export vCard"), url_path="export-vcard", permissions=["view"])  # type: ignore[untyped-decorator] # unfold carries no types
    def export_vcard(self, request: HttpRequest) -> HttpResponseBase:
        """Return the shared contacts that the person may see, for phones."""
        return self.export(request, "vcard")

    @action(description=_("Export CSV"), url_path="export", permissions=["view"])  # type: ignore[untyped-decorator] # unfold carries no types
    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """Return the shared contacts that the person may see, for spreadsheets."""
        return self.export(request, "csv")

    def export(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """Return them, and write that somebody took them along."""
        trail.exported(request, self.opts.verbose_name_plural)
        return download(self.get_queryset(request).filter(extension=None), kind)

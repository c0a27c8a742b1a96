"""The admin of ring groups and queues, with their members."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _

from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import Extension, Group, GroupMember


class GroupForm(TenantForm[Group]):
    """A group whose number no extension has."""

    def clean_number(self) -> str:
        """Refuse the number of an extension: a rule could not tell the two apart."""
        number: str = self.cleaned_data["number"]
        if Extension.objects.filter(tenant=self.instance.tenant, number=number).exists():
            raise forms.ValidationError(_("An extension has this number already."))
        return number


class MemberInline(TenantInline):
    """The extensions that answer together."""

    model = GroupMember
    autocomplete_fields = ("extension",)


@admin.register(Group, site=site)
class GroupAdmin(TenantScopedAdmin[Group]):
    """Ring groups and queues."""

    form = GroupForm
    list_display = ("number", "name", "kind", "answer_within")
    list_display_links = ("number", "name")
    list_filter = ("kind",)
    search_fields = ("number", "name")
    inlines = (MemberInline,)

    def blockers(self, row: Any) -> list[str]:
        """Name the rules that lead to the group."""
        return [*rules_to(row), *super().blockers(row)]


def rules_to(target: Extension | Group) -> list[str]:
    """Name, in words, the rules that lead to an extension or a group."""
    return [
        _("Inbound rule %(rule)s leads to it (%(when)s).")
        % {"rule": destination.rule.name, "when": destination.get_when_display()}
        for destination in target.destinations.select_related("rule")
    ]

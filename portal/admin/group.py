"""The admin of ring groups and queues: who is in them, and what leads to them.

The traffic, which knows who is there to answer, completes and registers the page.
"""

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.forms import TenantForm
from portal.models import Destination, Extension, Group, GroupMember


class GroupForm(TenantForm[Group]):
    """A group whose number no extension has."""

    def clean_number(self) -> str:
        """Refuse the number of an extension: a rule could not tell the two apart."""
        number: str = self.cleaned_data["number"]
        if Extension.objects.filter(tenant=self.instance.tenant, number=number).exists():
            raise forms.ValidationError(
                _("An extension has this number already. Choose a number that nobody has.")
            )
        return number


class MemberInline(TenantInline):
    """The extensions that answer together, in the order in which they are asked."""

    model = GroupMember
    autocomplete_fields = ("extension",)
    fields: tuple[str, ...] = ("extension", "order")
    ordering_field = "order"

    def get_queryset(self, request: HttpRequest) -> QuerySet[GroupMember]:
        """Load who they are along."""
        rows: QuerySet[GroupMember] = super().get_queryset(request).select_related("extension")
        return rows


class GroupAdmin(TenantScopedAdmin[Group]):
    """Ring groups and queues."""

    form = GroupForm
    list_display: tuple[str, ...] = ("number", "name", "kind", "answer_within")
    list_display_links = ("number", "name")
    list_filter = ("kind",)
    search_fields = ("number", "name")
    inlines: ClassVar[tuple[type[MemberInline], ...]] = (MemberInline,)
    change_form_outer_before_template = "admin/group.html"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Say what leads to the group."""
        context = super().page_context(request, row)
        if row is None:
            return context
        return {**context, "rules": leading_to(row)}

    def blockers(self, row: Any) -> list[str]:
        """Name the rules that lead to the group."""
        return [*rules_to(row), *super().blockers(row)]


def leading_to(target: Extension | Group) -> QuerySet[Destination]:
    """Return where rules lead to an extension or a group."""
    return target.destinations.select_related("rule").order_by("rule__order", "rule_id", "id")


def rules_to(target: Extension | Group) -> list[str]:
    """Name, in words, the rules that lead to an extension or a group."""
    return [
        _("Inbound rule %(rule)s leads to it (%(when)s).")
        % {"rule": destination.rule.name, "when": destination.get_when_display()}
        for destination in leading_to(target)
    ]

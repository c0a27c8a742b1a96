"""The admin of ring groups and queues: who is in them, who is there, and who is asked next."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from portal.admin.scoped import TenantInline, TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import Destination, Extension, Group, GroupMember

PRESENCE = {
    Extension.Presence.AVAILABLE: "success",
    Extension.Presence.AWAY: "warning",
    Extension.Presence.OFF: "danger",
}
PRESENT = Q(
    members__extension__enabled=True,
    members__extension__presence=Extension.Presence.AVAILABLE,
)


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
    fields = ("extension", "presence", "order")
    readonly_fields = ("presence",)
    ordering_field = "order"

    def get_queryset(self, request: HttpRequest) -> QuerySet[GroupMember]:
        """Load who they are along."""
        rows: QuerySet[GroupMember] = super().get_queryset(request).select_related("extension")
        return rows

    @admin.display(description=gettext_lazy("presence"))
    def presence(self, member: GroupMember) -> str:
        """Say whether the member is there."""
        if not member.pk:
            return "-"
        extension = member.extension
        if not extension.enabled:
            word, colour = _("switched off"), "danger"
        else:
            word = extension.get_presence_display()
            colour = PRESENCE[Extension.Presence(extension.presence)]
        return render_to_string("unfold/helpers/label.html", {"text": word, "type": colour})


@admin.register(Group, site=site)
class GroupAdmin(TenantScopedAdmin[Group]):
    """Ring groups and queues."""

    form = GroupForm
    list_display = ("number", "name", "kind", "staffed", "answer_within")
    list_display_links = ("number", "name")
    list_filter = ("kind",)
    search_fields = ("number", "name")
    inlines = (MemberInline,)
    change_form_outer_before_template = "admin/group.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Count the members, and those who are there."""
        return (
            super()
            .get_queryset(request)
            .annotate(all_members=Count("members"), present=Count("members", filter=PRESENT))
        )

    @display(
        description=gettext_lazy("available"),
        label={"some": "success", "nobody": "warning", "empty": "danger"},
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def staffed(self, group: Group) -> tuple[str, str]:
        """Say how many of the members are there."""
        members, present = vars(group)["all_members"], vars(group)["present"]
        if not members:
            return "empty", _("no members")
        words = _("%(present)d of %(members)d") % {"present": present, "members": members}
        return ("some" if present else "nobody"), words

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Warn of a group that nobody answers."""
        super().save_related(request, form, formsets, change)
        for words in alone(form.instance):
            messages.warning(request, f"{form.instance}: {words}")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Say what leads to the group, and who would get the next conversation."""
        context = super().page_context(request, row)
        if row is None:
            return context
        return {
            **context,
            "alone": alone(row),
            "next_agent": row.first_present(),
            "rules": leading_to(row),
        }

    def blockers(self, row: Any) -> list[str]:
        """Name the rules that lead to the group."""
        return [*rules_to(row), *super().blockers(row)]


def alone(group: Group) -> list[str]:
    """Say, in words, what keeps a group's conversations from being answered now."""
    if not group.members.exists():
        return [_("It has no members, so nobody sees its conversations. Add some.")]
    if group.first_present() is None:
        return [_("None of its members is available: new conversations wait.")]
    return []


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

"""The admin of ring groups and queues, with who is there and who is asked next."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from portal.admin.group import GroupAdmin, MemberInline
from portal.admin.site import site
from portal.models import Extension, Group, GroupMember
from sms import presence, rotation

COLOURS = {
    Extension.Presence.AVAILABLE: "success",
    Extension.Presence.AWAY: "warning",
    Extension.Presence.OFF: "danger",
}


class StaffInline(MemberInline):
    """The members, and whether each of them can be asked."""

    fields = ("extension", "presence", "order")
    readonly_fields = ("presence",)

    @admin.display(description=gettext_lazy("presence"))
    def presence(self, member: GroupMember) -> str:
        """Say whether the member is there, or what keeps it from being asked."""
        if not member.pk:
            return "-"
        extension = member.extension
        there = presence.of(extension)
        word, colour = str(there.label), COLOURS[there]
        if not extension.enabled:
            word, colour = _("switched off"), "danger"
        elif not extension.may_send:
            word, colour = _("may not send"), "danger"
        return render_to_string("unfold/helpers/label.html", {"text": word, "type": colour})


@admin.register(Group, site=site)
class StaffedGroupAdmin(GroupAdmin):
    """Ring groups and queues, and who is there to answer."""

    list_display = ("number", "name", "kind", "staffed", "answer_within")
    inlines = (StaffInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Load the members along."""
        rows: QuerySet[Group] = super().get_queryset(request)
        return rows.prefetch_related("members__extension")

    @display(
        description=gettext_lazy("available"),
        label={"some": "success", "nobody": "warning", "empty": "danger"},
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def staffed(self, group: Group) -> tuple[str, str]:
        """Say how many of the members can be asked."""
        members = [member.extension for member in group.members.all()]
        if not members:
            return "empty", _("no members")
        there = able(members)
        words = _("%(present)d of %(members)d") % {"present": there, "members": len(members)}
        return ("some" if there else "nobody"), words

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Warn of a group that nobody answers."""
        super().save_related(request, form, formsets, change)
        for words in alone(form.instance):
            messages.warning(request, f"{form.instance}: {words}")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Say who would get the next conversation."""
        context = super().page_context(request, row)
        if row is None:
            return context
        return {**context, "alone": alone(row), "next_agent": rotation.choose(row)}


def able(extensions: Iterable[Extension]) -> int:
    """Count those who can be asked."""
    senders = [extension for extension in extensions if extension.may_send]
    return list(presence.words(senders).values()).count(Extension.Presence.AVAILABLE)


def alone(group: Group) -> list[str]:
    """Say, in words, what keeps a group's conversations from being answered now."""
    if not group.members.exists():
        return [_("It has no members, so nobody sees its conversations. Add some.")]
    if rotation.choose(group) is None:
        return [_("None of its members is available: new conversations wait.")]
    return []

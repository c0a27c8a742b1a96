"""The admin of the audit log: who did what, of what, from which to which value."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from portal.admin import trail
from portal.admin.fence import LOOKERS, is_system, own_tenant_id
from portal.admin.filters import PeriodFilter
from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from portal.models import AuditEntry, User

SHOWN = 160  # characters of what changed, in the list


def actors(request: HttpRequest) -> QuerySet[User]:
    """Return who may have done something that the person may see: those with entry to the admin."""
    people = User.objects.filter(Q(role__in=LOOKERS) | Q(is_superuser=True))
    if is_system(request):
        return people
    tenant_id = own_tenant_id(request) or 0
    came = AuditEntry.objects.filter(tenant_id=tenant_id, user=OuterRef("pk"))
    return people.filter(Q(tenant_id=tenant_id) | (Q(is_superuser=True) & Exists(came)))


class PersonFilter(DropdownFilter):  # type: ignore[misc] # unfold carries no types
    """Keeps to what one person did."""

    title = _("person")
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Offer them by name."""
        del model_admin
        people = actors(request).order_by("username").values_list("pk", "username")
        return [(str(pk), name) for pk, name in people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> Any:
        """Keep to the one that is chosen."""
        chosen = self.value() or ""
        return queryset.filter(user=int(chosen)) if chosen.isdecimal() else queryset


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Entries are only read."""

    outlives = False
    list_display = ("at", "said", "address")
    list_display_links = ("at",)
    list_filter = (("at", PeriodFilter), PersonFilter, "action")
    list_select_related = ()
    search_fields = ("username", "target")
    fields = ("at", "sentence", "what", "address")

    @admin.display(description=_("what happened"))
    def said(self, entry: AuditEntry) -> str:
        """Write the entry as a sentence, with the beginning of what changed."""
        more = Truncator("; ".join(trail.lines(entry))).chars(SHOWN)
        return format_html(
            '<div class="entry anywhere">{}<small>{}</small></div>', trail.sentence(entry), more
        )

    @admin.display(description=_("what happened"))
    def sentence(self, entry: AuditEntry) -> str:
        """Write the entry as a sentence."""
        return trail.sentence(entry)

    @admin.display(description=_("details"))
    def what(self, entry: AuditEntry) -> Any:
        """Lay out the fields that changed."""
        return render_to_string("admin/trail_detail.html", {"lines": list(trail.lines(entry))})

"""The admin of the audit log: who did what, of what, from which to which value."""

from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter

from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from portal.models import AuditEntry


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Entries are only read."""

    outlives = False
    list_display = ("at", "username", "action", "target", "address")
    list_filter = (("at", RangeDateTimeFilter), "action")
    list_select_related = ()
    search_fields = ("username", "target")
    fields = ("at", "username", "action", "target", "what", "address")

    @admin.display(description=_("details"))
    def what(self, entry: AuditEntry) -> Any:
        """Lay out the fields that changed."""
        return render_to_string("admin/trail_detail.html", {"detail": entry.detail})

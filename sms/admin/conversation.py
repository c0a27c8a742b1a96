"""The admin of conversations: who talks with whom, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter

from portal.admin.acts import Act
from portal.admin.fence import ADMIN
from portal.admin.filters import ScopedRelatedFilter
from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from sms.admin import transfer
from sms.admin.filters import StandingFilter
from sms.models import Conversation


@admin.register(Conversation, site=site)
class ConversationAdmin(ReadOnlyAdmin[Conversation]):
    """Conversations are answered in the client, not here."""

    readers = ADMIN
    acts = (Act("transfer", _("Transfer handler"), view=transfer.view, fits=transfer.has_group),)
    list_display = (
        "last_message_at", "our_number", "remote", "extension", "group", "assignee", "closed_at"
    )  # fmt: skip
    list_filter = (
        StandingFilter,
        ("last_message_at", RangeDateTimeFilter),
        ("kind", ChoicesDropdownFilter),
        ("trunk", ScopedRelatedFilter),
    )
    list_select_related = ("extension", "group", "assignee")
    search_fields = ("our_number", "remote")
    fields = (
        "kind", "trunk", ("our_number", "remote"), ("extension", "peer", "group"),
        ("assignee", "waiting_since"), ("last_message_at", "closed_at"),
    )  # fmt: skip

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Let administrators hand it over."""
        return self._may(request, ADMIN, row)

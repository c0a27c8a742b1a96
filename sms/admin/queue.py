"""The admin of queues: how much waits on each trunk, and when it will be gone."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from sms import backlog
from sms.models import TrunkQueue


@admin.register(TrunkQueue, site=site)
class TrunkQueueAdmin(ReadOnlyAdmin[TrunkQueue]):
    """Queues empty themselves; what stops one is told at its trunk."""

    outlives = False
    list_display = ("name", "condition", "queued", "oldest_due", "ends_at", "messages_per_second")
    search_fields = ("name",)
    fields = (
        "name", "condition", "paused_reason", ("queued", "oldest_due", "ends_at"),
        ("messages_per_second", "last_send_at"),
    )  # fmt: skip
    readonly_fields = ("condition", "queued", "oldest_due", "ends_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrunkQueue]:
        """Count what waits, the longest queue first."""
        rows = backlog.counted(super().get_queryset(request).defer("credentials"))
        return rows.order_by(F("queued").desc(nulls_last=True), "name")

    @display(
        description=gettext_lazy("state"),
        label={"sends": "success", "paused": "danger", "off": "warning"},
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def condition(self, trunk: TrunkQueue) -> tuple[str, str]:
        """Show whether the trunk sends."""
        if not trunk.enabled:
            return "off", _("switched off")
        return ("paused", _("paused")) if trunk.paused_since else ("sends", _("sends"))

    @admin.display(description=gettext_lazy("waiting"))
    def queued(self, trunk: TrunkQueue) -> int:
        """Show how many messages wait."""
        return vars(trunk)["queued"] or 0

    @admin.display(description=gettext_lazy("the oldest is due since"), empty_value="-")
    def oldest_due(self, trunk: TrunkQueue) -> datetime | None:
        """Show since when the oldest could go out: in the future while it waits for a try."""
        due: datetime | None = vars(trunk)["oldest_due"]
        return due

    @admin.display(description=gettext_lazy("expected end"), empty_value="-")
    def ends_at(self, trunk: TrunkQueue) -> Any:
        """Show when the last will have gone out, at the trunk's rate."""
        if not self.queued(trunk):
            return None
        ends = backlog.of(trunk).ends_at
        return ends or _("not while it sends nothing")

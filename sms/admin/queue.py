"""The admin of queues: how much waits on each trunk, and when it will be gone."""

from datetime import datetime

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from sms import backlog
from sms.models import TrunkQueue

STANDING = {
    "sends": gettext_lazy("sends"),
    "paused": gettext_lazy("paused"),
    "off": gettext_lazy("switched off"),
}


@admin.register(TrunkQueue, site=site)
class TrunkQueueAdmin(ReadOnlyAdmin[TrunkQueue]):
    """Queues empty themselves; what stops one is told at its trunk."""

    outlives = False
    list_display = ("name", "condition", "queued", "oldest_due", "ends_at", "messages_per_second")
    search_fields = ("name",)
    fields = (
        "name", "standing", "paused_reason", "queued", "oldest_due", "ends_at",
        "messages_per_second", "last_send_at",
    )  # fmt: skip
    readonly_fields = ("standing", "queued", "oldest_due", "ends_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TrunkQueue]:
        """Count what waits, the longest queue first."""
        rows = backlog.counted(super().get_queryset(request).defer("credentials"))
        return rows.order_by(F("queued").desc(nulls_last=True), "name")

    @display(
        description=gettext_lazy("state"),
        label={"sends": "success", "paused": "danger", "off": "warning"},
    )  # type: ignore[untyped-decorator] # unfold carries no types
    def condition(self, trunk: TrunkQueue) -> tuple[str, str]:
        """Show whether the trunk sends, in colour."""
        key = _standing(trunk)
        return key, str(STANDING[key])

    @admin.display(description=gettext_lazy("state"))
    def standing(self, trunk: TrunkQueue) -> str:
        """Say whether the trunk sends."""
        return str(STANDING[_standing(trunk)])

    @admin.display(description=gettext_lazy("waiting"))
    def queued(self, trunk: TrunkQueue) -> int:
        """Show how many messages wait."""
        return vars(trunk)["queued"] or 0

    @admin.display(description=gettext_lazy("the oldest is due since"), empty_value="-")
    def oldest_due(self, trunk: TrunkQueue) -> str | None:
        """Show since when the oldest could go out: in the future while it waits for a try."""
        due: datetime | None = vars(trunk)["oldest_due"]
        return _moment(due) if due else None

    @admin.display(description=gettext_lazy("expected end"), empty_value="-")
    def ends_at(self, trunk: TrunkQueue) -> str | None:
        """Show when the last will have gone out, at the trunk's rate."""
        if not self.queued(trunk):
            return None
        ends = backlog.of(trunk).ends_at
        return _moment(ends) if ends else _("not while it sends nothing")


def _standing(trunk: TrunkQueue) -> str:
    if not trunk.enabled:
        return "off"
    return "paused" if trunk.paused_since else "sends"


def _moment(when: datetime) -> str:
    return date_format(timezone.localtime(when), "DATETIME_FORMAT")

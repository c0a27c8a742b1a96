"""The quarantine at a glance: what is in there by trunk and reason, however much of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, QuerySet, Sum
from django.utils import timezone

from portal.models import Trunk
from sms.models import ProviderEvent, RefusedCount

COUNTED = 10_000
"""Events that are counted at most; a flood shows as more than that."""
SHOWN = 12
REFUSED_DAYS = 7


@dataclass
class Heap:
    """Events of one trunk that are in quarantine for the same reason."""

    latest: ProviderEvent
    count: int
    is_more: bool
    refused: int = 0
    """How many were refused lately in all; the first of a day are kept."""
    remedy: Any = None
    may_release: bool = False

    @property
    def trunk(self) -> Trunk:
        """Whose they are."""
        return self.latest.trunk

    @property
    def query(self) -> str:
        """What tells them from all others, in an address."""
        return urlencode({"trunk__id__exact": self.trunk.pk, "reason__exact": self.latest.reason})

    @property
    def since(self) -> datetime:
        """When the latest came."""
        return self.latest.received_at


def heaps(events: QuerySet[ProviderEvent]) -> list[Heap]:
    """Return the largest heaps among the latest events in quarantine."""
    held = events.filter(state=ProviderEvent.State.QUARANTINED).order_by("-pk")
    recent = list(held.values_list("pk", flat=True)[COUNTED : COUNTED + 1])
    counted = held.filter(pk__gt=recent[0]) if recent else held
    groups = list(
        counted.order_by()
        .values("trunk", "reason")
        .annotate(count=Count("pk"), latest=Max("pk"))
        .order_by("-count")[:SHOWN]
    )
    latest = events.select_related("trunk").in_bulk([group["latest"] for group in groups])
    found = [
        Heap(latest[group["latest"]], group["count"], bool(recent))
        for group in groups
        if group["latest"] in latest
    ]
    _count_refused([heap for heap in found if heap.latest.reason == ProviderEvent.Reason.REFUSED])
    return found


def _count_refused(found: list[Heap]) -> None:
    since = timezone.now().date() - timedelta(days=REFUSED_DAYS)
    rows = RefusedCount.objects.order_by().filter(
        trunk__in=[heap.trunk.pk for heap in found], day__gt=since
    )
    sums = dict(rows.values("trunk").annotate(sum=Sum("count")).values_list("trunk", "sum"))
    for heap in found:
        heap.refused = sums.get(heap.trunk.pk, 0)

"""How much waits on each trunk, since when, and when the last of it will have gone out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, OuterRef, QuerySet, Subquery
from django.utils import timezone

from sms.models import Message, State, TrunkQueue


@dataclass(frozen=True)
class Waiting:
    """What waits on one trunk. ``ends_at`` is None while the trunk sends nothing."""

    trunk_id: int
    queued: int
    oldest_due: datetime
    ends_at: datetime | None

    @property
    def seconds_left(self) -> float | None:
        """Return how long it takes until the last of it has gone out, at the trunk's rate."""
        if self.ends_at is None:
            return None
        return max(0.0, (self.ends_at - timezone.now()).total_seconds())


def counted(trunks: QuerySet[TrunkQueue]) -> QuerySet[TrunkQueue]:
    """Add to trunks how many messages wait on each, and since when: ``queued``, ``oldest_due``."""
    rows = Message.objects.filter(trunk=OuterRef("pk"), state=State.QUEUED).order_by()
    groups = rows.values("trunk")
    return trunks.annotate(
        queued=Subquery(groups.annotate(n=Count("pk")).values("n")),
        oldest_due=Subquery(groups.annotate(at=Min("due_at")).values("at")),
    )


def waiting(trunks: QuerySet[TrunkQueue]) -> list[Waiting]:
    """Return what waits on these trunks, the longest queue first; empty ones are left out."""
    busy = [of(trunk) for trunk in counted(trunks.defer("credentials")) if vars(trunk)["queued"]]
    return sorted(busy, key=lambda one: -one.queued)


def of(trunk: TrunkQueue) -> Waiting:
    """Return what waits on a trunk that was counted and has something waiting."""
    told = vars(trunk)
    queued, oldest = int(told["queued"]), told["oldest_due"]
    sends = trunk.enabled and trunk.paused_since is None
    # A message that is to be tried again later begins only then.
    begins = max(timezone.now(), oldest)
    ends = begins + timedelta(seconds=queued / trunk.messages_per_second) if sends else None
    return Waiting(trunk_id=trunk.pk, queued=queued, oldest_due=oldest, ends_at=ends)

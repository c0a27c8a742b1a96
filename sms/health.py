"""Door: whether this installation lives (`/healthz`), works (`/readyz`), and how much (`/metrics`).

All three are for machines inside; they count and name no tenant, no number and no text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from redis import RedisError

from portal.certificate import standing
from portal.models import Trunk
from sms import backlog, heartbeat
from sms.models import Message, ProviderEvent, State, TrunkQueue

WORKER_SEEN_WITHIN = 30  # seconds; the sweep runs every five


@dataclass(frozen=True)
class Backlog:
    """How many rows wait for a worker, and since when the longest."""

    queued: int
    sending: int
    events: int
    oldest_due: datetime | None

    @property
    def oldest_seconds(self) -> float:
        """Return the age of the row that is due for the longest time."""
        if self.oldest_due is None:
            return 0.0
        return max(0.0, (timezone.now() - self.oldest_due).total_seconds())


def everything() -> Backlog:
    """Count what waits; the partial indexes of both queues make it cheap."""
    now = timezone.now()
    due = Q(due_at__lte=now)
    messages = Message.objects.filter(state=State.QUEUED).aggregate(
        total=Count("id"), oldest=Min("due_at", filter=due)
    )
    events = ProviderEvent.objects.filter(state=ProviderEvent.State.DUE).aggregate(
        total=Count("id"), oldest=Min("due_at", filter=due)
    )
    oldest = [when for when in (messages["oldest"], events["oldest"]) if when is not None]
    return Backlog(
        queued=messages["total"],
        sending=Message.objects.filter(state=State.SENDING).count(),
        events=events["total"],
        oldest_due=min(oldest, default=None),
    )


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process lives; nothing else is asked."""
    del request
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if a text that comes in now would be handled, else 503 and the reasons."""
    del request
    answer: dict[str, object] = {}
    reasons = [*look_at_database(answer), *look_at_workers(answer)]
    if certificate := standing.last():  # a warning only: another machine would show the same one
        answer["certificate"] = {
            "expires_in_days": certificate.days_left, "faults": certificate.faults
        }  # fmt: skip
    answer = {"ready": not reasons, "reasons": reasons, **answer}
    return JsonResponse(answer, status=503 if reasons else 200)


def look_at_database(answer: dict[str, object]) -> Iterator[str]:
    """Add what waits in the database to the answer, or say that it cannot be reached."""
    try:
        waiting = everything()
    except DatabaseError:
        answer["database"] = "down"
        yield "The database does not answer."
        return
    answer["database"] = "ok"
    answer["backlog"] = {
        "queued": waiting.queued,
        "sending": waiting.sending,
        "events": waiting.events,
        "oldest_due_seconds": round(waiting.oldest_seconds, 1),
        "trunks": [_told(queue) for queue in backlog.waiting(TrunkQueue.objects.all())],
    }


def _told(queue: backlog.Waiting) -> dict[str, object]:
    left = queue.seconds_left
    return {
        "trunk": queue.trunk_id,
        "queued": queue.queued,
        "expected_seconds": None if left is None else round(left, 1),
    }


def look_at_workers(answer: dict[str, object]) -> Iterator[str]:
    """Add when a worker was seen to the answer, or say that Redis or the workers are missing."""
    try:
        seen = heartbeat.age()
    except RedisError:
        answer["redis"] = "down"
        yield "Redis does not answer."
        return
    answer["redis"] = "ok"
    answer["worker_seen_seconds_ago"] = None if seen is None else round(seen, 1)
    if seen is None or seen > WORKER_SEEN_WITHIN:
        yield f"No worker was seen in the last {WORKER_SEEN_WITHIN} seconds."


class Traffic:
    """Computes the figures when they are asked for, so any web process answers for all."""

    def collect(self) -> Iterable[Metric]:
        """Yield one family of figures after the other."""
        waiting = everything()
        quarantined = ProviderEvent.objects.filter(state=ProviderEvent.State.QUARANTINED).count()
        paused = Trunk.objects.filter(paused_since__isnull=False).count()
        yield labelled(
            "sms_channel_messages",
            "Outbound messages that are not done, by state.",
            {"queued": waiting.queued, "sending": waiting.sending},
        )
        yield labelled(
            "sms_channel_events",
            "Webhook requests that are not done, by state.",
            {"due": waiting.events, "quarantined": quarantined},
        )
        yield GaugeMetricFamily(
            "sms_channel_oldest_due_seconds",
            "Since when the longest waiting row is due.",
            value=waiting.oldest_seconds,
        )
        yield GaugeMetricFamily(
            "sms_channel_trunks_paused", "Trunks that do not send at present.", value=paused
        )
        yield from of_trunks(backlog.waiting(TrunkQueue.objects.all()))
        try:
            seen = heartbeat.age()
        except RedisError:
            seen = None
        if seen is not None:
            yield GaugeMetricFamily(
                "sms_channel_worker_seen_seconds", "When a worker was last seen.", value=seen
            )


def of_trunks(queues: Iterable[backlog.Waiting]) -> Iterable[Metric]:
    """Return what waits on each trunk, and for how long; trunks are named by their ids."""
    queued = GaugeMetricFamily(
        "sms_channel_trunk_queued", "Messages that wait on a trunk.", labels=["trunk"]
    )
    left = GaugeMetricFamily(
        "sms_channel_trunk_expected_seconds",
        "Until the last of them has gone out at the trunk's rate; missing while it sends nothing.",
        labels=["trunk"],
    )
    for queue in queues:
        queued.add_metric([str(queue.trunk_id)], queue.queued)
        if queue.seconds_left is not None:
            left.add_metric([str(queue.trunk_id)], queue.seconds_left)
    return queued, left


def labelled(name: str, text: str, by_state: dict[str, int]) -> GaugeMetricFamily:
    """Return one figure per state."""
    family = GaugeMetricFamily(name, text, labels=["state"])
    for state, value in by_state.items():
        family.add_metric([state], value)
    return family


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus's text format."""
    del request
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(Traffic())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

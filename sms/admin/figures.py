"""What the days were like: texts in and out, what became of them, and why some failed.

Everything is read from the counts that are kept, so it costs the same however long the log is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.models import Tenant
from sms.admin.filters import FAILED, NO_CODE
from sms.admin.links import Links
from sms.models import DayCount, Message, State

DAYS = 14
MOST_REASONS = 6
MOST_TENANTS = 10
# The order in which a bar shows them, and what colour each has.
TONES = {
    State.DELIVERED: "good",
    State.SENT: "fair",
    State.ACCEPTED: "fair",
    State.UNCONFIRMED: "doubt",
    State.UNDELIVERED: "bad",
    State.FAILED: "bad",
    State.QUEUED: "idle",
    State.SENDING: "idle",
    State.HELD: "idle",
}


@dataclass(frozen=True)
class Bar:
    """A figure drawn as a length, with the rows behind it."""

    count: int
    percent: int
    label: str
    href: str = ""
    tone: str = ""
    note: str = ""


@dataclass(frozen=True)
class Day:
    """One day of the chart."""

    weekday: str
    number: int
    received: Bar
    sent: Bar

    @property
    def bars(self) -> tuple[Bar, Bar]:
        """Both of them, as they are drawn."""
        return self.received, self.sent


@dataclass(frozen=True)
class Course:
    """What became of the texts that went out through a trunk."""

    bars: tuple[Bar, ...] = ()
    delivered: int | None = None
    """How many of a hundred that ended were delivered; None where none has ended."""


@dataclass(frozen=True)
class Busy:
    """How much one tenant texts: received, sent, failed."""

    name: str
    href: str
    bars: tuple[Bar, ...]


class Figures:
    """The last days of one tenant in its own time zone, or of all tenants in UTC."""

    def __init__(self, tenant: Tenant | None, links: Links) -> None:
        self.links = links
        self.last = timezone.localdate()
        self.first = self.last - timedelta(days=DAYS - 1)
        self.by = "day" if tenant else "utc_day"
        span = {f"{self.by}__range": (self.first, self.last)}
        rows = DayCount.objects.filter(**span)
        self.rows: QuerySet[DayCount] = rows.filter(tenant=tenant) if tenant else rows
        self.outbound = self.rows.filter(direction=Message.Direction.OUTBOUND)

    def days(self) -> list[Day]:
        """Return the days, oldest first."""
        ways = (Message.Direction.INBOUND, Message.Direction.OUTBOUND)
        found = self.rows.filter(direction__in=ways).values_list(self.by, "direction")
        counts = {(day, way): n for day, way, n in found.annotate(n=Sum("count"))}
        top = max(counts.values(), default=0)
        every = [self.first + timedelta(days=n) for n in range(DAYS)]
        return [self._day(day, [counts.get((day, way), 0) for way in ways], top) for day in every]

    def _day(self, day: date, counts: list[int], top: int) -> Day:
        received, sent = counts
        told = {"day": date_format(day, "DATE_FORMAT"), "received": received, "sent": sent}
        return Day(
            weekday=date_format(day, "D"),
            number=day.day,
            received=Bar(
                received,
                _part(received, top),
                _("%(day)s: %(received)d received") % told,
                self.links.messages(day, day, direction__exact="inbound"),
                "in",
            ),
            sent=Bar(
                sent,
                _part(sent, top),
                _("%(day)s: %(sent)d sent") % told,
                self.links.messages(day, day, direction__exact="outbound"),
                "out",
            ),
        )

    def courses(self, trunk_ids: Iterable[int]) -> dict[int, Course]:
        """Return for each trunk what became of what went out through it."""
        found = self.outbound.filter(trunk_id__in=trunk_ids).values_list("trunk_id", "state")
        counts: dict[int, dict[str, int]] = {}
        for trunk_id, state, n in found.annotate(n=Sum("count")):
            counts.setdefault(trunk_id, {})[state] = n
        return {pk: self._course(pk, states) for pk, states in counts.items()}

    def _course(self, trunk_id: int, counts: dict[str, int]) -> Course:
        shown = {state: counts[state] for state in TONES if counts.get(state)}
        total = sum(shown.values())
        bars = [
            Bar(
                n,
                _part(n, total),
                str(state.label),
                self._messages(trunk__id__exact=trunk_id, state__exact=state.value),
                TONES[state],
            )
            for state, n in shown.items()
        ]
        ended = sum(shown.get(state, 0) for state in (State.DELIVERED, *FAILED))
        good = _part(shown.get(State.DELIVERED, 0), ended) if ended else None
        return Course(tuple(bars), good)

    def reasons(self) -> list[Bar]:
        """Return why texts failed, the most frequent reason first."""
        failed = self.outbound.filter(state__in=FAILED).values_list("error_code")
        found = failed.annotate(n=Sum("count"), words=Max("error")).order_by("-n")[:MOST_REASONS]
        top = max((n for _code, n, _words in found), default=0)
        return [
            Bar(
                n,
                _part(n, top),
                words or code or _("No reason was given"),
                self._messages(outcome="failed", code=code or NO_CODE),
                "bad",
                code,
            )
            for code, n, words in found
        ]

    def failed(self) -> Bar:
        """Return how many texts failed in all."""
        n = self.outbound.filter(state__in=FAILED).aggregate(n=Sum("count", default=0))["n"]
        return Bar(n, 0, "", self._messages(outcome="failed"))

    def busiest(self) -> list[Busy]:
        """Return the tenants that text most."""
        received, sent = Q(direction="inbound"), Q(direction="outbound")
        found = (
            self.rows.filter(received | sent)
            .values_list("tenant_id", "tenant__name")
            .annotate(
                n=Sum("count"),
                received=Sum("count", filter=received, default=0),
                sent=Sum("count", filter=sent, default=0),
                failed=Sum("count", filter=sent & Q(state__in=FAILED), default=0),
            )
            .order_by("-n")[:MOST_TENANTS]
        )
        top = max((row[2] for row in found), default=0)
        return [self._busy(*row, top=top) for row in found]

    def _busy(self, pk: int, name: str, _total: int, *counts: int, top: int) -> Busy:
        narrow = (
            ("in", {"direction__exact": "inbound"}),
            ("out", {"direction__exact": "outbound"}),
            ("bad", {"outcome": "failed"}),
        )
        bars = [
            Bar(n, _part(n, top), "", self._messages(tenant__id__exact=pk, **only), tone)
            for n, (tone, only) in zip(counts, narrow, strict=True)
        ]
        return Busy(name, self.links.row(Tenant, pk), tuple(bars))

    def _messages(self, **filters: Any) -> str:
        return self.links.messages(self.first, self.last, **filters)


def _part(n: int, of: int) -> int:
    return round(100 * n / of) if of else 0

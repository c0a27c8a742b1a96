"""The first page of the admin: how texting goes, what is wrong, and what is still to be set up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Min, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.admin.fence import is_system, own_tenant, usable_trunks, visible
from portal.models import Tenant, Trunk
from sms import answering, counting
from sms.admin import checklist
from sms.admin.figures import DAYS, Bar, Course, Day, Figures
from sms.admin.filters import waiting
from sms.admin.links import Links
from sms.models import Conversation, Message, ProviderEvent, State, TrunkQueue

# Nobody reads further, and counting further would cost more the worse it gets.
MANY = 1000
MOST_TRUNKS = 8
# The counts are brought up to date every minute where a worker runs.
STALE = timedelta(minutes=10)


@dataclass(frozen=True)
class Tile:
    """One figure that is looked at first."""

    name: str
    figure: str
    href: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Line:
    """How one trunk does. Times of a shared trunk are of all its tenants, so not everybody's."""

    trunk: Trunk
    href: str
    is_foreign: bool
    course: Course
    queued: int
    oldest_due: datetime | None
    queue: str

    @property
    def is_late(self) -> bool:
        """Say whether something that is due waits."""
        return self.oldest_due is not None and self.oldest_due < timezone.now()


Queues = dict[int, tuple[int, datetime]]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add to the index what its person should know."""
    tenant = None if is_system(request) else own_tenant(request)
    links = Links(request)
    figures = Figures(tenant, links)
    days = figures.days()
    queues = _queues(tenant)
    counted_at = counting.counted_at()
    return {
        **context,
        "tenant": tenant,
        "tiles": [
            *_of_today(days[-1]),
            *_to_do(request, queues, figures.failed(), links),
            *_conversations(request, tenant, links),
        ],
        "days": days,
        "day_count": DAYS,
        "lines": _lines(tenant, figures, queues, links),
        "all_trunks": links.rows(Trunk),
        "reasons": figures.reasons(),
        "busiest": figures.busiest() if tenant is None else [],
        "counted_at": counted_at,
        "zone": timezone.get_current_timezone_name(),
        "is_stale": counted_at is None or counted_at < timezone.now() - STALE,
        "peak": max(bar.count for day in days for bar in day.bars),
        "first_tenant": "" if tenant or Tenant.objects.exists() else links.new(Tenant),
        **_setup(tenant, links),
    }


def _setup(tenant: Tenant | None, links: Links) -> dict[str, Any]:
    steps = checklist.steps(tenant, links) if tenant else []
    return {"steps": steps, "steps_done": sum(step.done for step in steps)}


def _of_today(today: Day) -> list[Tile]:
    return [
        Tile(_("Received today"), str(today.received.count), today.received.href),
        Tile(_("Sent today"), str(today.sent.count), today.sent.href),
    ]


def _to_do(request: HttpRequest, queues: Queues, failed: Bar, links: Links) -> list[Tile]:
    queued = sum(n for n, _oldest in queues.values())
    oldest = min((oldest for _n, oldest in queues.values()), default=None)
    late = oldest and oldest < timezone.now()
    held = visible(request, ProviderEvent.objects.order_by()).filter(
        state=ProviderEvent.State.QUARANTINED
    )
    quarantined = held[:MANY].count()
    return [
        Tile(
            _("Waiting to go out"),
            str(queued),
            links.rows(Message, state__exact=State.QUEUED.value)
            if queued
            else links.rows(TrunkQueue),
            _("the oldest for %(time)s") % {"time": timesince(oldest)} if oldest and late else "",
        ),
        Tile(
            _("Failed"),
            str(failed.count),
            failed.href,
            _("in %(days)d days") % {"days": DAYS},
            "bad" if failed.count else "",
        ),
        Tile(
            _("In quarantine"),
            _at_least(quarantined),
            links.rows(ProviderEvent),
            _("came in, but reached nobody") if quarantined else "",
            "doubt" if quarantined else "",
        ),
    ]


def _conversations(request: HttpRequest, tenant: Tenant | None, links: Links) -> list[Tile]:
    standing = answering.look(tenant)
    unread = len(standing.unread)
    queue = waiting(visible(request, Conversation.objects.order_by()))[:MANY].count()
    seen = (
        "" if standing.is_everything else _("in the last %(n)d messages") % {"n": answering.LATEST}
    )
    answers = len(standing.seconds)
    told = ngettext("of %(n)d answer", "of %(n)d answers", answers) % {"n": answers}
    return [
        Tile(
            _("Unread conversations"),
            str(unread),
            links.rows(Conversation, standing="unread"),
            seen,
        ),
        Tile(
            _("Waiting for an agent"),
            _at_least(queue),
            links.rows(Conversation, standing="waiting"),
            "",
            "doubt" if queue else "",
        ),
        Tile(
            _("Median response time"),
            _duration(standing.median),
            links.rows(Conversation),
            f"{told} {seen}".strip() if answers else _("nobody has answered a text yet"),
        ),
    ]


def _queues(tenant: Tenant | None) -> Queues:
    """Count what waits on each trunk."""
    rows = Message.objects.filter(state=State.QUEUED, trunk__isnull=False)
    mine = rows.filter(tenant=tenant) if tenant else rows
    found = mine.order_by().values_list("trunk").annotate(n=Count("pk"), oldest=Min("due_at"))
    return {pk: (n, oldest) for pk, n, oldest in found}


def _lines(tenant: Tenant | None, figures: Figures, queues: Queues, links: Links) -> list[Line]:
    """Return the trunks that need somebody first, then those that were used last."""
    every: QuerySet[Trunk] = usable_trunks(tenant) if tenant else Trunk.objects.all()
    shown = list(
        every.defer("credentials")
        .select_related("tenant")
        .order_by(
            F("paused_since").asc(nulls_last=True),
            "-enabled",
            F("last_send_at").desc(nulls_last=True),
            "name",
        )[:MOST_TRUNKS]
    )
    courses = figures.courses([trunk.pk for trunk in shown])
    return [_line(trunk, tenant, courses.get(trunk.pk, Course()), queues, links) for trunk in shown]


def _line(
    trunk: Trunk, tenant: Tenant | None, course: Course, queues: Queues, links: Links
) -> Line:
    queued, oldest = queues.get(trunk.pk, (0, None))
    foreign = tenant is not None and trunk.tenant_id != tenant.pk
    page = links.row(Trunk, trunk.pk) or links.row(TrunkQueue, trunk.pk)
    return Line(
        trunk=trunk,
        href="" if foreign else page,
        is_foreign=foreign,
        course=course,
        queued=queued,
        oldest_due=oldest,
        queue=links.rows(Message, trunk__id__exact=trunk.pk, state__exact=State.QUEUED.value),
    )


def _at_least(n: int) -> str:
    return f"{n}+" if n >= MANY else str(n)


def _duration(seconds: float | None) -> str:
    """Write a time as people say it."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", round(seconds)) % {"n": round(seconds)}
    now = timezone.now()
    return timesince(now - timedelta(seconds=seconds), now)

"""Rules, time and numbers to an extension or group, and the reason why. Pure: asks no database.

The rules must come with their destinations and schedules loaded, in their order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from django.utils.translation import gettext as _

from portal.e164 import CallerMask, range_size
from portal.models import Destination, Extension, Group, Holiday, InboundRule, OfficeHours, Schedule


class Fit(Enum):
    """Whether a rule is for a text, and if not, the first thing that speaks against it."""

    YES = auto()
    OFF = auto()
    OTHER_DID = auto()
    OTHER_CALLER = auto()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Where a text goes. Exactly one of the three targets is set, or none when it stays out.

    ``extension_number`` is the result of a range; the caller looks the extension up.
    """

    rule: InboundRule | None
    when: Destination.When
    because: str
    extension: Extension | None = None
    extension_number: str = ""
    group: Group | None = None

    @property
    def is_routed(self) -> bool:
        """Whether the text reaches anybody."""
        return bool(self.extension or self.extension_number or self.group)


def fit(rule: InboundRule, *, did: str, sender: str) -> Fit:
    """Say whether a rule is for a text to this DID from this sender; numbers in normal form."""
    if not rule.enabled:
        return Fit.OFF
    if not rule.covers(did):
        return Fit.OTHER_DID
    return Fit.YES if CallerMask(rule.caller_mask).matches(sender) else Fit.OTHER_CALLER


def decide(
    *,
    rules: Sequence[InboundRule],
    did: str,
    sender: str,
    moment: datetime,
    office: Schedule | None,
) -> Decision:
    """Take the first enabled rule whose DID range and caller mask match, then the time.

    ``moment`` is in the tenant's zone; ``office`` holds the tenant's own hours.
    """
    for rule in rules:
        if fit(rule, did=did, sender=sender) is Fit.YES:
            when, why = time_of(rule.schedule or office, moment)
            return _lead(rule, when, did, why)
    return Decision(
        rule=None,
        when=Destination.When.OFFICE,
        because=_("no enabled rule matches this DID and caller"),
    )


def _lead(rule: InboundRule, when: Destination.When, did: str, why: str) -> Decision:
    by_time = {destination.when: destination for destination in rule.destinations.all()}
    target = by_time.get(when) or by_time.get(Destination.When.OFFICE)
    because = _("rule %(rule)s: %(why)s") % {"rule": rule.name, "why": why}
    number = ""
    if target and target.kind == Destination.Kind.RANGE:
        offset = range_size(rule.did_first, did) - 1
        number = str(int(target.range_first) + offset).zfill(len(target.range_first))
    return Decision(
        rule=rule,
        when=when,
        because=because,
        extension=target.extension if target else None,
        extension_number=number,
        group=target.group if target else None,
    )


def time_of(schedule: Schedule | None, moment: datetime) -> tuple[Destination.When, str]:
    """Say which of the three times it is, and why; holidays come first."""
    if schedule is None:
        return Destination.When.OFFICE, _("no office hours are set")
    for holiday in schedule.holidays.all():
        if _covers(holiday, moment):
            return Destination.When.HOLIDAY, _("holiday %(name)s") % {"name": holiday.name}
    hours = list(schedule.hours.all())
    if not hours:
        return Destination.When.OFFICE, _("no office hours are set")
    for entry in hours:
        if _is_open(entry, moment):
            why = _("office hours, %(hours)s") % {"hours": entry}
            return Destination.When.OFFICE, why
    today = [str(entry) for entry in hours if entry.weekday == moment.isoweekday()]
    if not today:
        return Destination.When.OUTSIDE, _("outside office hours, closed all day")
    why = _("outside office hours, %(hours)s") % {"hours": "; ".join(today)}
    return Destination.When.OUTSIDE, why


def _covers(holiday: Holiday, moment: datetime) -> bool:
    return holiday.first_day <= moment.date() <= holiday.last_day


def _is_open(entry: OfficeHours, moment: datetime) -> bool:
    now = moment.time().replace(tzinfo=None)
    if entry.closes > entry.opens:
        return moment.isoweekday() == entry.weekday and entry.opens <= now < entry.closes
    # Across midnight (or around the clock): the evening of the day, the morning of the next.
    yesterday = (moment - timedelta(days=1)).isoweekday()
    evening = moment.isoweekday() == entry.weekday and now >= entry.opens
    morning = yesterday == entry.weekday and now < entry.closes
    return evening or morning

"""Office hours, holidays and inbound rules of the file."""

import re
from datetime import date
from typing import Any

from portal import e164, week
from portal.models import (
    DID,
    Destination,
    Extension,
    Group,
    Holiday,
    InboundRule,
    OfficeHours,
    Schedule,
    Tenant,
    Trunk,
)
from portal.provisioning import trunks
from portal.provisioning.document import Node
from portal.provisioning.ledger import Change, Ledger, places, wanted

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COLUMNS = {
    "name": ("name", Node.text),
    "caller_mask": ("caller_mask", Node.text),
    "enabled": ("enabled", Node.flag),
    "order": ("order", Node.count),
}
TIMES = {
    "to": Destination.When.OFFICE,
    "after_hours": Destination.When.OUTSIDE,
    "holidays": Destination.When.HOLIDAY,
}
KEYS = (*COLUMNS, "trunk", "dids", "hours", *TIMES)


def put_hours(change: Change, tenant: Tenant, fields: dict[str, Node]) -> None:
    """Let the tenant's own hours and holidays be exactly those of the file."""
    if not fields.keys() & {"hours", "holidays"}:
        return
    schedule = Schedule.objects.filter(tenant=tenant, is_default=True).first()
    if schedule is None:
        schedule = Schedule.objects.create(tenant=tenant, name="Office hours", is_default=True)
    if "hours" in fields and _set_hours(schedule, fields["hours"]):
        change.note("hours")
    if "holidays" in fields:
        days = [_holiday(item) for item in fields["holidays"].items()]
        if _set_holidays(schedule, days):
            change.note("holidays")


def put_rule(book: Ledger, tenant: Tenant, node: Node) -> None:
    """Make or change one inbound rule and where it leads."""
    fields = node.fields(*KEYS)
    name = trunks.required(node, fields, "name")
    rule = InboundRule.objects.filter(tenant=tenant, name=name).first()
    needed = ["trunk", "dids", "to"] if rule is None else []
    if fields.keys() & {"trunk", "dids"}:
        needed += ["trunk", "dids"]  # neither says anything without the other
    for key in needed:
        trunks.required(node, fields, key)
    values = wanted(fields, COLUMNS)
    if "trunk" in fields:
        trunk = values["trunk"] = trunks.find(tenant, fields["trunk"])
        values["did_first"], values["did_last"] = _dids(tenant, trunk, fields["dids"])
        rule = rule or InboundRule(tenant=tenant, trunk=trunk)
    if rule is None:
        raise node.wrong("trunk is missing")
    change = book.put(
        rule, values, name=f"{tenant.slug}/{name}", node=node, places=places(fields, COLUMNS)
    )
    if "hours" in fields and _own_hours(rule, fields["hours"]):
        change.note("hours")
    for key, when in TIMES.items():
        if key in fields and _lead(rule, when, fields[key]):
            change.note(key)


def _dids(tenant: Tenant, trunk: Trunk, node: Node) -> tuple[str, str]:
    try:
        first, last = e164.parse_range(node.text(), tenant.country)
    except e164.NumberInvalid as error:
        raise node.wrong(str(error)) from error
    owned = set(
        DID.objects.filter(
            tenant=tenant, trunk=trunk, number__gte=first, number__lte=last
        ).values_list("number", flat=True)
    )
    for number in e164.numbers_of(first, last):
        if number not in owned:
            raise node.wrong(f"{number} is no DID of {tenant.slug} on trunk {trunk.name}")
    return first, last


def _lead(rule: InboundRule, when: Destination.When, node: Node) -> bool:
    """Set where the rule leads at this time; return whether that is new."""
    row = Destination.objects.filter(rule=rule, when=when).first()
    if not node.text() and when != Destination.When.OFFICE:
        if row is not None:
            row.delete()
        return row is not None
    row = row or Destination(tenant=rule.tenant, rule=rule, when=when)
    target = _target(rule, node)
    if row.pk and all(getattr(row, key) == value for key, value in target.items()):
        return False
    for key, value in target.items():
        setattr(row, key, value)
    row.save()
    return True


def _target(rule: InboundRule, node: Node) -> dict[str, Any]:
    """Read an extension, a group, an extension range or ``unrouted``."""
    text = node.text().replace(" ", "")
    target: dict[str, Any] = {"extension": None, "group": None, "range_first": ""}
    if text == "unrouted":
        return target | {"kind": Destination.Kind.UNROUTED}
    if "-" in text:
        return target | {"kind": Destination.Kind.RANGE, "range_first": _range(rule, node, text)}
    extension = Extension.objects.filter(tenant=rule.tenant, number=text).first()
    if extension is not None:
        return target | {"kind": Destination.Kind.EXTENSION, "extension": extension}
    group = Group.objects.filter(tenant=rule.tenant, number=text).first()
    if group is not None:
        return target | {"kind": Destination.Kind.GROUP, "group": group}
    raise node.wrong(f"there is no extension or group {text!r}")


def _range(rule: InboundRule, node: Node, text: str) -> str:
    match = re.fullmatch(r"([0-9]{2,10})-([0-9]{2,10})", text)
    if match is None or len(match[1]) != len(match[2]):
        raise node.wrong("write a range of extensions such as 2000-2010")
    size = e164.range_size(rule.did_first, rule.did_last)
    if int(match[2]) - int(match[1]) + 1 != size:
        raise node.wrong(f"the range must hold as many extensions as the rule has DIDs: {size}")
    return match[1]


def _own_hours(rule: InboundRule, node: Node) -> bool:
    """Give the rule hours of its own, with the tenant's holidays; empty takes them away."""
    own = rule.schedule
    if node.is_empty:
        rule.schedule = None
        rule.save(update_fields=["schedule"])
        return own is not None
    if own is None or own.is_default:
        name = f"Rule {rule.pk}"
        own = Schedule.objects.get_or_create(tenant=rule.tenant, name=name)[0]
        rule.schedule = own
        rule.save(update_fields=["schedule"])
    shared = Holiday.objects.filter(tenant=rule.tenant, schedule__is_default=True)
    _set_holidays(own, list(shared.values_list("name", "first_day", "last_day")))
    return _set_hours(own, node)


def _set_hours(schedule: Schedule, node: Node) -> bool:
    """Let the week be exactly this; return whether it was another."""
    fields = node.fields(*DAYS)
    wanted_hours = {
        (DAYS.index(day) + 1, opens, closes)
        for day, place in fields.items()
        for opens, closes in _ranges(place)
    }
    if set(schedule.hours.values_list("weekday", "opens", "closes")) == wanted_hours:
        return False
    schedule.hours.all().delete()
    OfficeHours.objects.bulk_create(
        OfficeHours(
            tenant=schedule.tenant, schedule=schedule, weekday=day, opens=opens, closes=closes
        )
        for day, opens, closes in sorted(wanted_hours)
    )
    return True


def _ranges(node: Node) -> list[week.Range]:
    """Read hours as they are typed in the admin, too."""
    try:
        return week.read(node.text())
    except week.HoursInvalid as error:
        raise node.wrong(str(error)) from error


def _set_holidays(schedule: Schedule, days: list[tuple[str, date, date]]) -> bool:
    """Let the holidays be exactly these; return whether they were others."""
    present = set(schedule.holidays.values_list("name", "first_day", "last_day"))
    if present == set(days):
        return False
    schedule.holidays.all().delete()
    Holiday.objects.bulk_create(
        Holiday(
            tenant=schedule.tenant, schedule=schedule, name=name, first_day=first, last_day=last
        )
        for name, first, last in dict.fromkeys(days)
    )
    return True


def _holiday(node: Node) -> tuple[str, date, date]:
    fields = node.fields("name", "from", "to")
    name = trunks.required(node, fields, "name")
    trunks.required(node, fields, "from")
    first = _day(fields["from"])
    last = _day(fields["to"]) if "to" in fields else first
    if last < first:
        raise fields["to"].wrong("the last day must not be before the first")
    if len(name) > 64:
        raise fields["name"].wrong("a name has up to 64 characters")
    return name, first, last


def _day(node: Node) -> date:
    try:
        return date.fromisoformat(node.text())
    except ValueError as error:
        raise node.wrong("write a day such as 2026-12-25") from error

"""Inbound rules as files: a table for the PBX, and the words that ``manage.py apply`` reads."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from portal import e164
from portal.admin.rule_words import write_dids, write_target
from portal.cells import guarded
from portal.models import InboundRule, Schedule

# Columns of the table: heading, then key of the rule's words.
COLUMNS = {
    "tenant": "tenant", "name": "name", "trunk": "trunk", "did_first": "did_first",
    "did_last": "did_last", "caller_mask": "caller_mask", "enabled": "enabled", "order": "order",
    "office_hours": "to", "outside_office_hours": "after_hours", "holidays": "holidays",
}  # fmt: skip
TIMES = {"office": "to", "outside": "after_hours", "holiday": "holidays"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def as_csv(rules: Iterable[InboundRule]) -> str:
    """Write one line a rule; a time without a destination of its own repeats office hours."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for rule in rules:
        words = _words(rule)
        words |= {key: words[key] or words["to"] for key in TIMES.values()}
        words |= {
            "tenant": rule.tenant.slug,
            "did_first": rule.did_first.lstrip("+"),
            "did_last": rule.did_last.lstrip("+"),
            "caller_mask": rule.caller_mask.replace("+", ""),  # says nothing, a formula to others
            "enabled": "yes" if rule.enabled else "no",
        }
        table.writerow(guarded(str(words[key])) for key in COLUMNS.values())
    return text.getvalue()


def as_json(rules: Iterable[InboundRule]) -> str:
    """Write a file that ``manage.py apply`` reads back."""
    tenants: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        tenants.setdefault(rule.tenant.slug, []).append(_words(rule))
    document = {"tenants": [{"slug": slug, "rules": lines} for slug, lines in tenants.items()]}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _words(rule: InboundRule) -> dict[str, Any]:
    size = e164.range_size(rule.did_first, rule.did_last)
    words: dict[str, Any] = {
        "name": rule.name,
        "trunk": rule.trunk.name,
        "dids": write_dids(rule.did_first, rule.did_last),
        "caller_mask": rule.caller_mask,
        "enabled": rule.enabled,
        "order": rule.order,
        **dict.fromkeys(TIMES.values(), ""),
    }
    for destination in rule.destinations.all():
        words[TIMES[destination.when]] = write_target(destination, size)
    if rule.schedule and not rule.schedule.is_default:
        words["hours"] = _hours(rule.schedule)
    return words


def _hours(schedule: Schedule) -> dict[str, str]:
    week: dict[str, list[str]] = {}
    for entry in schedule.hours.all():
        day = DAYS[entry.weekday - 1]
        week.setdefault(day, []).append(f"{entry.opens:%H:%M}-{entry.closes:%H:%M}")
    return {day: ", ".join(ranges) for day, ranges in week.items()}

"""Moves a rule to another place among its tenant's, whatever the numbers were before."""

from django.db import transaction

from portal.models import InboundRule

STEP = 10  # leaves room for a number between two rules


def move(rule: InboundRule, where: str) -> tuple[int, int] | None:
    """Move a rule ``up`` or ``down``, ``before:7`` or ``after:7``; return its old and new place.

    Up and down pass the next rule of the same trunk: no other makes a difference. None if there is
    no such place.
    """
    with transaction.atomic():
        rules = list(InboundRule.objects.select_for_update().filter(tenant=rule.tenant_id))
        old = rules.index(rule)
        moved = rules.pop(old)
        new = _place(rules, moved, old, where)
        if new is None or new == old:
            return None
        rules.insert(new, moved)
        changed = [one for n, one in enumerate(rules, 1) if _number(one, n * STEP)]
        InboundRule.objects.bulk_update(changed, ["order"])
    return old + 1, new + 1


def _place(others: list[InboundRule], rule: InboundRule, old: int, where: str) -> int | None:
    mates = [n for n, one in enumerate(others) if one.trunk_id == rule.trunk_id]
    verb, _colon, pk = where.partition(":")
    if verb == "up":
        return max((n for n in mates if n < old), default=None)
    if verb == "down":
        return min((n + 1 for n in mates if n >= old), default=None)
    beside = [n for n, one in enumerate(others) if str(one.pk) == pk]
    if verb not in {"before", "after"} or not beside:
        return None
    return beside[0] + (verb == "after")


def _number(rule: InboundRule, order: int) -> bool:
    """Number a rule; return whether that is new."""
    old, rule.order = rule.order, order
    return old != order

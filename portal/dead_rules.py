"""Which inbound rules can never match, or lead to nobody, and why, in words for their owner."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.e164 import CallerMask, numbers_of, range_size
from portal.models import DID, Destination, Extension, GroupMember, InboundRule

EVERYBODY = "*"
NAMED = 5  # extensions named one by one


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a rule. ``dead``: no text ever takes it as things stand."""

    words: str
    dead: bool = False


@dataclass(frozen=True)
class People:
    """Who is there to get a tenant's texts."""

    extensions: Mapping[str, bool] = field(default_factory=dict)
    """Number to whether it is switched on."""
    staffed: Collection[int] = ()
    """The groups that have a member."""


def troubles(
    rule: InboundRule, *, before: Sequence[InboundRule], owned: int, people: People
) -> list[Trouble]:
    """Return what is wrong with an enabled rule; pure, once trunk and destinations are loaded.

    ``before`` are the rules of the same tenant that are asked earlier, ``owned`` says how many of
    the rule's DIDs are the tenant's on the rule's trunk.
    """
    if not rule.enabled:
        return []
    return [*_unreached(rule, before, owned), *_leads_nowhere(rule, people)]


def _unreached(rule: InboundRule, before: Sequence[InboundRule], owned: int) -> Iterator[Trouble]:
    size = range_size(rule.did_first, rule.did_last)
    if not rule.trunk.enabled:
        words = _("Its trunk %(trunk)s is switched off.")
        yield Trouble(words % {"trunk": rule.trunk.name}, dead=True)
    if not owned:
        words = ngettext(
            "Its DID is no longer yours on this trunk.",
            "None of its DIDs is yours on this trunk any more.",
            size,
        )
        yield Trouble(words, dead=True)
    elif owned < size:
        words = _("%(missing)d of its %(size)d DIDs are not yours on this trunk.")
        yield Trouble(words % {"missing": size - owned, "size": size})
    names = shadows(rule, before)
    if names:
        words = _("Every text that it is for is taken before by: %(rules)s. Move it up.")
        yield Trouble(words % {"rules": ", ".join(names)}, dead=True)


def shadows(rule: InboundRule, before: Sequence[InboundRule]) -> list[str]:
    """Return the names of the earlier rules that together take everything a rule is for."""
    rivals = [
        one
        for one in before
        if one.enabled
        and one.trunk_id == rule.trunk_id
        and len(one.did_first) == len(rule.did_first)
        and one.did_first <= rule.did_last
        and rule.did_first <= one.did_last
    ]
    taken: dict[str, None] = {}
    for part in CallerMask(rule.caller_mask).parts() or [EVERYBODY]:
        wider = [one for one in rivals if _takes(one, part)]
        names = _together(rule, wider)
        if not names:
            return []
        taken |= dict.fromkeys(names)
    return list(taken)


def _takes(rule: InboundRule, part: str) -> bool:
    mask = CallerMask(rule.caller_mask)
    return not mask.parts() if part is EVERYBODY else mask.includes(part)


def _together(rule: InboundRule, others: Sequence[InboundRule]) -> list[str]:
    """Return the names of those whose DID ranges cover the rule's without a gap."""
    wanted, end = int(rule.did_first), int(rule.did_last)
    names: list[str] = []
    for one in sorted(others, key=lambda one: int(one.did_first)):
        if int(one.did_first) > wanted:
            return []
        if int(one.did_last) >= wanted:
            names.append(one.name)
            wanted = int(one.did_last) + 1
        if wanted > end:
            return names
    return []


def _leads_nowhere(rule: InboundRule, people: People) -> Iterator[Trouble]:
    seen: dict[str, None] = {}
    for target in rule.destinations.all():
        for words in _gaps(rule, target, people):
            seen.setdefault(words)
    yield from map(Trouble, seen)


def _gaps(rule: InboundRule, target: Destination, people: People) -> Iterator[str]:
    if target.extension and not target.extension.enabled:
        yield _("Extension %(number)s is switched off: its texts wait in quarantine.") % {
            "number": target.extension.number
        }
    if target.group_id and target.group_id not in people.staffed:
        yield _("Group %(group)s has no members: nobody sees its texts.") % {"group": target.group}
    if target.kind == Destination.Kind.RANGE:
        yield from _range_gaps(rule, target.range_first, people)


def _range_gaps(rule: InboundRule, first: str, people: People) -> Iterator[str]:
    last = str(int(first) + range_size(rule.did_first, rule.did_last) - 1)
    wanted = [number.zfill(len(first)) for number in numbers_of(first, last)]
    missing = [number for number in wanted if number not in people.extensions]
    off = [number for number in wanted if not people.extensions.get(number, True)]
    if missing:
        yield _("These extensions do not exist yet, their texts will wait: %(numbers)s") % {
            "numbers": shortened(missing)
        }
    if off:
        yield _("These extensions are switched off, their texts wait: %(numbers)s") % {
            "numbers": shortened(off)
        }


def shortened(numbers: Sequence[str]) -> str:
    """Name the first few."""
    return ", ".join(numbers[:NAMED]) + (" …" if len(numbers) > NAMED else "")


def look(rules: Collection[InboundRule]) -> dict[int, list[Trouble]]:
    """Return what is wrong with each of these stored rules, in as many queries for one as for all.

    Rules without trouble are left out.
    """
    asked = {rule.pk for rule in rules}
    if not asked:
        return {}
    tenants = {rule.tenant_id for rule in rules}
    before: dict[int, list[InboundRule]] = defaultdict(list)
    extensions: dict[int, dict[str, bool]] = defaultdict(dict)
    known = Extension.objects.filter(tenant__in=tenants)
    for tenant_id, number, enabled in known.values_list("tenant_id", "number", "enabled"):
        extensions[tenant_id][number] = enabled
    members = GroupMember.objects.filter(tenant__in=tenants)
    staffed = set(members.values_list("group_id", flat=True).distinct())
    found: dict[int, list[Trouble]] = {}
    for rule in _loaded(InboundRule.objects.filter(tenant__in=tenants)):
        earlier = before[rule.tenant_id]
        if rule.pk in asked:
            found[rule.pk] = troubles(
                rule,
                before=earlier,
                owned=vars(rule)["owned"],
                people=People(extensions[rule.tenant_id], staffed),
            )
        earlier.append(rule)
    return {pk: lines for pk, lines in found.items() if lines}


def _loaded(rules: QuerySet[InboundRule]) -> QuerySet[InboundRule]:
    """Load what rules lead to, and count those of their DIDs that the tenant has."""
    dids = (
        DID.objects.alias(digits=Length("number"))
        .filter(
            digits=Length(OuterRef("did_first")),
            tenant=OuterRef("tenant"),
            trunk=OuterRef("trunk"),
            number__range=(OuterRef("did_first"), OuterRef("did_last")),
        )
        .order_by()
        .values("trunk")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return (
        rules.annotate(owned=Coalesce(Subquery(dids), 0))
        .select_related("trunk")
        .defer("trunk__credentials")
        .prefetch_related("destinations__extension", "destinations__group")
    )

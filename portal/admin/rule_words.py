"""What is typed into a rule, in both directions: read as a dial plan is, said in plain words."""

from dataclasses import dataclass

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal import e164
from portal.dead_rules import shortened
from portal.models import Destination, Extension, Group, Tenant

UNROUTED = "unrouted"

Kind = Destination.Kind


@dataclass(frozen=True)
class Target:
    """What somebody typed as a destination, understood."""

    kind: Destination.Kind
    extension: Extension | None = None
    group: Group | None = None
    range_first: str = ""
    range_last: str = ""
    missing: tuple[str, ...] = ()
    """Extensions of a range that do not exist (yet)."""


def read_target(text: str, tenant: Tenant, size: int | None) -> Target:
    """Understand ``1001``, ``8000``, ``2000-2019`` or ``unrouted`` for a DID range of ``size``."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    if text.strip().casefold() == UNROUTED:
        return Target(Kind.UNROUTED)
    if not all(part.isascii() and part.isdigit() for part in (first, last or first)):
        raise forms.ValidationError(
            _("Write an extension, a group, a range such as 2000-2019, or %(word)s.")
            % {"word": UNROUTED}
        )
    if dash:
        return _range(first, last, tenant, size)
    extension = Extension.objects.filter(tenant=tenant, number=first).first()
    group = None if extension else Group.objects.filter(tenant=tenant, number=first).first()
    if not extension and not group:
        raise forms.ValidationError(
            _("There is no extension or group %(number)s. Make it first, or choose another.")
            % {"number": first}
        )
    return Target(Kind.EXTENSION if extension else Kind.GROUP, extension, group)


def _range(first: str, last: str, tenant: Tenant, size: int | None) -> Target:
    if not last or len(first) != len(last) or not 2 <= len(first) <= 10:
        raise forms.ValidationError(_("Both ends of a range need the same number of digits."))
    count = int(last) - int(first) + 1
    if size is not None and count != size:
        raise forms.ValidationError(
            _("The range has %(count)d extensions, but there are %(size)d DIDs.")
            % {"count": max(count, 0), "size": size}
        )
    if size is None:
        return Target(Kind.RANGE, range_first=first, range_last=last)
    wanted = [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    known = set(
        Extension.objects.filter(tenant=tenant, number__in=wanted).values_list("number", flat=True)
    )
    missing = tuple(number for number in wanted if number not in known)
    return Target(Kind.RANGE, range_first=first, range_last=last, missing=missing)


def write_target(destination: Destination, size: int) -> str:
    """Write a stored destination the way it is typed."""
    if destination.kind == Kind.RANGE:
        first = destination.range_first
        return f"{first}-{str(int(first) + size - 1).zfill(len(first))}"
    target = destination.extension or destination.group
    return target.number if target else UNROUTED


def write_dids(first: str, last: str) -> str:
    """Write a DID range the way it is typed."""
    return "-".join(dict.fromkeys((first.lstrip("+"), last.lstrip("+"))))


def say_dids(first: str, last: str) -> str:
    """Say which DIDs these are."""
    size = e164.range_size(first, last)
    if size == 1:
        return e164.pretty(first)
    return _("%(size)d DIDs, %(first)s to %(last)s") % {
        "size": size,
        "first": e164.pretty(first),
        "last": e164.pretty(last),
    }


def say_mask(text: str) -> str:
    """Say whom a caller mask lets through."""
    parts = e164.CallerMask(text).parts()
    if not parts:
        return _("Everybody who writes.")
    return _("Only senders: %(senders)s") % {"senders": "; ".join(map(_say_part, parts))}


def _say_part(part: str) -> str:
    first, dash, last = part.partition("-")
    if dash:
        return _("%(first)s to %(last)s") % {"first": first, "last": last}
    start = part.rstrip("*")
    if "*" not in part or "*" in start:
        return part
    return ngettext(
        "%(digits)d digit, beginning with %(start)s",
        "%(digits)d digits, beginning with %(start)s",
        len(part),
    ) % {"digits": len(part), "start": start or _("any")}


def say_target(target: Target) -> str:
    """Say who gets the texts."""
    if target.extension:
        words = _("Extension %(extension)s.") % {"extension": target.extension}
        off = _("It is switched off: texts wait in quarantine.")
        return words if target.extension.enabled else f"{words} {off}"
    if target.group:
        return _say_group(target.group)
    if target.kind == Kind.RANGE:
        ends = {"first": target.range_first, "last": target.range_last}
        words = _("Extensions %(first)s to %(last)s, one for each DID.") % ends
        if not target.missing:
            return words
        return f"{words} " + _("Not there yet: %(numbers)s") % {
            "numbers": shortened(target.missing)
        }
    return _("Nobody: texts are kept in quarantine for you to look at.")


def _say_group(group: Group) -> str:
    members = group.members.count()
    named = {"group": group, "kind": group.get_kind_display(), "members": members}
    if not members:
        return _("Group %(group)s (%(kind)s), which has no members yet.") % named
    return (
        ngettext(
            "Group %(group)s (%(kind)s), %(members)d member.",
            "Group %(group)s (%(kind)s), %(members)d members.",
            members,
        )
        % named
    )

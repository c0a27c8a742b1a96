"""What keeps an extension from texting and being answered, in words, and the words it may send."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.e164 import range_size
from portal.models import DID, CallerID, Destination, Extension, InboundRule, SenderID, Trunk


@dataclass(frozen=True)
class Obstacle:
    """Something that will not work, and the page where it can be put right."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Word:
    """A word on a trunk, and whether texts can go out from it."""

    word: str
    trunk: Trunk
    state: str
    works: bool


def obstacles(extension: Extension) -> list[Obstacle]:
    """Return everything that will not work as it is set up; the queries do not grow."""
    found = list(_in_general(extension))
    rows = list(extension.caller_ids.select_related("did__trunk"))
    found += _of_permission(extension, rows)
    if extension.may_send:
        rules = _rules(extension, rows)
        for row in rows:
            found += _of_caller_id(row.did)
            found += _of_answers(extension, row.did, rules)
    return found


def words(extension: Extension) -> list[Word]:
    """Return the words of the trunks that the extension sends through, if it may send words."""
    if extension.sms != Extension.Sms.ALLOW_WITH_SENDER_ID:
        return []
    mine = Q(tenant=extension.tenant_id) | Q(dids__caller_ids__extension=extension)
    trunks = Trunk.objects.filter(pk__in=Trunk.objects.filter(mine).values("pk"))
    able = {
        trunk.pk: trunk
        for trunk in trunks.defer("credentials")
        if trunk.capable.capabilities.sender_id
    }
    found = [
        Word(word, trunk, _("used unless another sender is chosen"), works=True)
        for trunk in able.values()
        if (word := trunk.sender_id or extension.tenant.default_sender_id)
    ]
    known = {(one.trunk.pk, one.word) for one in found}
    for row in SenderID.objects.filter(tenant=extension.tenant_id, trunk__in=able):
        if (row.trunk_id, row.word) not in known:
            approved = row.state == SenderID.State.APPROVED
            trunk = able[row.trunk_id]
            found.append(Word(row.word, trunk, str(row.get_state_display()), works=approved))
    return found


def _in_general(extension: Extension) -> Iterator[Obstacle]:
    if not extension.tenant.can_message:
        yield Obstacle(_("Messaging is switched off for the whole tenant."))
    if not extension.enabled:
        yield Obstacle(_("The extension is not enabled: it neither sends nor gets any text."))


def _of_permission(extension: Extension, rows: list[CallerID]) -> Iterator[Obstacle]:
    if extension.sms == Extension.Sms.DISABLE:
        if rows:
            yield Obstacle(
                _("It has caller IDs but may not send. Allow it under Send SMS/MMS below.")
            )
        return
    able = [word for word in words(extension) if word.works]
    if not rows and not able:
        yield Obstacle(
            _("It may send but has no caller ID, so nothing can be sent. Add one below.")
        )
    if extension.sms == Extension.Sms.ALLOW_WITH_SENDER_ID and not able:
        yield Obstacle(
            _("It may send from words, but no trunk of yours has an approved Sender ID."),
            reverse("admin:portal_senderid_changelist"),
        )


def _of_caller_id(did: DID) -> Iterator[Obstacle]:
    trunk, named = did.trunk, {"did": str(did), "trunk": did.trunk.name}
    # A shared trunk's page is the system administrator's.
    url = _page(trunk) if trunk.tenant_id else ""
    if not trunk.enabled:
        yield Obstacle(_("%(did)s cannot send: its trunk %(trunk)s is switched off.") % named, url)
    elif trunk.paused_since:
        why = _("%(did)s waits: its trunk %(trunk)s is paused. %(why)s")
        yield Obstacle(why % {**named, "why": trunk.paused_reason}, url)
    if not did.sms:
        yield Obstacle(_("%(did)s is not switched on for SMS.") % named, _page(did))


def _of_answers(extension: Extension, did: DID, rules: list[InboundRule]) -> Iterator[Obstacle]:
    """Tell where the answers to a caller ID go, if that is somewhere else."""
    rule = next((r for r in rules if r.trunk_id == did.trunk_id and r.covers(did.number)), None)
    named = {"did": str(did), "rule": rule.name if rule else ""}
    if rule is None:
        yield Obstacle(
            _("Answers to %(did)s reach nobody: no inbound rule leads it anywhere. Add one.")
            % named,
            reverse("admin:portal_inboundrule_add"),
        )
        return
    target = _target(rule, did, extension)
    if target is None:
        return
    url = _page(rule)
    if not target:
        text = _("Answers to %(did)s reach nobody: rule %(rule)s keeps them unrouted.")
        yield Obstacle(text % named, url)
    else:
        text = _(
            "Answers to %(did)s go to %(target)s by rule %(rule)s. Calls and texts of one DID "
            "belong to the same extension: change the rule, or choose another caller ID."
        )
        yield Obstacle(text % {**named, "target": target}, url)


def _rules(extension: Extension, rows: list[CallerID]) -> list[InboundRule]:
    """Return the rules for everybody's texts to the trunks of these caller IDs, in order."""
    trunks = {row.did.trunk_id for row in rows}
    rules = InboundRule.objects.filter(
        tenant=extension.tenant_id, trunk__in=trunks, enabled=True, caller_mask=""
    )
    return list(rules.prefetch_related("destinations__extension", "destinations__group__members"))


def _target(rule: InboundRule, did: DID, extension: Extension) -> str | None:
    """Return who gets a DID's texts in office hours: None is the extension, empty is nobody."""
    times = {one.when: one for one in rule.destinations.all()}
    found = times.get(Destination.When.OFFICE)
    if found is None or found.kind == Destination.Kind.UNROUTED:
        return ""
    if found.group:
        members = {member.extension_id for member in found.group.members.all()}
        return None if extension.pk in members else str(found.group)
    if found.kind == Destination.Kind.RANGE:
        offset = range_size(rule.did_first, did.number) - 1
        number = str(int(found.range_first) + offset).zfill(len(found.range_first))
        return None if number == extension.number else number
    return None if found.extension_id == extension.pk else str(found.extension)


def _page(row: Model) -> str:
    options: Any = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])

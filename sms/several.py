"""Texts to several people at once: where they are possible, and whom an answer reaches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal import e164
from portal.memory import memory
from portal.models import Extension
from providers.contract import Capabilities
from sms import permission, segments
from sms.models import Conversation, OptOut

MMS = "MMS"


class GroupImpossible(permission.Refused):
    """A text to all of the people in a thread cannot be sent."""

    code = "group_impossible"


@dataclass(frozen=True)
class Reach:
    """Whom an answer in a thread with several people would reach, or why it reaches nobody.

    ``people`` are names, else numbers as people write them; ``alone`` are the numbers of those who
    can be written to one by one.
    """

    possible: bool
    why: str
    people: tuple[str, ...]
    alone: tuple[str, ...]


def check(sender: permission.Sender, our_number: str, people: Sequence[str]) -> None:
    """Raise unless one text from the sender can reach all these people in the thread they share.

    They wrote to ``our_number``; from another one, the answer would be a new thread for all.
    """
    if len(people) < 2:
        return
    able = sender.trunk.capable.capabilities
    if not able.group:
        raise GroupImpossible(
            _("Group answers are not possible on this trunk; write to one of them.")
        )
    if len(people) > able.group:
        raise GroupImpossible(
            _("A group text reaches at most %(most)d people, not %(count)d; write to one of them.")
            % {"most": able.group, "count": len(people)}
        )
    for number in people:
        if not e164.is_e164(number):
            raise GroupImpossible(
                _("%(number)s cannot be in a group answer; write to one of the others.")
                % {"number": number}
            )
    _check_sender(sender, our_number)


def _check_sender(sender: permission.Sender, our_number: str) -> None:
    if sender.value != our_number:
        raise GroupImpossible(
            _("The group wrote to %(number)s and can only be answered from there.")
            % {"number": e164.pretty(our_number)}
        )
    if not (sender.did and sender.did.mms):
        raise GroupImpossible(
            _("A group text is an MMS, which %(number)s cannot send; write to one of them.")
            % {"number": e164.pretty(our_number)}
        )


def measure(text: str, able: Capabilities, most: int) -> segments.Measure:
    """Return what a group text counts as: one MMS, in which every character counts once."""
    return segments.Measure(MMS, 1, len(text), (able.max_text or most) - len(text))


def reach(
    conversations: Iterable[Conversation], reader: Extension | None, names: Mapping[str, str]
) -> dict[int, Reach]:
    """Return whom an answer of the reader reaches, for every thread with several people."""
    external = Conversation.Kind.EXTERNAL
    threads = [row for row in conversations if row.kind == external and len(row.remotes) > 1]
    if reader is None or not threads:
        return {}
    memory.refresh()
    everybody = {number for thread in threads for number in thread.remotes}
    opt_outs = OptOut.objects.filter(
        tenant_id=reader.tenant_id, remote__in=everybody, lifted_at__isnull=True
    )
    stopped = list(opt_outs)
    return {thread.pk: _reach(thread, reader, names, stopped) for thread in threads}


def _reach(
    thread: Conversation, reader: Extension, names: Mapping[str, str], stopped: Iterable[OptOut]
) -> Reach:
    people = tuple(names.get(number) or e164.pretty(number) for number in thread.remotes)
    gone = {one.remote: one for one in stopped if one.our_number in {"", thread.our_number}}
    alone: tuple[str, ...] = ()
    try:
        permission.check_service(reader.tenant, reader)
        answered = filter(e164.can_be_answered, thread.remotes)
        alone = tuple(number for number in answered if number not in gone)
        sender = permission.choose_sender(reader, "", thread)
        check(sender, thread.our_number, thread.remotes)
        for number in thread.remotes:
            if number in gone:
                raise permission.opted_out(gone[number])
    except permission.Refused as refusal:
        return Reach(False, refusal.detail, people, alone)
    return Reach(True, "", people, alone)

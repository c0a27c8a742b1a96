"""Finds conversations by what a reader remembers: whom they are with, or words of a text.

No index knows the words. One over all texts makes keeping a message four times as dear and each of
its states twice, and is no help where a word is common (measured with a million messages: 6.5 s for
the newest fifty of “the”). A reader's own texts are few beside everybody's, so they are looked
through, newest conversation first and ``LOOKED`` of them at a time (35 ms); a ``Spot`` says where
the next look goes on, and looks that follow each other miss nothing that stays in its place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast

from portal import e164
from portal.models import ContactNumber, Extension, Tenant
from sms import inbox
from sms.models import Conversation, Message

LOOKED = 20_000
"""Messages that one look reads at the most."""
BEFORE, AFTER = 30, 150  # characters of a text that are shown around what was found


class Spot(NamedTuple):
    """A place in the texts: conversations by their last message, messages by id, newest first."""

    last_message_at: datetime
    conversation: int
    message: int


START = Spot(datetime.max.replace(tzinfo=UTC), 0, 0)


@dataclass(frozen=True)
class Hit:
    """The newest text of a conversation that holds the words."""

    conversation: int
    message: int
    text: str
    at: datetime


@dataclass(frozen=True)
class _Row:
    """One row of a look: a hit, or the last text that was looked at."""

    spot: Spot
    is_hit: bool


# The threads come in their order, and of each the texts by the index of threads, until enough were
# read: what follows in the threads below is never touched.
_LOOK = """
WITH looked AS MATERIALIZED (
    SELECT c.last_message_at, c.id AS conversation_id, m.id, m.text
      FROM ({threads}) c (id, last_message_at),
           LATERAL (SELECT id, text FROM sms_message
                     WHERE conversation_id = c.id AND (c.id <> %s OR id < %s)
                     ORDER BY id DESC) m
     ORDER BY c.last_message_at DESC, c.id DESC, m.id DESC
     LIMIT %s
), hits AS (
    SELECT DISTINCT ON (last_message_at, conversation_id) last_message_at, conversation_id, id
      FROM looked WHERE text ~* ALL(%s)
     ORDER BY last_message_at DESC, conversation_id DESC, id DESC
     LIMIT %s
), ends AS (
    SELECT last_message_at, conversation_id, id FROM looked
     WHERE (SELECT count(*) FROM looked) = %s
     ORDER BY last_message_at, conversation_id, id LIMIT 1
)
(SELECT *, true FROM hits ORDER BY last_message_at DESC, conversation_id DESC)
UNION ALL SELECT *, false FROM ends
"""


def below(conversations: QuerySet[Conversation], spot: Spot, *others: Q) -> QuerySet[Conversation]:
    """Return those after a spot, the latest first."""
    wanted = Q(last_message_at__lt=spot.last_message_at)
    wanted |= Q(last_message_at=spot.last_message_at, pk__lt=spot.conversation)
    for other in others:
        wanted |= other
    return conversations.filter(wanted).order_by("-last_message_at", "-pk")


def words(typed: str) -> list[str]:
    """Return the words to look for; signs count only where there is nothing else."""
    return re.findall(r"\w+", typed) or typed.split()


def parties(
    conversations: QuerySet[Conversation], typed: str, tenant: Tenant, reader: Extension | None
) -> QuerySet[Conversation]:
    """Return those whose other side is meant: a contact, a number in any writing, a colleague."""
    numbers = _numbers_of_people(typed, tenant, reader)
    # Of several only those few threads are split that have more than one party.
    several = Q(remote__contains=";") & Q(sides__overlap=ArraySubquery(numbers))
    outside = Q(remote__in=numbers) | several | Q(remote__icontains=typed)
    for part in (_digits(typed), _normal(typed, tenant)):
        if part:
            outside |= Q(remote__contains=part)
    colleague = Q(pk__in=())
    for side in ("extension", "peer"):
        named = Q(**{f"{side}__name__icontains": typed}) | Q(**{f"{side}__number": typed})
        colleague |= named & ~Q(**{side: reader})
    sides = Func(
        F("remote"),
        Value(";"),
        function="string_to_array",
        output_field=ArrayField(TextField()),
    )
    return conversations.alias(sides=sides).filter(
        (Q(kind=Conversation.Kind.EXTERNAL) & outside)
        | (Q(kind=Conversation.Kind.INTERNAL) & colleague)
    )


def _numbers_of_people(typed: str, tenant: Tenant, reader: Extension | None) -> QuerySet[Any]:
    named = Q(name__icontains=typed) | Q(company__icontains=typed)
    people = inbox.contacts(tenant, reader).filter(named).order_by().values("pk")
    rows = ContactNumber.objects.filter(tenant=tenant, contact__in=people).order_by()
    return rows.values_list(Cast("number", TextField()), flat=True)


def _normal(typed: str, tenant: Tenant) -> str:
    try:
        return e164.normalize(typed, tenant.country)
    except e164.NumberInvalid:
        return ""


def _digits(typed: str) -> str:
    """Return the digits of something like a number, without zeros that no E.164 number has."""
    if re.search(r"[^\d\s+().\-/]", typed):
        return ""
    return re.sub(r"\D", "", typed).lstrip("0")


def texts(
    conversations: QuerySet[Conversation], wanted: Sequence[str], *, after: Spot, most: int
) -> tuple[list[Hit], Spot | None]:
    """Look for texts with all the words; return a hit for each conversation, and where to go on."""
    rows = _look(conversations, wanted, after, most + 1)
    spots = [row.spot for row in rows if row.is_hit]
    end = next((row.spot for row in rows if not row.is_hit), None)
    if len(spots) > most:
        del spots[most:]
        end = spots[-1]
    if end and spots and spots[-1].conversation == end.conversation:
        end = end._replace(message=0)  # it was found: its older texts are not looked at
    return _hits(spots, wanted), end


def _look(
    conversations: QuerySet[Conversation], wanted: Sequence[str], after: Spot, most: int
) -> list[_Row]:
    ordered = below(conversations, after, Q(pk=after.conversation))
    threads, values = ordered.values_list("pk", "last_message_at").query.sql_with_params()
    place = [after.conversation, after.message]
    patterns = [pattern(word) for word in wanted]
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOK.format(threads=threads), [*values, *place, LOOKED, patterns, most, LOOKED]
        )
        return [_Row(Spot(*spot), is_hit) for *spot, is_hit in cursor.fetchall()]


def pattern(word: str) -> str:
    r"""Return the pattern of a word: from its beginning, where its script has such a thing.

    What has no upper and lower case is often written without spaces, or with letters before it.
    """
    from_start = word[0].isdigit() or word[0].lower() != word[0].upper()
    return (r"\m" if from_start else "") + re.escape(word)


def _hits(spots: Sequence[Spot], wanted: Sequence[str]) -> list[Hit]:
    rows = Message.objects.only("text", "created_at").in_bulk([spot.message for spot in spots])
    return [
        Hit(
            conversation=spot.conversation,
            message=spot.message,
            text=excerpt(rows[spot.message].text, wanted),
            at=rows[spot.message].created_at,
        )
        for spot in spots
        if spot.message in rows  # else it was purged this moment
    ]


def excerpt(text: str, wanted: Sequence[str]) -> str:
    """Return the part of a text where the first of the words is found."""
    places = [
        re.search(pattern(word).replace(r"\m", r"\b"), text, re.IGNORECASE) for word in wanted
    ]
    first = min((place.start() for place in places if place), default=0)
    start = first - BEFORE if first > BEFORE + 10 else 0
    if start:
        start = text.find(" ", start, first) + 1 or start  # not within a word
    shown = text[start : first + AFTER]
    return ("…" if start else "") + shown + ("…" if first + AFTER < len(text) else "")

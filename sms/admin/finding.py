"""Finds messages by what people have in hand: a number, a provider's id, our reference.

Every way leads through an index: numbers through the conversations, which are few beside their
messages; what no index knows is left to a look through the log.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q

from portal import e164
from portal.models import Trunk
from sms.models import Message, SentPart
from sms.models.message import MessageQuerySet

MOST = 2_000
"""Messages that one search takes out of conversations at a time."""
BUSY = 200
"""Conversations with a number beyond which its texts are found anywhere in the log."""
LAST = 2**63 - 1

_THREADS = """
(SELECT id FROM sms_conversation
  WHERE tenant_id = ANY(%(tenants)s::bigint[]) AND remote = ANY(%(numbers)s::text[])
  LIMIT %(most)s)
UNION
(SELECT id FROM sms_conversation
  WHERE tenant_id = ANY(%(tenants)s::bigint[]) AND our_number = ANY(%(numbers)s::text[])
  LIMIT %(most)s)
UNION
(SELECT id FROM sms_conversation
  WHERE tenant_id = ANY(%(tenants)s::bigint[]) AND remote LIKE '%%;%%'
    AND string_to_array(remote, ';') && %(numbers)s::text[]
  LIMIT %(most)s)
"""
# With a LIMIT of its own a look-up is made thread by thread, however long they are.
_OF_THREADS = """
SELECT m.id FROM unnest(%s::bigint[]) AS c (id), LATERAL (
    SELECT id FROM sms_message
     WHERE conversation_id = c.id AND id > %s AND id < %s
     ORDER BY id {order} LIMIT %s) m
 ORDER BY m.id {order} LIMIT %s
"""


@dataclass(frozen=True)
class Scope:
    """Whose messages are searched: tenants, with the countries in which numbers are read."""

    tenants: Sequence[int]
    countries: Iterable[str]


def spellings(typed: str, scope: Scope) -> list[str]:
    """Return what a typed number or word may stand for in the log."""
    found = {typed.strip()}
    for country in set(scope.countries):
        try:
            found.add(e164.normalize(typed, country))
        except e164.NumberInvalid:
            continue
    return sorted(found)


def threads(scope: Scope, numbers: Sequence[str]) -> list[int]:
    """Return conversations of a number, on either side; more than ``BUSY`` means too many."""
    values: dict[str, Any] = {
        "tenants": list(scope.tenants),
        "numbers": list(numbers),
        "most": BUSY + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_THREADS, values)
        return [row[0] for row in cursor.fetchall()]


def of_threads(
    ids: Sequence[int], *, before: int | None = None, after: int | None = None
) -> list[int]:
    """Return the messages of conversations on one side of an id, ``MOST`` at the most."""
    order = "DESC" if after is None else "ASC"
    values: list[Any] = [list(ids), after or 0, before if before is not None else LAST, MOST, MOST]
    with connection.cursor() as cursor:
        cursor.execute(_OF_THREADS.format(order=order), values)
        return [row[0] for row in cursor.fetchall()]


def by_id(scope: Scope, rows: MessageQuerySet, typed: str) -> list[int]:
    """Return the messages, among the rows, that an id names: the provider's, or one of ours."""
    word = typed.strip()
    trunks = list(
        Trunk.objects.filter(Q(tenant__in=scope.tenants) | Q(tenant=None)).values_list(
            "pk", flat=True
        )
    )
    named = (
        rows.order_by().filter(trunk_id__in=trunks, provider_id=word).values_list("pk", flat=True)
    )
    parts = SentPart.objects.order_by().filter(trunk_id__in=trunks, provider_id=word)
    of_parts = list(parts.values_list("message_id", flat=True)[:MOST])
    found = {
        # As the two indexes have it, which know only rows of their own kind.
        *named.filter(direction=Message.Direction.OUTBOUND).exclude(provider_id="")[:MOST],
        *named.filter(direction=Message.Direction.INBOUND)[:MOST],
        *rows.filter(pk__in=of_parts).values_list("pk", flat=True),
        *_ours(rows, word).values_list("pk", flat=True),
    }
    return sorted(found)


def _ours(rows: MessageQuerySet, word: str) -> MessageQuerySet:
    number = word.removeprefix("#")
    if number != word and number.isdecimal() and len(number) <= 18:
        return rows.filter(pk=int(number))
    try:
        return rows.filter(reference=uuid.UUID(word))
    except ValueError:
        return rows.none()


def holding(words: str) -> Q:
    """Return the filter for messages with these words in the text, or digits in a number."""
    wanted = Q(text__icontains=words)
    digits = "".join(letter for letter in words if letter.isdecimal())
    if len(digits) >= 3 and not any(letter.isalpha() for letter in words):
        wanted |= Q(sender__contains=digits) | Q(recipient__contains=digits)
    return wanted

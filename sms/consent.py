"""STOP, START, HELP, and who may not be texted.

The words are those that US carriers and the big providers honour; an opt-out holds for the
number it was sent to (a tenant-wide one can be entered by an administrator).
"""

import re
from collections.abc import Iterable
from enum import StrEnum

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.models import Tenant
from sms.models import Message, OptOut

_STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}
_START = {"start", "unstop", "subscribe"}
_HELP = {"help", "info"}


class Keyword(StrEnum):
    """What a text of one word asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


def keyword(text: str) -> Keyword | None:
    """Recognise a text that is a keyword and nothing else; case and punctuation do not count."""
    word = re.sub(r"[^a-z]", "", text.casefold()) if len(text) <= 20 else ""
    for words, meaning in ((_STOP, Keyword.STOP), (_START, Keyword.START), (_HELP, Keyword.HELP)):
        if word in words:
            return meaning
    return None


def observe(message: Message) -> Keyword | None:
    """Act on an inbound keyword: record the opt-out with its words, or lift it."""
    meaning = keyword(message.text)
    if meaning is Keyword.STOP:
        OptOut.objects.bulk_create(
            [
                OptOut(
                    tenant_id=message.tenant_id,
                    our_number=message.recipient,
                    remote=message.sender,
                    words=message.text[:160],
                    message=message,
                )
            ],
            ignore_conflicts=True,
        )
    elif meaning is Keyword.START:
        # A tenant-wide opt-out was entered by an administrator, who alone can lift it.
        _active(message.tenant_id, message.recipient, [message.sender]).exclude(
            our_number=""
        ).update(lifted_at=timezone.now())
    return meaning


def reply_to(meaning: Keyword, tenant: Tenant) -> str:
    """Return the confirmation that a keyword gets."""
    match meaning:
        case Keyword.STOP:
            return _("%(tenant)s: you will get no more texts from this number. START resumes.") % {
                "tenant": tenant.name
            }
        case Keyword.START:
            return _("%(tenant)s: you will get texts from this number again.") % {
                "tenant": tenant.name
            }
        case Keyword.HELP:
            return _("%(tenant)s: reply STOP to get no more texts from this number.") % {
                "tenant": tenant.name
            }


def _active(tenant_id: int, our_number: str, remotes: Iterable[str]) -> QuerySet[OptOut]:
    return OptOut.objects.filter(
        Q(our_number=our_number) | Q(our_number=""),
        tenant_id=tenant_id,
        remote__in=remotes,
        lifted_at__isnull=True,
    )


def find(tenant_id: int, our_number: str, remotes: Iterable[str]) -> OptOut | None:
    """Return the opt-out that forbids texting any of ``remotes`` from our number, if any."""
    return _active(tenant_id, our_number, remotes).first()

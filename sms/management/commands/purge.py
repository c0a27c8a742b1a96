"""`manage.py purge`: ends what has been kept long enough; run it daily.

Files go first and rows after them, so that a stop in between leaves nothing on the disk that no
row knows. Rows are locked with SKIP LOCKED in batches, so two purges at once share the work.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.models import Tenant
from sms.models import (
    Conversation,
    HandsetFile,
    HandsetMessage,
    LaterText,
    MediaFile,
    Message,
    ProviderEvent,
    SeenBody,
    State,
)

BATCH = 1000
EVENT_DAYS = 30  # raw webhook requests that are done with, and what the Handset shows
UPLOAD_DAYS = 7  # uploads that no message took
# Still to be sent, or being sent: the sweep ends them at their deadline.
UNFINISHED = (State.QUEUED, State.SENDING, State.HELD)
# Still to be sent, or to be corrected by its writer: its files stay.
KEPT_FOR_LATER = (LaterText.State.WAITING, LaterText.State.REFUSED)


class Command(BaseCommand):
    """Deletes by each tenant's retention, and what no tenant needs."""

    help = "Delete messages past their tenant's retention, old raw requests and stray uploads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        counts: Counter[str] = Counter()
        for rows in everything(timezone.now()):
            counts[rows.model.__name__] += rows.count() if options["dry_run"] else delete(rows)
        verb = "would be deleted" if options["dry_run"] else "deleted"
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count} {verb}")


def everything(now: datetime) -> Iterator[QuerySet[Any]]:
    """Yield what has to go, in an order in which nothing is left behind."""
    old = now - timedelta(days=EVENT_DAYS)
    old_events = Q(received_at__lt=old)
    for tenant in Tenant.objects.filter(retention_days__isnull=False):
        cutoff = now - timedelta(days=tenant.retention_days or 0)
        yield Message.objects.filter(tenant=tenant, created_at__lt=cutoff).exclude(
            state__in=UNFINISHED
        )
        yield LaterText.objects.filter(tenant=tenant, due_at__lt=cutoff).exclude(
            state=LaterText.State.WAITING
        )
        yield empty(Conversation.objects.filter(tenant=tenant, last_message_at__lt=cutoff))
        # A raw request holds the text as well.
        old_events |= Q(tenant=tenant, received_at__lt=cutoff)
    # The quarantine waits for a person; but a refused request is only a sample.
    refused = Q(reason=ProviderEvent.Reason.REFUSED)
    yield ProviderEvent.objects.filter(old_events, Q(state=ProviderEvent.State.DONE) | refused)
    yield SeenBody.objects.filter(seen_at__lt=now - timedelta(days=1))
    stray = now - timedelta(days=UPLOAD_DAYS)
    yield MediaFile.objects.filter(message__isnull=True, created_at__lt=stray).exclude(
        later__state__in=KEPT_FOR_LATER
    )
    yield HandsetMessage.objects.filter(created_at__lt=old)
    yield HandsetFile.objects.filter(created_at__lt=old)


def empty(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Return those without a message, in which no text waits for its time either."""
    waiting = LaterText.objects.filter(state=LaterText.State.WAITING, conversation=OuterRef("pk"))
    return conversations.exclude(
        Exists(Message.objects.filter(conversation=OuterRef("pk"))) | Exists(waiting)
    )


def delete(rows: QuerySet[Any]) -> int:
    """Delete rows in batches, each with its files; return how many went."""
    total = 0
    last = 0
    ids = rows.order_by("pk").values_list("pk", flat=True)
    while batch := list(ids.filter(pk__gt=last)[:BATCH]):
        last = batch[-1]
        _delete_files(rows.model, batch)
        with transaction.atomic(durable=True):
            total += _delete_rows(rows, batch)
    return total


def _delete_files(model: type[Model], ids: list[int]) -> None:
    names: list[str] = []
    if model is HandsetFile:
        names += HandsetFile.objects.filter(pk__in=ids).values_list("file", flat=True)
    if own := {Message: "message_id__in", MediaFile: "pk__in"}.get(model):
        names += MediaFile.objects.filter(**{own: ids}).values_list("file", flat=True)
    for name in filter(None, names):
        default_storage.delete(name)


def _delete_rows(rows: QuerySet[Any], ids: list[int]) -> int:
    """Delete what nobody else holds and what, now that it is locked, still has to go."""
    locked = list(
        rows.model.objects.filter(pk__in=ids)
        .order_by()
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("pk", flat=True)
    )
    going = list(rows.filter(pk__in=locked).values_list("pk", flat=True))
    rows.model.objects.filter(pk__in=going).delete()
    return len(going)

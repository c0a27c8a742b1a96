"""Requests that did not prove themselves: all are counted, the first of a day are kept."""

import logging

from django.db import connection, transaction
from django.utils import timezone

from sms.models import ProviderEvent

log = logging.getLogger(__name__)

# Of the refused requests of a trunk this many a day are kept whole, cut to this size.
SAMPLES_A_DAY = 20
SAMPLE_BYTES = 8 * 1024

_COUNT = """
INSERT INTO sms_refusedcount AS seen (trunk_id, day, count, last_reason)
VALUES (%s, %s, 1, %s)
ON CONFLICT (trunk_id, day) DO UPDATE
   SET count = seen.count + 1, last_reason = excluded.last_reason
RETURNING count
"""


def keep(event: ProviderEvent, why: str) -> None:
    """Count a refused request under its trunk, and keep the first of a day as samples."""
    trunk_id = event.trunk_id
    log.warning("webhook.refused trunk=%s address=%s why=%s", trunk_id, event.address, why)
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [trunk_id, timezone.now().date(), why[:200]])
            count = cursor.fetchone()[0]
        if count <= SAMPLES_A_DAY:
            event.body = event.body[:SAMPLE_BYTES]
            event.state = ProviderEvent.State.QUARANTINED
            event.reason, event.detail = ProviderEvent.Reason.REFUSED, why
            event.save(force_insert=True)

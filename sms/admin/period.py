"""A period of a list that is ordered by id: no index on times is needed, ids grow with them."""

from datetime import datetime, time
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_time
from unfold.contrib.filters.admin import RangeDateTimeFilter

# When a row was written. A text that waited in quarantine was created when it was received; its
# `due_at` is of the moment at which it came into the log.
WRITTEN = {
    "sms_message": "CASE direction WHEN 'inbound' THEN due_at ELSE created_at END",
    "sms_providerevent": "received_at",
    "sms_attempt": "started_at",
}
_FIRST = """
WITH RECURSIVE halved (low, high) AS (
    SELECT (SELECT id FROM {table} ORDER BY id LIMIT 1),
           (SELECT id + 1 FROM {table} ORDER BY id DESC LIMIT 1)
    UNION ALL
    SELECT CASE WHEN p.is_before THEN p.id + 1 ELSE h.low END,
           CASE WHEN p.is_before THEN h.high ELSE (h.low + h.high) / 2 END
      FROM halved h, LATERAL (
        SELECT id, {written} < %s AS is_before FROM {table}
         WHERE id >= (h.low + h.high) / 2 ORDER BY id LIMIT 1) p
     WHERE h.low < h.high
)
SELECT low FROM halved WHERE low >= high
"""


def first_since(table: str, moment: datetime) -> int:
    """Return the id below which every row was written before the moment: some thirty probes."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST.format(table=table, written=WRITTEN[table]), [moment])
        row = cursor.fetchone()
    return row[0] if row else 0


class PeriodFilter(RangeDateTimeFilter):  # type: ignore[misc] # unfold carries no types
    """From and to, by the time at which a row came into the list; a day alone is a whole day."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Turn the times into ids."""
        table = queryset.model._meta.db_table
        since, until = self._moment("from", time.min), self._moment("to", time.max)
        if since is not None:
            queryset = queryset.filter(pk__gte=first_since(table, since))
        if until is not None:
            queryset = queryset.filter(pk__lt=first_since(table, until))
        return queryset

    def _moment(self, side: str, otherwise: time) -> datetime | None:
        """Return what was entered on one side, in the reader's zone."""
        day, hour = (
            self.used_parameters.get(f"{self.parameter_name}_{side}_{part}") or "" for part in "01"
        )
        try:
            date = parse_date(day.strip())
            at = parse_time(hour.strip()) or otherwise
        except ValueError:  # well formed, like the 30th of February
            return None
        return timezone.make_aware(datetime.combine(date, at)) if date else None

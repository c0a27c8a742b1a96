"""Keeps what the last look found, so that every page can warn before a provider notices."""

import contextlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from redis import RedisError

from portal.certificate.findings import SOON
from portal.certificate.report import Report, look

KEY = "certificate"
KEPT = 7 * 24 * 3600


@dataclass(frozen=True)
class Standing:
    """How the public address stood when it was last looked at."""

    at: datetime
    expires_at: datetime | None
    faults: tuple[str, ...]

    @property
    def days_left(self) -> int | None:
        """Return for how many whole days the chain is still good, as of now."""
        return (self.expires_at - timezone.now()).days if self.expires_at else None

    @property
    def is_soon(self) -> bool:
        """Whether it ends so soon that somebody should know."""
        return self.expires_at is not None and self.expires_at <= timezone.now() + SOON


def renew() -> Report:
    """Look at the public address, and keep what was found for the other pages."""
    report = look(settings.PUBLIC_URL)
    faults = tuple(one.code for one in report.faults)
    with contextlib.suppress(RedisError):  # then only nobody is warned
        cache.set(KEY, (report.at, report.expires_at, faults), KEPT)
    return report


def last() -> Standing | None:
    """Return how the last look ended, or None if there was none lately."""
    try:
        kept = cache.get(KEY)
    except RedisError:
        return None
    return Standing(*kept) if kept else None

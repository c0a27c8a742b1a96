"""Celery's door: each task answers one bell with one call."""

import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from portal.certificate import standing
from sms import dispatch, heartbeat, intake, later, media, polling
from sms import sweep as sweeper
from sms.bell import Box, duty


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def drain_events() -> None:
    """Turn stored webhook requests into messages and receipts."""
    duty.answer(intake.drain, "drain_events")


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def drain_trunk(trunk_id: int) -> None:
    """Send what is due on one trunk."""
    duty.answer(lambda box: dispatch.drain(trunk_id, box), "drain_trunk", trunk_id)


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def fetch_media() -> None:
    """Fetch attachments that providers offer."""
    duty.answer(lambda _box: media.fetch_due(), "fetch_media")


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def poll_receipts(trunk_id: int) -> None:
    """Ask for receipts that the provider of a trunk does not post."""
    duty.answer(lambda box: polling.poll(trunk_id, box), "poll_receipts", trunk_id)


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def offer_waiting() -> None:
    """Give threads that wait to members who have come."""
    duty.answer(lambda _box: sweeper.offer_waiting(), "offer_waiting")


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def sweep() -> None:
    """Ring what is due, free what is stuck."""
    heartbeat.beat()
    duty.answer(_sweep, "sweep")


def _sweep(_box: Box) -> bool:
    sweeper.sweep()
    return False


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def submit_later() -> None:
    """Hand over the texts whose time has come."""
    duty.answer(lambda _box: later.submit_due(), "submit_later")


@shared_task  # type: ignore[untyped-decorator] # Celery has no types
def look_at_certificate() -> None:
    """See whether providers still get through to us; pages warn of what is found."""
    standing.renew()


# Celery sends this one while it handles a signal, under a lock that no thread can take twice. A
# second SIGTERM at the same moment, one for the process and one for its group, hung the worker.
worker_shutting_down.lock = threading.RLock()


@worker_shutting_down.connect  # type: ignore[untyped-decorator] # Celery has no types
def _close(**_: Any) -> None:
    """Claim nothing more; the calls that are open end and are settled."""
    dispatch.closing.told = True

"""Knows how Celery is set up: the bell that wakes workers; the queue itself is in PostgreSQL.

Whichever program imports portal (granian, celery, pytest, manage.py) gets our settings named here.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

from portal import serving

# Before the app is made: Celery sets Django up only if it finds this.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("sms-channel")
# Read lazily: importing this module needs no settings and no servers.
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["portal", "sms"])


@worker_init.connect  # type: ignore[untyped-decorator] # Celery has no types
def _begin(**_: Any) -> None:
    serving.begin()

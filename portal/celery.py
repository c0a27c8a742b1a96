"""Knows how Celery is set up: the bell that wakes workers; the queue itself is in PostgreSQL.

Whichever program imports portal (granian, celery, pytest, manage.py) gets our settings named here.
"""

import os

from celery import Celery

# Before the app is made: Celery sets Django up only if it finds this.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("sms-channel")
# Read lazily: importing this module needs no settings and no servers.
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["portal", "sms"])

"""The PBX: who may send and receive what. Importing it makes our Celery app the current one."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]

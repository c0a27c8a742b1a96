"""The mark that every change of the PBX's set-up leaves, so that what is kept in memory ends."""

from django.db import models
from django.db.models.functions import Now


class Change(models.Model):
    """One statement that changed something; written by triggers, visible with its commit.

    Their count and the last of them are the version of everything that ``portal.memory`` keeps.
    """

    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "change"

    def __str__(self) -> str:
        return f"#{self.pk}"

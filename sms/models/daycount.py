"""How many messages of which kind a day had, kept so that nobody has to count them again."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Tenant
from sms.models.message import Message, State


class CountBlock(models.Model):
    """A range of message ids that is counted in one go: from its first id to the next block's."""

    first_id = models.BigIntegerField(unique=True)
    opened_at = models.DateTimeField(default=timezone.now)
    counted_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0, help_text=_("How long the last count took."))

    class Meta:
        ordering = ["-first_id"]

    def __str__(self) -> str:
        return f"from #{self.first_id}"


class DayCount(models.Model):
    """The messages of one block and kind that were written on one day.

    The day is there twice, in the tenant's time zone and in UTC: who looks at several tenants needs
    days that are the same for all. The trunk is a bare number (0: none), since a count outlives it.
    """

    block = models.ForeignKey(
        CountBlock, on_delete=models.CASCADE, related_name="counts", db_index=False
    )
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="day_counts", db_index=False
    )
    trunk_id = models.BigIntegerField(default=0)
    utc_day = models.DateField()
    day = models.DateField()
    direction = models.CharField(max_length=8, choices=Message.Direction.choices)
    state = models.CharField(max_length=11, choices=State.choices)
    error_code = models.CharField(
        max_length=64, blank=True, help_text=_("Only of what failed or may have been sent.")
    )
    error = models.CharField(
        max_length=200, blank=True, help_text=_("What one of them says in plain words.")
    )
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "block",
                    "tenant",
                    "trunk_id",
                    "utc_day",
                    "day",
                    "direction",
                    "state",
                    "error_code",
                ],
                name="day_count_once",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "day"], name="day_count_tenant"),
            models.Index(fields=["utc_day"], name="day_count_utc"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.direction} {self.state}: {self.count}"

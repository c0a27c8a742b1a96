"""One webhook request as it was received, and what became of it."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.models import Tenant, Trunk
from providers.contract import WebhookRequest


class ProviderEvent(models.Model):
    """The raw request, committed before the provider gets its answer; the table is the queue.

    Headers are kept without those that carry secrets. A quarantined event names its reason and
    can be processed again: everything it brings in is idempotent.
    """

    class State(models.TextChoices):
        """Where the event stands."""

        DUE = "due", _("waiting")
        DONE = "done", _("done")
        QUARANTINED = "quarantined", _("in quarantine")

    class Reason(models.TextChoices):
        """Why an event is in quarantine."""

        UNREADABLE = "unreadable", _("the body, or a part of it, cannot be read")
        UNKNOWN_DID = "unknown_did", _("no DID of this number on the trunk")
        NO_RULE = "no_rule", _("no inbound rule matches")
        UNROUTED = "unrouted", _("the rule says to keep it unrouted")
        EXTENSION_DISABLED = "extension_disabled", _("the extension is disabled or missing")
        SUSPENDED = "suspended", _("the tenant or the trunk is out of service")
        REFUSED = "refused", _("the request did not prove that the provider sent it")
        REPEATED = "repeated", _("the same text came moments before; perhaps a redelivery")
        UNMATCHED = "unmatched", _("a receipt for a message that we do not know")
        FAILING = "failing", _("processing failed again and again")

    trunk = models.ForeignKey(
        Trunk, on_delete=models.CASCADE, related_name="events", db_index=False
    )  # the index event_trunk below begins with it
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="events"
    )
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    method = models.CharField(_("method"), max_length=8)
    query = models.TextField(_("query"), blank=True)
    headers = models.JSONField(_("headers"), default=dict)
    body = models.BinaryField(_("body"))
    address = models.GenericIPAddressField(_("from where"), null=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.DUE)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    detail = models.TextField(_("detail"), blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveIntegerField(default=0)
    insist = models.BooleanField(
        default=False, help_text=_("Somebody looked and says that its texts are no repeats.")
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="due"), name="event_due"),
            models.Index(
                fields=["tenant", "-id"],
                condition=models.Q(state="quarantined"),
                name="event_quarantine",
            ),
            models.Index(fields=["trunk", "-id"], name="event_trunk"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.get_state_display()}"

    def request(self) -> WebhookRequest:
        """Return the request as its adapter reads it."""
        url = self.trunk.webhook_url
        return WebhookRequest(
            method=self.method,
            url=f"{url}?{self.query}" if self.query else url,
            headers=self.headers,
            query=self.query,
            body=bytes(self.body),
        )


class RefusedCount(models.Model):
    """How many requests a trunk refused on one day; only the first few are kept whole."""

    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="refused")
    day = models.DateField(_("day"))
    count = models.PositiveBigIntegerField(_("count"), default=0)
    last_reason = models.CharField(_("last reason"), max_length=200)

    class Meta:
        ordering = ["-day"]
        verbose_name = _("refused requests")
        verbose_name_plural = _("refused requests")
        constraints = [models.UniqueConstraint(fields=["trunk", "day"], name="refused_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.count}"


class SeenBody(models.Model):
    """The last time a text without a provider id was seen, to tell a redelivery from news.

    Written by one conditional upsert, so that two deliveries at one instant cannot both be new.
    """

    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    seen_at = models.DateTimeField()
    event = models.ForeignKey(ProviderEvent, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trunk", "fingerprint"], name="seen_body_once")
        ]

    def __str__(self) -> str:
        return self.fingerprint

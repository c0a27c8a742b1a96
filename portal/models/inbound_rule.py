"""Which DID reaches whom, for texts and (exported) for calls alike."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal import e164
from portal.models.extension import EXTENSION_NUMBER, Extension
from portal.models.fence import SameTenant, fence_key
from portal.models.group import Group
from portal.models.schedule import Schedule
from portal.models.tenant import Tenant
from portal.models.trunk import Trunk


def validate_caller_mask(text: str) -> None:
    """Refuse a mask with a part that can match nothing."""
    try:
        e164.CallerMask(text).check()
    except e164.NumberInvalid as error:
        raise ValidationError(str(error)) from error


class InboundRule(models.Model):
    """A DID or DID range on one trunk, for some callers; the first match in order decides."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="rules")
    name = models.CharField(_("name"), max_length=64)
    trunk = models.ForeignKey(Trunk, on_delete=models.CASCADE, related_name="rules")
    did_first = models.CharField(_("DID, or first of a range"), max_length=16)
    did_last = models.CharField(_("last of the range"), max_length=16)
    caller_mask = models.CharField(
        _("caller mask"),
        max_length=200,
        blank=True,
        validators=[validate_caller_mask],
        help_text=_("Empty: everybody. Example: 0044**********;1000-2000;6000"),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    order = models.PositiveIntegerField(_("order"), default=100, help_text=_("Lowest first."))
    schedule = models.ForeignKey(
        Schedule,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rules",
        verbose_name=_("own schedule"),
        help_text=_("Empty: the tenant's own hours."),
    )

    class Meta:
        ordering = ["order", "id"]
        verbose_name = _("inbound rule")
        verbose_name_plural = _("inbound rules")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="rule_name_once",
                violation_error_message=_("There is a rule of this name already."),
            ),
            models.CheckConstraint(
                condition=Q(did_first__regex=r"^(\+[1-9][0-9]{6,14}|[0-9]{3,7})$")
                & Q(did_last__regex=r"^(\+[1-9][0-9]{6,14}|[0-9]{3,7})$"),
                name="rule_normal_form",
            ),
            SameTenant(field="schedule", to="portal.Schedule", name="rule_schedule_fence"),
            fence_key("rule_fence"),
        ]

    def __str__(self) -> str:
        return self.name

    def covers(self, number: str) -> bool:
        """Say whether the DID (normal form) lies in the rule's range."""
        return len(number) == len(self.did_first) and self.did_first <= number <= self.did_last


class Destination(models.Model):
    """Where a rule leads at one kind of time. Without its own row a time follows office hours."""

    class When(models.TextChoices):
        """The three times of a rule; holidays come before everything else."""

        OFFICE = "office", _("office hours")
        OUTSIDE = "outside", _("outside office hours")
        HOLIDAY = "holiday", _("holidays")

    class Kind(models.TextChoices):
        """What a rule can lead to."""

        EXTENSION = "extension", _("extension")
        GROUP = "group", _("group")
        RANGE = "range", _("extension range, one to one")
        UNROUTED = "unrouted", _("keep unrouted")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    rule = models.ForeignKey(InboundRule, on_delete=models.CASCADE, related_name="destinations")
    when = models.CharField(_("when"), max_length=7, choices=When.choices)
    kind = models.CharField(_("leads to"), max_length=9, choices=Kind.choices)
    extension = models.ForeignKey(
        Extension, on_delete=models.PROTECT, null=True, blank=True, related_name="destinations"
    )
    group = models.ForeignKey(
        Group, on_delete=models.PROTECT, null=True, blank=True, related_name="destinations"
    )
    range_first = models.CharField(
        _("first extension of the range"),
        max_length=10,
        blank=True,
        validators=[EXTENSION_NUMBER],
        help_text=_("The range is as long as the rule's DID range."),
    )

    class Meta:
        ordering = ["id"]
        verbose_name = _("destination")
        verbose_name_plural = _("destinations")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "when"],
                name="destination_once",
                violation_error_message=_("Each time has one destination."),
            ),
            models.CheckConstraint(
                condition=Q(
                    kind="extension", extension__isnull=False, group__isnull=True, range_first=""
                )
                | Q(kind="group", extension__isnull=True, group__isnull=False, range_first="")
                | Q(kind="range", extension__isnull=True, group__isnull=True) & ~Q(range_first="")
                | Q(kind="unrouted", extension__isnull=True, group__isnull=True, range_first=""),
                name="destination_fits_kind",
                violation_error_message=_(
                    "Fill in the extension, the group or the range that the kind asks for, "
                    "and leave the others empty."
                ),
            ),
            SameTenant(field="rule", to="portal.InboundRule", name="destination_rule_fence"),
            SameTenant(
                field="extension", to="portal.Extension", name="destination_extension_fence"
            ),
            SameTenant(field="group", to="portal.Group", name="destination_group_fence"),
        ]

    def __str__(self) -> str:
        target = self.extension or self.group or self.range_first or self.get_kind_display()
        return f"{self.get_when_display()}: {target}"

"""The form of an inbound rule, written the way a dial plan is: numbers in, numbers out."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import e164
from portal.admin.rule_words import (
    Target,
    read_target,
    say_dids,
    say_mask,
    say_target,
    write_dids,
    write_target,
)
from portal.forms import TenantForm
from portal.models import DID, Destination, InboundRule, Tenant

When = Destination.When


class Suggesting(UnfoldAdminTextInputWidget):  # type: ignore[misc] # unfold carries no types
    """A text field that suggests from the list at the end of the form."""

    def __init__(self) -> None:
        super().__init__(attrs={"list": "targets", "autocomplete": "off"})


class RuleForm(TenantForm[InboundRule]):
    """A rule in eight lines. A time without a destination follows office hours."""

    dids = forms.CharField(
        label=gettext_lazy("DIDs"),
        help_text=gettext_lazy("One DID or a range, such as 12172074420-12172074429."),
        widget=UnfoldAdminTextInputWidget(),
    )
    office = forms.CharField(
        label=gettext_lazy("In office hours"),
        help_text=gettext_lazy(
            "An extension (1001), a group (8000), a range of extensions as long as the DID range "
            "(2000-2009, one to one), or unrouted: texts are kept for you to look at."
        ),
        widget=Suggesting(),
    )
    outside = forms.CharField(
        label=gettext_lazy("Outside office hours"),
        help_text=gettext_lazy("Empty: as in office hours."),
        required=False,
        widget=Suggesting(),
    )
    holiday = forms.CharField(
        label=gettext_lazy("On holidays"),
        help_text=gettext_lazy("Empty: as in office hours. Holidays come before everything else."),
        required=False,
        widget=Suggesting(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.targets: dict[Destination.When, Target | None] = {}
        rule = self.instance
        if rule.pk:
            self.initial["dids"] = write_dids(rule.did_first, rule.did_last)
            size = e164.range_size(rule.did_first, rule.did_last)
            for destination in rule.destinations.select_related("extension", "group"):
                self.initial[destination.when] = write_target(destination, size)

    def clean(self) -> dict[str, Any]:
        """Understand the numbers, on both sides of the rule."""
        cleaned = super().clean() or self.cleaned_data
        tenant = self.instance.tenant
        ends = self._read_dids(cleaned, tenant)
        if ends:
            self.instance.did_first, self.instance.did_last = ends
        self._read_targets(cleaned, tenant, e164.range_size(*ends) if ends else None)
        return cleaned

    def _read_dids(self, cleaned: dict[str, Any], tenant: Tenant) -> tuple[str, str] | None:
        if not cleaned.get("dids"):
            return None
        try:
            first, last = e164.parse_range(cleaned["dids"], tenant.country)
        except e164.NumberInvalid as error:
            self.add_error("dids", str(error))
            return None
        trunk = cleaned.get("trunk")
        if not trunk:
            return None
        owned = set(DID.objects.filter(tenant=tenant, trunk=trunk).values_list("number", flat=True))
        strange = next((one for one in e164.numbers_of(first, last) if one not in owned), None)
        if strange:
            self.add_error(
                "dids",
                _(
                    "%(number)s is not one of your DIDs on this trunk. "
                    "Add it under DIDs first, or choose the trunk that it is on."
                )
                % {"number": e164.pretty(strange)},
            )
            return None
        return first, last

    def _read_targets(self, cleaned: dict[str, Any], tenant: Tenant, size: int | None) -> None:
        for when in When:
            text = cleaned.get(when.value)
            try:
                self.targets[when] = read_target(text, tenant, size) if text else None
            except forms.ValidationError as error:
                self.add_error(when.value, error)

    def findings(self) -> dict[str, dict[str, Any]]:
        """Return what the form, once validated, makes of each field: words, and whether wrong."""
        understood = self._understood()
        found = {}
        for name in ("dids", "caller_mask", *When.values):
            typed = str(self.data.get(self.add_prefix(name), "")).strip()
            if name in self.errors and typed:
                found[name] = {"words": " ".join(map(str, self.errors[name])), "wrong": True}
            elif name in understood:
                found[name] = {"words": understood[name], "wrong": False}
        return found

    def _understood(self) -> dict[str, str]:
        words = {}
        if self.cleaned_data.get("dids"):
            words["dids"] = say_dids(
                *e164.parse_range(self.cleaned_data["dids"], self.instance.tenant.country)
            )
        if "caller_mask" in self.cleaned_data:
            words["caller_mask"] = say_mask(self.cleaned_data["caller_mask"])
        office = self.targets.get(When.OFFICE)
        for when in When:
            target = self.targets.get(when)
            if target:
                words[when.value] = say_target(target)
            elif office and when in self.targets:
                words[when.value] = _("As in office hours: %(target)s") % {
                    "target": say_target(office)
                }
        return words

    def save_targets(self) -> None:
        """Write the destinations; a time without one has no row."""
        rule = self.instance
        for when, target in self.targets.items():
            if target is None:
                rule.destinations.filter(when=when).delete()
                continue
            Destination.objects.update_or_create(
                rule=rule,
                when=when,
                defaults={
                    "tenant": rule.tenant,
                    "kind": target.kind,
                    "extension": target.extension,
                    "group": target.group,
                    "range_first": target.range_first,
                },
            )

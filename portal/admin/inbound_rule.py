"""The admin of inbound rules, written the way a dial plan is: numbers in, numbers out."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import e164
from portal.admin.filters import ScopedRelatedFilter
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.forms import TenantForm
from portal.models import DID, Destination, Extension, Group, InboundRule, Tenant

UNROUTED = "unrouted"
OFFERED = 500  # extensions and groups suggested while typing; others can be typed

Kind, When = Destination.Kind, Destination.When


@dataclass(frozen=True)
class Target:
    """What somebody typed as a destination, understood."""

    kind: Destination.Kind
    extension: Extension | None = None
    group: Group | None = None
    range_first: str = ""
    missing: tuple[str, ...] = ()
    """Extensions of a range that do not exist (yet)."""


def read_target(text: str, tenant: Tenant, size: int) -> Target:
    """Understand ``1001``, ``8000``, ``2000-2019`` or ``unrouted`` for a DID range of ``size``."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    if text.strip().casefold() == UNROUTED:
        return Target(Kind.UNROUTED)
    if not all(part.isascii() and part.isdigit() for part in (first, last or first)):
        raise forms.ValidationError(
            _("Write an extension, a group, a range such as 2000-2019, or %(word)s.")
            % {"word": UNROUTED}
        )
    if dash:
        return _range(first, last, tenant, size)
    extension = Extension.objects.filter(tenant=tenant, number=first).first()
    group = None if extension else Group.objects.filter(tenant=tenant, number=first).first()
    if not extension and not group:
        raise forms.ValidationError(
            _("There is no extension or group %(number)s.") % {"number": first}
        )
    return Target(Kind.EXTENSION if extension else Kind.GROUP, extension, group)


def _range(first: str, last: str, tenant: Tenant, size: int) -> Target:
    if not last or len(first) != len(last) or not 2 <= len(first) <= 10:
        raise forms.ValidationError(_("Both ends of a range need the same number of digits."))
    count = int(last) - int(first) + 1
    if count != size:
        raise forms.ValidationError(
            _("The range has %(count)d extensions, but there are %(size)d DIDs.")
            % {"count": max(count, 0), "size": size}
        )
    wanted = [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    known = set(
        Extension.objects.filter(tenant=tenant, number__in=wanted).values_list("number", flat=True)
    )
    missing = tuple(number for number in wanted if number not in known)
    return Target(Kind.RANGE, range_first=first, missing=missing)


def write_target(destination: Destination, size: int) -> str:
    """Write a stored destination the way it is typed."""
    if destination.kind == Kind.RANGE:
        first = destination.range_first
        return f"{first}-{str(int(first) + size - 1).zfill(len(first))}"
    target = destination.extension or destination.group
    return target.number if target else UNROUTED


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
            ends = dict.fromkeys((rule.did_first.lstrip("+"), rule.did_last.lstrip("+")))
            self.initial["dids"] = "-".join(ends)
            size = e164.range_size(rule.did_first, rule.did_last)
            for destination in rule.destinations.select_related("extension", "group"):
                self.initial[destination.when] = write_target(destination, size)

    def clean(self) -> dict[str, Any]:
        """Understand the numbers, on both sides of the rule."""
        cleaned = super().clean() or self.cleaned_data
        tenant, trunk = self.instance.tenant, cleaned.get("trunk")
        if not trunk or not cleaned.get("dids"):
            return cleaned
        try:
            first, last = e164.parse_range(cleaned["dids"], tenant.country)
        except e164.NumberInvalid as error:
            self.add_error("dids", str(error))
            return cleaned
        owned = set(DID.objects.filter(tenant=tenant, trunk=trunk).values_list("number", flat=True))
        strange = next((one for one in e164.numbers_of(first, last) if one not in owned), None)
        if strange:
            self.add_error(
                "dids",
                _("%(number)s is not one of your DIDs on this trunk.")
                % {"number": e164.pretty(strange)},
            )
            return cleaned
        self.instance.did_first, self.instance.did_last = first, last
        self._read_targets(cleaned, tenant, e164.range_size(first, last))
        return cleaned

    def _read_targets(self, cleaned: dict[str, Any], tenant: Tenant, size: int) -> None:
        for when in When:
            text = cleaned.get(when.value)
            try:
                self.targets[when] = read_target(text, tenant, size) if text else None
            except forms.ValidationError as error:
                self.add_error(when.value, error)

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


@admin.register(InboundRule, site=site)
class InboundRuleAdmin(TenantScopedAdmin[InboundRule]):
    """Which DID reaches whom; the first rule that fits decides."""

    form = RuleForm
    list_display = ("name", "trunk", "covered", "caller_mask", "leads_to", "enabled", "order")
    list_filter = ("enabled", ("trunk", ScopedRelatedFilter))
    list_select_related = ("trunk",)
    search_fields = ("name", "did_first", "did_last", "caller_mask")
    change_form_after_template = "admin/targets.html"
    fieldsets = (
        (None, {"fields": ("name", "trunk", "dids", "caller_mask", ("enabled", "order"))}),
        (gettext_lazy("Leads to"), {"fields": ("office", "outside", "holiday", "schedule")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Load the destinations along."""
        rows = super().get_queryset(request)
        return rows.prefetch_related("destinations__extension", "destinations__group")

    @admin.display(description=gettext_lazy("DIDs"), ordering="did_first")
    def covered(self, rule: InboundRule) -> str:
        """Write the range."""
        first, last = e164.pretty(rule.did_first), e164.pretty(rule.did_last)
        return first if first == last else f"{first} - {last}"

    @admin.display(description=gettext_lazy("leads to"))
    def leads_to(self, rule: InboundRule) -> str:
        """Write the destinations, one a line."""
        return format_html_join("", "<div>{}</div>", ((one,) for one in rule.destinations.all()))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write the destinations and warn of gaps."""
        super().save_related(request, form, formsets, change)
        form.save_targets()
        missing = {
            number for target in form.targets.values() if target for number in target.missing
        }
        if missing:
            shown = ", ".join(sorted(missing)[:10])
            messages.warning(
                request,
                _("These extensions do not exist yet, their texts will wait: %(numbers)s")
                % {"numbers": shown + (" …" if len(missing) > 10 else "")},
            )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Suggest the tenant's extensions and groups."""
        tenant = self.working_tenant(request, row)
        extensions = Extension.objects.filter(tenant=tenant).values_list("number", "name")
        groups = Group.objects.filter(tenant=tenant).values_list("number", "name")
        return {
            **super().page_context(request, row),
            "targets": [*extensions[:OFFERED], *groups[:OFFERED]],
            "unrouted": UNROUTED,
        }

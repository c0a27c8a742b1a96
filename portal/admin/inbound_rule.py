"""The admin of inbound rules: their list in the order in which they are asked, and their form."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.views import ChangeList

from portal import dead_rules, e164
from portal.admin import rule_export, rule_order, trail
from portal.admin.filters import ScopedRelatedFilter
from portal.admin.rule_form import RuleForm
from portal.admin.rule_words import UNROUTED, write_target
from portal.admin.scoped import TenantScopedAdmin
from portal.admin.site import site
from portal.models import Destination, Extension, Group, InboundRule

OFFERED = 500  # extensions and groups suggested while typing; others can be typed


class RuleList(ChangeList):  # type: ignore[misc] # unfold carries no types
    """A page of rules, each with what is wrong with it."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        """Look for trouble once for the whole page."""
        super().get_results(request)
        rules: list[Any] = list(self.result_list)
        troubles = dead_rules.look(rules)
        for rule in rules:
            rule.troubles = troubles.get(rule.pk, [])
        self.result_list = rules


@admin.register(InboundRule, site=site)
class InboundRuleAdmin(TenantScopedAdmin[InboundRule]):
    """Which DID reaches whom; the first rule that fits decides."""

    form = RuleForm
    list_display = ("place", "name", "trunk", "covered", "caller_mask", "leads_to", "condition")
    list_display_links = ("name",)
    list_filter = ("enabled", ("trunk", ScopedRelatedFilter))
    list_select_related = ("trunk",)
    list_before_template = "admin/rule_list.html"
    search_fields = ("name", "did_first", "did_last", "caller_mask")
    change_form_outer_before_template = "admin/rule.html"
    change_form_after_template = "admin/targets.html"
    actions = ("export_csv", "export_json")
    fieldsets = (
        (None, {"fields": ("name", "trunk", "dids", "caller_mask", ("enabled", "order"))}),
        (gettext_lazy("Leads to"), {"fields": ("office", "outside", "holiday", "schedule")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Load the destinations along."""
        rows = super().get_queryset(request).defer("trunk__credentials")
        return rows.prefetch_related("destinations__extension", "destinations__group")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Show rules with their troubles."""
        return RuleList

    def get_urls(self) -> list[Any]:
        """Give the form's reader an address."""
        view = self.admin_site.admin_view(self.read_view)
        return [path("read/", view, name="portal_inboundrule_read"), *super().get_urls()]

    @admin.display(description=gettext_lazy("move"))
    def place(self, rule: InboundRule) -> str:
        """Offer to move the rule."""
        return render_to_string("admin/rule_place.html", {"rule": rule})

    @admin.display(description=gettext_lazy("DIDs"), ordering="did_first")
    def covered(self, rule: InboundRule) -> str:
        """Write the range."""
        first, last = e164.pretty(rule.did_first), e164.pretty(rule.did_last)
        return first if first == last else f"{first} - {last}"

    @admin.display(description=gettext_lazy("leads to"))
    def leads_to(self, rule: InboundRule) -> str:
        """Write the destinations, one a line."""
        lines = ((_destination(rule, one),) for one in rule.destinations.all())
        return format_html("<div>{}</div>", format_html_join("", "<div>{}</div>", lines))

    @admin.display(description=gettext_lazy("state"), ordering="enabled")
    def condition(self, rule: InboundRule) -> str:
        """Say whether the rule works, and if not, why."""
        found: list[dead_rules.Trouble] = vars(rule)["troubles"]
        context = {"rule": rule, "troubles": found, "dead": any(one.dead for one in found)}
        return render_to_string("admin/rule_state.html", context)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Move a rule where one of its buttons asks for it, else show the list."""
        if request.method == "POST" and "_move" in request.POST:
            return self._move(request)
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    def _move(self, request: HttpRequest) -> HttpResponse:
        pk, _colon, where = request.POST["_move"].partition(":")
        rule = self.get_object(request, unquote(pk))
        if rule is None:
            raise Http404
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        places = rule_order.move(rule, where)
        if places:
            self.note(request, "moved", rule, {"changed": {"place": list(places)}})
            told = _("%(rule)s is now rule number %(place)d.")
            messages.success(request, told % {"rule": rule.name, "place": places[1]})
        else:
            messages.info(request, _("%(rule)s stays where it is.") % {"rule": rule.name})
        return HttpResponseRedirect(f"{request.get_full_path()}#rule-{rule.pk}")

    def read_view(self, request: HttpRequest) -> HttpResponse:
        """Say what the form makes of what is being typed; nothing is saved."""
        pk = request.GET.get("rule", "")
        row = self.get_object(request, unquote(pk)) if pk else None
        if (pk and row is None) or self.working_tenant(request, row) is None:
            raise Http404
        if request.method != "POST" or not self.has_change_permission(request, row):
            raise PermissionDenied
        form = self.get_form(request, row, change=row is not None)(request.POST, instance=row)
        form.is_valid()
        return JsonResponse({"fields": form.findings()})

    @admin.action(description=gettext_lazy("Export for the PBX (CSV)"), permissions=["change"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[InboundRule]) -> HttpResponse:
        """Write the rules as a table."""
        text = rule_export.as_csv(self._exported(request, queryset))
        return _file(text, "text/csv; charset=utf-8", "inbound-rules.csv")

    @admin.action(description=gettext_lazy("Export for the PBX (JSON)"), permissions=["change"])
    def export_json(self, request: HttpRequest, queryset: QuerySet[InboundRule]) -> HttpResponse:
        """Write the rules as a file that can be applied again."""
        text = rule_export.as_json(self._exported(request, queryset))
        return _file(text, "application/json", "inbound-rules.json")

    def _exported(self, request: HttpRequest, queryset: QuerySet[InboundRule]) -> list[InboundRule]:
        """Load the rules with all that a file says of them, and note who took them."""
        rows = queryset.select_related("tenant", "trunk", "schedule").order_by("order", "pk")
        rules = list(rows.prefetch_related("schedule__hours"))
        trail.exported(request, self.opts.verbose_name_plural)
        return rules

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write the destinations, and warn of a rule that does not do what it seems to."""
        super().save_related(request, form, formsets, change)
        form.save_targets()
        rule = form.instance
        for trouble in dead_rules.look([rule]).get(rule.pk, []):
            messages.warning(request, f"{rule.name}: {trouble.words}")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Suggest the tenant's extensions and groups, and say what is wrong."""
        tenant = self.working_tenant(request, row)
        extensions = Extension.objects.filter(tenant=tenant).values_list("number", "name")
        groups = Group.objects.filter(tenant=tenant).values_list("number", "name")
        whose = {"rule": row.pk} if row else {"tenant": tenant.pk if tenant else ""}
        return {
            **super().page_context(request, row),
            "targets": [*extensions[:OFFERED], *groups[:OFFERED]],
            "unrouted": UNROUTED,
            "troubles": dead_rules.look([row]).get(row.pk) if row else None,
            "tenant": tenant,
            "read": f"{reverse('admin:portal_inboundrule_read')}?{urlencode(whose)}",
        }


def _destination(rule: InboundRule, one: Destination) -> str:
    """Write when and where to; a range with both its ends."""
    if one.kind != Destination.Kind.RANGE:
        return str(one)
    ends = write_target(one, e164.range_size(rule.did_first, rule.did_last))
    return f"{one.get_when_display()}: {ends}"


def _file(text: str, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type=content_type, headers=headers)

"""The quarantine, and every other webhook request as it was received."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from portal.admin import trail
from portal.admin.acts import Act, ActFailed
from portal.admin.fence import ADMIN, is_system, own_tenant_id, visible
from portal.admin.filters import ScopedRelatedFilter, TenantFilter
from portal.admin.keyset import KeysetAdmin
from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from providers.exchange import redactor
from sms import intake
from sms.admin import quarantine, remedy
from sms.admin.period import PeriodFilter
from sms.models import Message, ProviderEvent, RefusedCount

BROUGHT = 50  # messages of one request that are listed
SHOWN = 16 * 1024  # bytes of a body
State, Reason = ProviderEvent.State, ProviderEvent.Reason
COLOURS = {State.DONE.value: "success", State.DUE.value: "info", State.QUARANTINED.value: "warning"}


def can_release(event: ProviderEvent) -> bool:
    """Say whether processing an event again makes sense."""
    return event.state == State.QUARANTINED and event.reason != Reason.REFUSED


def release(page: Any, request: HttpRequest, event: ProviderEvent) -> str:
    """Process one event again."""
    if not can_release(event) or not intake.release(event):
        raise ActFailed(_("This event is not in quarantine, or was refused and stays out."))
    page.note(request, "released", event)
    return _("The event is being processed again.")


class StateFilter(admin.SimpleListFilter):
    """Shows the quarantine unless somebody asks for more."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Offer the states, and everything."""
        del request, model_admin
        others = [choice for choice in State.choices if choice[0] != State.QUARANTINED]
        return [*others, ("all", gettext_lazy("all"))]

    def choices(self, changelist: Any) -> Any:
        """Call the first one what it is."""
        for choice in super().choices(changelist):
            first = choice["query_string"] == changelist.get_query_string(
                remove=[self.parameter_name]
            )
            yield {**choice, "display": State.QUARANTINED.label} if first else choice

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProviderEvent]
    ) -> QuerySet[ProviderEvent]:
        """Take the quarantine by default."""
        del request
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or State.QUARANTINED)


@admin.register(ProviderEvent, site=site)
class ProviderEventAdmin(KeysetAdmin[ProviderEvent]):
    """Events are read, and released from quarantine.

    A request that came over a shared trunk may hold other tenants' texts: its content is shown to
    the system administrator only.
    """

    dated = "received_at"
    indexed_filters = (TenantFilter, PeriodFilter, StateFilter)
    list_before_template = "admin/quarantine.html"
    change_form_outer_before_template = "admin/remedy.html"
    list_display = ("received_at", "trunk", "condition", "reason", "gist", "address")
    list_filter = (
        StateFilter,
        ("received_at", PeriodFilter),
        ("reason", ChoicesDropdownFilter),
        ("trunk", ScopedRelatedFilter),
    )
    list_select_related = ("trunk",)
    search_fields = ("detail", "trunk__name")
    actions = ("release_selected",)
    acts = (Act("release", gettext_lazy("Process again"), release, fits=can_release),)

    def get_urls(self) -> list[Any]:
        """Give the release of many an address."""
        view = self.admin_site.admin_view(self.again_view)
        return [path("again/", view, name="sms_providerevent_again"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the quarantine at a glance above its events."""
        whole = not set(request.GET) - {"e"} and self.has_view_permission(request)
        found = quarantine.heaps(self.get_queryset(request)) if whole else []
        for heap in found:
            heap.remedy = self.remedy_of(request, heap.latest)
            heap.may_release = can_release(heap.latest) and self.may_act(request, heap.latest)
        answer: HttpResponse = super().changelist_view(
            request, {**(extra_context or {}), "heaps": found}
        )
        return answer

    def again_view(self, request: HttpRequest) -> HttpResponse:
        """Process all events of one trunk and reason again, after a question."""
        trunk, reason = (request.GET.get(f"{name}__exact", "") for name in ("trunk__id", "reason"))
        rows = self.get_queryset(request).filter(
            state=State.QUARANTINED,
            reason=reason,
            trunk_id=int(trunk) if trunk.isdecimal() and len(trunk) <= 18 else 0,
        )
        latest = rows.select_related("trunk").first()
        if latest is None or not can_release(latest):
            raise Http404
        if not self.may_act(request, latest):
            raise PermissionDenied
        back = reverse("admin:sms_providerevent_changelist")
        if request.method != "POST":
            question = _(
                "All requests of %(trunk)s are processed again that are here because: %(why)s"
            )
            words = {"trunk": latest.trunk, "why": latest.get_reason_display()}
            act = Act("again", _("Process all again"), question=question % words)
            context = {**self.act_context(request, latest, act.label), "act": act, "back": back}
            return TemplateResponse(request, "admin/act.html", context)
        count = intake.release_all(rows)
        trail.record(
            request,
            "released",
            latest.trunk,
            tenant_id=latest.trunk.tenant_id or own_tenant_id(request),
            detail={"reason": reason, "events": count},
        )
        messages.success(request, _("Being processed again: %(count)d.") % {"count": count})
        return HttpResponseRedirect(back)

    def sees_detail(self, request: HttpRequest, event: ProviderEvent) -> bool:
        """Say whether the person may see what a request held: a shared trunk's may be others'."""
        return event.trunk.tenant_id is not None or is_system(request)

    def remedy_of(self, request: HttpRequest, event: ProviderEvent) -> remedy.Remedy:
        """Return what helps the event, as far as the person may know and do it."""
        return remedy.of(
            event,
            may_fix=self._may(request, ADMIN, event),
            sees_detail=self.sees_detail(request, event),
        )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Say what is wrong and what helps, and name the messages that the request brought."""
        held = row.state == State.QUARANTINED
        brought = visible(request, Message.objects.filter(event=row)).defer("history")
        return {
            **super().page_context(request, row),
            "remedy": self.remedy_of(request, row) if held else None,
            "brought": brought.order_by("pk")[:BROUGHT],
        }

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderEvent]:
        """Lists do not need the content."""
        return super().get_queryset(request).defer("body", "headers", "query")

    def get_search_fields(self, request: HttpRequest) -> Any:
        """Search what the person may see: details may name others' numbers."""
        return super().get_search_fields(request) if is_system(request) else ("trunk__name",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the content to its owner."""
        facts = ("received_at", ("trunk", "address"), ("state", "reason"))
        if obj is not None and not self.sees_detail(request, obj):
            return ((None, {"fields": (*facts, "withheld")}),)
        content = ("method", "asked", "head", "content")
        return (
            (None, {"fields": (*facts, "detail", "tries")}),
            (_("As received"), {"fields": content}),
        )

    @admin.display(description=gettext_lazy("query"))
    def asked(self, event: ProviderEvent) -> str:
        """Write the query; some providers repeat our own secrets."""
        return redactor(event.trunk.secrets)(event.query)

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Let administrators release; to insist on repeats of a shared trunk is the system's."""
        if not self._may(request, ADMIN, row):
            return False
        shared = row.trunk.tenant_id is None
        return is_system(request) or not (shared and row.reason == Reason.REPEATED)

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Let administrators release."""
        return self._may(request, ADMIN, None)

    @admin.action(description=gettext_lazy("Process again"), permissions=["release"])
    def release_selected(self, request: HttpRequest, queryset: QuerySet[ProviderEvent]) -> None:
        """Process several again."""
        done = 0
        for event in queryset.select_related("trunk"):
            if self.may_act(request, event) and can_release(event) and intake.release(event):
                self.note(request, "released", event)
                done += 1
        messages.success(request, _("Being processed again: %(count)d.") % {"count": done})

    @display(description=gettext_lazy("state"), label=COLOURS)  # type: ignore[untyped-decorator] # unfold carries no types
    def condition(self, event: ProviderEvent) -> tuple[str, str]:
        """Show the state in its colour."""
        return event.state, event.get_state_display()

    @admin.display(description=gettext_lazy("detail"), empty_value="")
    def gist(self, event: ProviderEvent) -> str:
        """Show how the detail begins, except over a shared trunk, where it may be others'."""
        return Truncator(event.detail).chars(80) if event.trunk.tenant_id else ""

    @admin.display(description=gettext_lazy("content"))
    def withheld(self, event: ProviderEvent) -> str:
        """Say why there is nothing to see."""
        del event
        return _("It came over a shared trunk; only the system administrator sees it.")

    @admin.display(description=gettext_lazy("headers"))
    def head(self, event: ProviderEvent) -> str:
        """Write the headers, one a line."""
        lines = ((name, value) for name, value in sorted(event.headers.items()))
        return format_html_join("", '<div class="anywhere">{}: {}</div>', lines)

    @admin.display(description=gettext_lazy("body"))
    def content(self, event: ProviderEvent) -> str:
        """Write the body as text, however long it is."""
        body = bytes(event.body)
        cut = _("(cut; %(size)d bytes in all)") % {"size": len(body)} if len(body) > SHOWN else ""
        text = redactor(event.trunk.secrets)(body[:SHOWN].decode(errors="replace"))
        return format_html('<pre class="anywhere">{}</pre>{}', text, cut)


@admin.register(RefusedCount, site=site)
class RefusedCountAdmin(ReadOnlyAdmin[RefusedCount]):
    """How many requests were refused, a day and a trunk."""

    readers = ADMIN
    outlives = False
    tenant_path = "trunk__tenant"
    list_display = ("day", "trunk", "count", "last_reason")
    list_filter = (("trunk", ScopedRelatedFilter),)
    list_select_related = ("trunk",)

    def tenant_id_of(self, row: Any) -> int | None:
        """Return whose trunk it is."""
        found: int | None = row.trunk.tenant_id
        return found

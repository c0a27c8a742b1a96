"""The message log: what was said, what became of it, and every call that was made for it."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, TextFilter
from unfold.decorators import display

from portal import e164
from portal.admin import trail
from portal.admin.acts import Act
from portal.admin.fence import ADMIN, is_system, own_tenant_id
from portal.admin.filters import ScopedRelatedFilter, TenantFilter
from portal.admin.keyset import KeysetAdmin, KeysetChangeList
from portal.admin.site import site
from portal.models import Extension, Tenant
from sms.admin import again, export, finding, timeline
from sms.admin.filters import CodeFilter, OutcomeFilter
from sms.admin.period import PeriodFilter
from sms.models import Attempt, Message, State

COLOURS = {
    State.DELIVERED.value: "success",
    State.RECEIVED.value: "success",
    State.SENT.value: "info",
    State.ACCEPTED.value: "info",
    State.UNCONFIRMED.value: "warning",
    State.HELD.value: "warning",
    State.FAILED.value: "danger",
    State.UNDELIVERED.value: "danger",
}


class ExtensionFilter(TextFilter):  # type: ignore[misc] # unfold carries no types
    """What an extension wrote, and what came to it, by its number."""

    title = _("extension")
    parameter_name = "extension"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        """Keep to the conversations of the extension, and what it wrote in others."""
        number = (self.value() or "").strip()
        if not number:
            return queryset
        ids = list(
            Extension.objects.filter(
                tenant_id__in=_scope(request).tenants, number=number
            ).values_list("pk", flat=True)
        )
        return queryset.filter(Q(extension_id__in=ids) | Q(conversation__extension_id__in=ids))


class MessageChangeList(KeysetChangeList):
    """Searches by numbers and ids through their indexes, by words in so many rows at a time."""

    busy: tuple[str, ...] = ()

    def known(self, request: HttpRequest) -> tuple[list[int], int | None] | None:
        """Find by id, else by number; leave words, and our busy numbers, to the look."""
        scope = _scope(request)
        named = finding.by_id(scope, self.root_queryset, self.query)
        if named:
            return named, None
        numbers = finding.spellings(self.query, scope)
        threads = finding.threads(scope, numbers)
        if len(threads) > finding.BUSY:
            self.busy = tuple(numbers)
        if not threads or self.busy:
            return None
        ids = finding.of_threads(threads, before=self.before, after=self.after)
        return ids, ids[-1] if len(ids) == finding.MOST else None

    def searched(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Look for a busy number, else for words."""
        if self.busy:
            return rows.filter(Q(sender__in=self.busy) | Q(recipient__in=self.busy))
        return rows.filter(finding.holding(self.query.strip()))


def _scope(request: HttpRequest) -> finding.Scope:
    """Return the tenants whose messages the person may search, or has chosen."""
    tenants = Tenant.objects.all()
    chosen = request.GET.get("tenant__id__exact", "")
    if not is_system(request):
        tenants = tenants.filter(pk=own_tenant_id(request) or 0)
    elif chosen.isdecimal():
        tenants = tenants.filter(pk=chosen)
    found = dict(tenants.values_list("pk", "country"))
    return finding.Scope(tenants=list(found), countries=found.values())


def _numbers(joined: str) -> str:
    """Write numbers as people read them, each on one line."""
    numbers = ((e164.pretty(number),) for number in joined.split(";"))
    return format_html_join(", ", '<span class="whitespace-nowrap">{}</span>', numbers)


@admin.register(Message, site=site)
class MessageAdmin(KeysetAdmin[Message]):
    """Messages are read, sent again, and taken along as a table."""

    dated = "created_at"
    indexed_filters = (TenantFilter, PeriodFilter)
    list_display = ("created_at", "way", "from_whom", "to_whom", "start", "condition", "who")
    list_filter = (
        ("created_at", PeriodFilter),
        ("direction", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("trunk", ScopedRelatedFilter),
        OutcomeFilter,
        CodeFilter,
        ExtensionFilter,
    )
    list_select_related = (
        "trunk", "extension", "conversation__extension", "conversation__group"
    )  # fmt: skip
    search_fields = ("text",)
    search_help_text = _("Number, provider's id, or words")
    fieldsets = (
        (None, {"fields": (("direction", "state"), ("sender", "recipient"), "text", "error")}),
        (
            _("Details"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("trunk", "extension"),
                    ("encoding", "segments"),
                    ("provider_id", "error_code"),
                    ("reference", "conversation"),
                    "created_at",
                ),
            },
        ),
    )
    change_form_outer_after_template = "admin/message_timeline.html"
    acts = (
        Act(
            "again",
            _("Send again"),
            again.send,
            _("The text goes out once more, as a new message of the same extension."),
            fits=again.ended_badly,
        ),
        Act(
            "again-in-doubt",
            _("Send again"),
            again.send,
            _(
                "Nobody knows whether this text was sent: the provider may have taken it, and the "
                "recipient may have it already. Sent again, it may arrive twice."
            ),
            fits=again.is_in_doubt,
        ),
    )

    def get_urls(self) -> list[Any]:
        """Give the table an address."""
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="sms_message_export"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        """Search by numbers and ids, too."""
        return MessageChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Lists do not need the history."""
        return super().get_queryset(request).defer("history")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        """Offer no messages while somebody types: no form asks for one."""
        typing = request.path == reverse("admin:autocomplete")
        return (queryset.none() if typing else queryset), False

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Let administrators send again."""
        return self._may(request, ADMIN, row)

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """Hand out all messages of the current filter as a table, and note who took it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = cast("MessageChangeList", self.get_changelist_instance(request))
        except IncorrectLookupParameters as error:
            raise Http404 from error
        asked = {name: value[:200] for name, value in request.GET.items() if value}
        trail.exported(request, self.opts.verbose_name_plural, asked)
        table = export.table(rows.every(request), timezone.get_current_timezone())
        name = f"messages-{timezone.localdate():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            table,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Add the message's way, from the first byte to the last reader."""
        return {**super().page_context(request, row), "moments": timeline.of(row, request)}

    @admin.display(description=_("direction"))
    def way(self, message: Message) -> str:
        """Show the direction with its arrow."""
        return f"{timeline.arrow(message)} {message.get_direction_display()}"

    @admin.display(description=_("from"))
    def from_whom(self, message: Message) -> str:
        """Write the sender as people read numbers."""
        return _numbers(message.sender)

    @admin.display(description=_("to"))
    def to_whom(self, message: Message) -> str:
        """Write the recipients as people read numbers."""
        return _numbers(message.recipient)

    @admin.display(description=_("text"))
    def start(self, message: Message) -> str:
        """Show how the text begins."""
        return Truncator(message.text).chars(60)

    @display(description=_("state"), label=COLOURS)  # type: ignore[untyped-decorator] # unfold carries no types
    def condition(self, message: Message) -> tuple[str, str]:
        """Show the state in its colour."""
        return message.state, message.get_state_display()

    @admin.display(description=_("extension"), empty_value="-")
    def who(self, message: Message) -> str | None:
        """Name who wrote it, or whose conversation it came into."""
        talk = message.conversation
        found = message.extension or talk.extension or talk.group
        return str(found) if found else None


@admin.register(Attempt, site=site)
class AttemptAdmin(KeysetAdmin[Attempt]):
    """Calls to providers are only read."""

    dated = "started_at"
    indexed_filters = (TenantFilter, PeriodFilter)
    list_display = ("started_at", "message", "outcome", "code", "detail")
    list_filter = (("started_at", PeriodFilter), ("outcome", ChoicesDropdownFilter))
    list_select_related = ("message",)
    search_fields = ("code", "detail")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a shared trunk's exchange from everybody else."""
        facts = ("message", "trunk", "started_at", "ended_at", "outcome", "code", "detail")
        shared = obj is None or obj.trunk is None or obj.trunk.tenant_id is None
        return facts if shared and not is_system(request) else (*facts, "request", "response")

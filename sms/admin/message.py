"""The message log: what was said, what became of it, and every call that was made for it."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from portal.admin.fence import is_system
from portal.admin.filters import ScopedRelatedFilter
from portal.admin.scoped import ReadOnlyAdmin, ReadOnlyInline
from portal.admin.site import site
from sms.admin.filters import CodeFilter, OutcomeFilter
from sms.admin.period import PeriodFilter
from sms.models import Attempt, MediaFile, Message, State

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


def exchange(request: HttpRequest, attempt: Attempt, text: str) -> str:
    """Return a redacted exchange; one over a shared trunk is the system administrator's only."""
    shared = attempt.trunk is None or attempt.trunk.tenant_id is None
    if shared and not is_system(request):
        return str(_("Went over a shared trunk; only the system administrator sees it."))
    return text


class MediaInline(ReadOnlyInline):
    """The attachments."""

    model = MediaFile
    fields = ("name", "content_type", "size", "state", "error")
    exclude = None


@admin.register(Message, site=site)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """Messages are only read."""

    list_display = (
        "created_at", "direction", "sender", "recipient", "start", "condition", "trunk", "extension"
    )  # fmt: skip
    list_filter = (
        ("created_at", PeriodFilter),
        ("direction", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("trunk", ScopedRelatedFilter),
        OutcomeFilter,
        CodeFilter,
    )
    list_select_related = ("trunk", "extension")
    search_fields = ("sender", "recipient", "text", "provider_id")
    fieldsets = (
        (None, {"fields": (("direction", "state"), ("sender", "recipient"), "text")}),
        (_("What became of it"), {"fields": ("error", "error_code", "course")}),
        (
            _("Details"),
            {
                "fields": (
                    ("trunk", "extension"),
                    ("encoding", "segments"),
                    ("provider_id", "reference"),
                    ("conversation", "request_received"),
                    "created_at",
                )
            },
        ),
    )
    inlines = (MediaInline,)
    change_form_outer_after_template = "admin/message_attempts.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """Lists do not need the history."""
        return super().get_queryset(request).defer("history")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Add the calls that were made for the message, without secrets."""
        attempts = [
            {
                "attempt": attempt,
                "sent": exchange(request, attempt, attempt.request),
                "answered": exchange(request, attempt, attempt.response),
            }
            for attempt in row.attempts.select_related("trunk")
        ]
        return {**super().page_context(request, row), "attempts": attempts}

    @admin.display(description=_("text"))
    def start(self, message: Message) -> str:
        """Show how the text begins."""
        return Truncator(message.text).chars(60)

    @display(description=_("state"), ordering="state", label=COLOURS)  # type: ignore[untyped-decorator] # unfold carries no types
    def condition(self, message: Message) -> tuple[str, str]:
        """Show the state in its colour."""
        return message.state, message.get_state_display()

    @admin.display(description=_("history"))
    def course(self, message: Message) -> str:
        """Lay out every transition with its time."""
        lines = [
            {**line, "at": datetime.fromisoformat(line["at"]), "word": _word(line["state"])}
            for line in message.history
        ]
        return render_to_string("admin/message_history.html", {"lines": lines})

    @admin.display(description=_("webhook request"))
    def request_received(self, message: Message) -> str:
        """Link to the event that brought it."""
        if message.event_id is None:
            return ""
        url = reverse("admin:sms_providerevent_change", args=[message.event_id])
        return format_html('<a class="text-link" href="{}">#{}</a>', url, message.event_id)


def _word(state: str) -> str:
    return str(State(state).label) if state in State.values else state


@admin.register(Attempt, site=site)
class AttemptAdmin(ReadOnlyAdmin[Attempt]):
    """Calls to providers are only read."""

    list_display = ("started_at", "message", "outcome", "code", "detail")
    list_filter = (("started_at", RangeDateTimeFilter), ("outcome", ChoicesDropdownFilter))
    list_select_related = ("message",)
    search_fields = ("message__recipient", "code", "detail")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep a shared trunk's exchange from everybody else."""
        facts = ("message", "trunk", "started_at", "ended_at", "outcome", "code", "detail")
        shared = obj is None or obj.trunk is None or obj.trunk.tenant_id is None
        return facts if shared and not is_system(request) else (*facts, "request", "response")

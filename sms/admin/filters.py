"""Filters of the traffic's lists that other pages point at."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import TextFilter

from portal.admin.fence import is_system, own_tenant
from sms import answering
from sms.models import Conversation, Message, State

FAILED = (State.FAILED, State.UNDELIVERED)
NO_CODE = "-"


class CodeFilter(TextFilter):  # type: ignore[misc] # unfold carries no types
    """Takes the messages that failed with one code."""

    title = _("provider's code")
    parameter_name = "code"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        """Compare the whole code; a dash stands for none."""
        del request
        if not self.value():
            return queryset
        return queryset.filter(error_code="" if self.value() == NO_CODE else self.value())


class OutcomeFilter(admin.SimpleListFilter):
    """Takes the messages that came to a bad end, whichever it was."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Name it."""
        del request, model_admin
        return [("failed", _("failed or not delivered"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        """Take both states."""
        del request
        return queryset.filter(state__in=FAILED) if self.value() == "failed" else queryset


class StandingFilter(admin.SimpleListFilter):
    """Takes the conversations that somebody should look at."""

    title = _("to do")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        """Name them as the home page does."""
        del request, model_admin
        return [("unread", _("unread")), ("waiting", _("waiting for an agent"))]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        """Take the same rows that the home page counts."""
        if self.value() == "unread":
            tenant = None if is_system(request) else own_tenant(request)
            return queryset.filter(pk__in=answering.look(tenant).unread)
        return waiting(queryset) if self.value() == "waiting" else queryset


def waiting(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Return those for which no agent was free yet."""
    return conversations.filter(waiting_since__isnull=False, closed_at__isnull=True)

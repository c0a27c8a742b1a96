"""What every address of the API shares: JSON both ways, who calls, and what the caller may see."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.pagination import CursorPagination
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from portal.memory import memory
from portal.models import Extension
from sms import switchboard
from sms.api.authentication import Caller, TokenUser, caller_of
from sms.api.errors import ExtensionRequired, ExtensionUnknown, NoTenant, NotPermitted
from sms.models import Conversation, Mention, Message


class AlwaysJson(BaseContentNegotiation):
    """There is one representation; a picture's address is asked for with ``Accept: image/*``."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """Take the parser of the view."""
        del request
        return next(iter(parsers), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Take the renderer of the view."""
        del request, format_suffix
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class Json(JSONParser):
    """JSON that cannot exhaust the stack and holds real text only."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Refuse deep nesting, and half characters, which nobody could store or answer with."""
        try:
            parsed: dict[str, Any] = super().parse(stream, media_type, parser_context)
            json.dumps(parsed, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error
        except UnicodeEncodeError as error:
            raise ParseError(_("The JSON holds half of a character.")) from error
        return parsed


class Pages(CursorPagination):
    """Cursor pages, newest first; a cursor that we did not make is 404."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    ordering: tuple[str, ...] = ("-id",)

    def decode_cursor(self, request: Request) -> Any:
        """Refuse what the database could not compare."""
        cursor = super().decode_cursor(request)
        if cursor is not None and "\x00" in str(cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def paginate_queryset(
        self,
        queryset: QuerySet[Any] | Sequence[Any],
        request: Request,
        view: APIView | None = None,
    ) -> list[Any] | None:
        """Refuse a cursor of another list."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValueError, ValidationError) as error:
            raise NotFound(self.invalid_cursor_message) from error


class Door(GenericAPIView[Any]):
    """One address: the caller is known and has a tenant, the answer is JSON."""

    content_negotiation_class = AlwaysJson
    parser_classes: Sequence[type[BaseParser]] = (Json,)
    pagination_class: type[Pages] | None = Pages
    caller: Caller

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out on whose behalf the request acts."""
        memory.refresh()
        super().initial(request, *args, **kwargs)
        caller = caller_of(request)
        if caller is None:
            raise NoTenant(_("You have no tenant; messages belong to tenants."))
        self.caller = caller

    def page(
        self, queryset: QuerySet[Any], shape: type[BaseSerializer[Any]], **context: Any
    ) -> Response:
        """Answer with one page of rows."""
        rows = self.paginate_queryset(queryset) or []
        return self.get_paginated_response(shape(rows, many=True, context=context).data)

    @property
    def acts_for_tenant(self) -> bool:
        """Whether the caller is the tenant's machine or administrator, not just an onlooker."""
        user = self.request.user
        if isinstance(user, TokenUser):
            return self.caller.extension is None
        return bool(getattr(user, "is_tenant_admin", False))

    def extension(self, number: str = "") -> Extension:
        """Return the extension that acts: the caller's, or the one a tenant's token names."""
        own = self.caller.extension
        if own is not None:
            if number and number != own.number:
                raise ExtensionUnknown(_("You are extension %s.") % own.number)
            return own
        if not isinstance(self.request.user, TokenUser):
            raise NotPermitted(_("You have no extension."))
        if not number:
            raise ExtensionRequired(_("Name the extension that acts, as in “extension”: “1001”."))
        found = switchboard.extension_of(self.caller.tenant.pk, number)
        if found is None:
            raise ExtensionUnknown(_("There is no extension %s.") % number[:20])
        return found

    def conversations(self, *, own: bool = False) -> QuerySet[Conversation]:
        """Return the conversations that the caller may read; ``own`` leaves out the others'."""
        extension = self.caller.extension
        if self.caller.may_look and not (own and extension):
            return Conversation.objects.filter(tenant=self.caller.tenant)
        if extension is None:
            return Conversation.objects.none()
        return Conversation.objects.visible_to(extension)

    def messages(self, *, own: bool = False) -> QuerySet[Message]:
        """Return the messages that the caller may read, with what their shape needs."""
        if self.caller.may_look and not own:
            return self.tenant_messages()
        theirs = self.conversations(own=own).order_by().values("pk")
        return self.tenant_messages().filter(conversation__in=theirs)

    def tenant_messages(self) -> QuerySet[Message]:
        """Return the tenant's messages, for a caller who was shown to be allowed to read them."""
        rows = Message.objects.filter(tenant=self.caller.tenant)
        return rows.select_related("extension").prefetch_related(
            "media", Prefetch("mentions", Mention.objects.select_related("extension"))
        )

    def conversation(self, pk: int) -> Conversation:
        """Return one of the caller's conversations, or answer 404."""
        related = ("extension", "peer", "group", "assignee")
        return get_object_or_404(self.conversations().select_related(*related), pk=pk)

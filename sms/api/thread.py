"""The messages of one conversation, in pages both ways."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.pagination import Cursor
from rest_framework.request import Request
from rest_framework.response import Response

from sms.api.door import Door, Pages
from sms.api.serializers import REFUSALS, MessageShape, Shape, words_of
from sms.models import Message


class ThreadQuery(Shape):
    """Where in a thread to begin."""

    around = serializers.IntegerField(
        required=False,
        min_value=0,
        help_text="The id of a message: its neighbours on both sides; “next” leads to older "
        "messages, “previous” to newer ones. Of a cursor's page it changes nothing.",
    )


class ThreadPages(Pages):
    """Newest first, from the end or from a place in the middle; a cursor comes before both."""

    beginning: Cursor | None = None

    def decode_cursor(self, request: Request) -> Any:
        """Begin where the view says, unless the request goes on from another page."""
        return super().decode_cursor(request) or self.beginning

    def begin_around(self, thread: QuerySet[Message], place: int, request: Request) -> None:
        """Let the page hold as many that are newer than the place as not, where there are."""
        half = (self.get_page_size(request) or self.page_size) // 2
        newer = thread.filter(pk__gt=place).order_by("pk").values_list("pk", flat=True)
        found = list(newer[: half + 1])
        if len(found) > half:  # else the end of the thread is on the page
            # The framework compares it with a column; its stubs know integers only.
            self.beginning = Cursor(offset=0, reverse=False, position=found[half])


class ThreadView(Door):
    """The messages of one conversation."""

    pagination_class = ThreadPages

    @extend_schema(
        operation_id="conversations_messages",
        summary="List a conversation's messages, newest first",
        parameters=[ThreadQuery],
        responses={200: MessageShape(many=True), **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the thread."""
        query = words_of(ThreadQuery, self)
        self.conversation(pk)
        # The conversation was shown to be readable: no need to ask for each message again.
        thread = self.tenant_messages().filter(conversation=pk)
        if "around" in query and isinstance(self.paginator, ThreadPages):
            self.paginator.begin_around(thread, query["around"], request)
        return self.page(thread, MessageShape)

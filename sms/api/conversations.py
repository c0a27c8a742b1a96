"""Conversations: the list, one thread, and what is done with it as a whole."""

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from sms import inbox, several
from sms.api.door import Door
from sms.api.errors import NotPermitted
from sms.api.serializers import (
    REFUSALS,
    ConversationShape,
    ReadUpTo,
    body_of,
)
from sms.models import Conversation


class ConversationDoor(Door):
    """What the addresses of conversations share."""

    def dressed(self, conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
        """Add what the shape needs, so that a list costs the same however long it is."""
        related = ("extension", "peer", "group", "assignee")
        return inbox.with_unread(conversations.select_related(*related), self.caller.extension)

    def shaped(self, conversations: list[Conversation]) -> list[dict[str, object]]:
        """Return the rows as they cross the API, with the names of the numbers in them."""
        numbers = [number for row in conversations for number in row.remotes]
        reader = self.caller.extension
        names = inbox.names(self.caller.tenant, reader, numbers)
        reach = several.reach(conversations, reader, names)
        context = {"names": names, "reader": reader, "reach": reach}
        return list(ConversationShape(conversations, many=True, context=context).data)

    def answer(self, pk: int) -> Response:
        """Answer with one conversation as it is now."""
        row = get_object_or_404(self.dressed(self.conversations()), pk=pk)
        return Response(self.shaped([row])[0])


class ConversationView(ConversationDoor):
    """One conversation."""

    @extend_schema(
        operation_id="conversations_get",
        summary="Read one conversation",
        responses={200: ConversationShape, **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read who it is with and what is unread."""
        del request
        return self.answer(pk)


class ReadView(ConversationDoor):
    """How far the caller's extension has read."""

    @extend_schema(
        operation_id="conversations_read",
        summary="Mark a conversation as read",
        request=ReadUpTo,
        responses={200: ConversationShape, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Move the mark forward; an administrator who only looks on leaves none."""
        del request
        up_to = body_of(ReadUpTo, self).get("up_to")
        conversation = self.conversation(pk)
        if self.caller.extension is None:
            raise NotPermitted(_("Only an extension leaves read marks."))
        inbox.mark_read(conversation, self.caller.extension, up_to)
        return self.answer(pk)


class CloseView(ConversationDoor):
    """Put away until the next message."""

    @extend_schema(
        operation_id="conversations_close",
        summary="Close a conversation",
        request=None,
        responses={200: ConversationShape, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Close it."""
        del request
        inbox.close(self.to_change(pk))
        return self.answer(pk)

    def to_change(self, pk: int) -> Conversation:
        """Return a conversation that the caller may put away or take up."""
        conversation = self.conversation(pk)
        if self.caller.extension is None and not self.acts_for_tenant:
            raise NotPermitted(_("You may read this conversation, not change it."))
        return conversation


class ReopenView(CloseView):
    """Taken up again."""

    @extend_schema(
        operation_id="conversations_reopen",
        summary="Reopen a conversation",
        request=None,
        responses={200: ConversationShape, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Reopen it."""
        del request
        inbox.reopen(self.to_change(pk))
        return self.answer(pk)

"""The list of conversations: the latest first, narrowed, searched, and counted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from sms import inbox, search
from sms.api.conversations import ConversationDoor
from sms.api.door import Pages
from sms.api.errors import NotPermitted
from sms.api.serializers import REFUSALS, ConversationShape, Shape, words_of
from sms.models import Conversation


class MatchShape(Shape):
    """Where the words were found."""

    message = serializers.IntegerField()
    text = serializers.CharField(help_text=gettext_lazy("The part around the first of the words."))
    at = serializers.DateTimeField()


class ListedShape(ConversationShape):
    """A conversation in the list."""

    match = MatchShape(
        allow_null=True,
        help_text=gettext_lazy("The text that was found; null where the other side was."),
    )


class CountsShape(Shape):
    """What waits for the reader in all their conversations; more than 1,000 are not counted."""

    unread = serializers.IntegerField(help_text=gettext_lazy("Messages."))
    unread_conversations = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text=gettext_lazy("Conversations without an agent."))
    groups = serializers.IntegerField(help_text=gettext_lazy("Groups the reader belongs to."))


class ConversationQuery(Shape):
    """How the list of conversations is narrowed."""

    q = serializers.CharField(
        required=False,
        max_length=100,
        allow_blank=True,
        help_text=gettext_lazy(
            "A name, a number or words of a text. First come the conversations with such a party, "
            "then those with such a text, each with its newest one. A page may be empty and yet "
            "have a next one: a page looks through so many texts at the most."
        ),
    )
    filter = serializers.ChoiceField(
        choices=["mine", "groups", "unread", "waiting", "closed"], required=False
    )
    state = serializers.ChoiceField(choices=["open", "closed"], required=False)
    scope = serializers.ChoiceField(
        choices=["own", "tenant"],
        required=False,
        help_text=gettext_lazy("“own” leaves out other extensions' conversations."),
    )


class LatestFirst(Pages):
    """Pages by the last message."""

    ordering = ("-last_message_at", "-id")
    # Imported conversations may all have the same moment.
    offset_cutoff = 1_000_000


@dataclass(frozen=True)
class Mark:
    """How far a search has come: in the conversations by their parties, or in the texts."""

    is_of_parties: bool
    spot: search.Spot

    @classmethod
    def of(cls, request: Request) -> "Mark":
        """Read the mark of a request; one that we did not make is 404."""
        text = request.query_params.get(LatestFirst.cursor_query_param, "")
        if not text:
            return cls(is_of_parties=True, spot=search.START)
        try:
            is_of_parties, at, *ids = signing.loads(text, salt=cls.__name__)
        except signing.BadSignature as error:
            raise NotFound(LatestFirst.invalid_cursor_message) from error
        return cls(is_of_parties, search.Spot(datetime.fromisoformat(at), *ids))

    def link(self, request: Request) -> str:
        """Return the address of what follows."""
        at, conversation, message = self.spot
        place = [self.is_of_parties, at.isoformat(), conversation, message]
        value = signing.dumps(place, salt=type(self).__name__)
        return replace_query_param(
            request.build_absolute_uri(), LatestFirst.cursor_query_param, value
        )


class ConversationsView(ConversationDoor):
    """The collection of conversations."""

    pagination_class = LatestFirst

    @extend_schema(
        operation_id="conversations_list",
        summary="List or search conversations, the latest first",
        parameters=[ConversationQuery],
        responses={200: ListedShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List what the caller may read."""
        del request
        query = words_of(ConversationQuery, self)
        found = self.conversations(own=query.get("scope") == "own")
        if "state" in query:
            found = found.filter(closed_at__isnull=query["state"] == "open")
        if "filter" in query:
            found = inbox.narrowed(found, query["filter"], self.caller.extension)
        typed = query.get("q", "").strip()
        if typed:
            return self.searched(found, typed)
        rows = self.paginate_queryset(self.dressed(found)) or []
        return self.get_paginated_response([row | {"match": None} for row in self.shaped(rows)])

    def searched(self, readable: QuerySet[Conversation], typed: str) -> Response:
        """Answer with a page of what is found: first by the other side, then in the texts."""
        size = Pages().get_page_size(self.request) or Pages.page_size
        mark = Mark.of(self.request)
        found: list[tuple[int, search.Hit | None]] = []
        going_on: Mark | None = mark
        if mark.is_of_parties:
            found, going_on = self.parties(readable, typed, mark.spot, size)
        if going_on and not going_on.is_of_parties:
            hits, end = search.texts(
                readable, search.words(typed), after=going_on.spot, most=size - len(found)
            )
            found += [(hit.conversation, hit) for hit in hits]
            going_on = Mark(is_of_parties=False, spot=end) if end else None
        results = self.with_matches(readable, found)
        link = going_on.link(self.request) if going_on else None
        return Response({"next": link, "previous": None, "results": results})

    def parties(
        self, readable: QuerySet[Conversation], typed: str, after: search.Spot, most: int
    ) -> tuple[list[tuple[int, search.Hit | None]], Mark]:
        """Return a page of those with such a party; the last one leads on to the texts."""
        of_party = search.parties(readable, typed, self.caller.tenant, self.caller.extension)
        rows = search.below(of_party, after).values_list("pk", "last_message_at")
        page = list(rows[:most])
        if len(page) < most:
            return [(pk, None) for pk, _at in page], Mark(is_of_parties=False, spot=search.START)
        last, at = page[-1]
        spot = search.Spot(at, last, 0)
        return [(pk, None) for pk, _at in page], Mark(is_of_parties=True, spot=spot)

    def with_matches(
        self, readable: QuerySet[Conversation], found: list[tuple[int, search.Hit | None]]
    ) -> list[dict[str, Any]]:
        """Return the conversations as they cross the API, each with what was found in it."""
        rows = self.dressed(readable).in_bulk([pk for pk, _hit in found])
        shapes = {row["id"]: row for row in self.shaped(list(rows.values()))}
        return [
            shapes[pk] | {"match": MatchShape(hit).data if hit else None}
            for pk, hit in found
            if pk in shapes  # else it was taken from the reader this moment
        ]


class CountsView(ConversationDoor):
    """What waits for the caller."""

    @extend_schema(
        operation_id="conversations_counts",
        summary="Count what waits for the caller's extension",
        responses={200: CountsShape, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Count in all conversations, also those that no page has shown yet."""
        del request
        reader = self.caller.extension
        if reader is None:
            raise NotPermitted(_("Only an extension has unread messages."))
        waiting = inbox.waiting(Conversation.objects.visible_to(reader), reader)
        return Response(CountsShape(waiting).data)

"""Texts that wait for their time: kept, changed, cancelled, or sent at once after all."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sms import later
from sms.api.door import Door, Pages
from sms.api.messages import KEY, draft_from, key_of
from sms.api.serializers import (
    MAX_TEXT,
    REFUSALS,
    MediaShape,
    NewMessage,
    Refusal,
    Shape,
    body_of,
    words_of,
)
from sms.models import LaterText


class LaterShape(Shape):
    """One text and its time."""

    id = serializers.IntegerField()
    conversation = serializers.IntegerField(source="conversation_id")
    to = serializers.CharField()
    from_ = serializers.CharField(source="sender")
    text = serializers.CharField()
    at = serializers.DateTimeField(source="due_at")
    state = serializers.ChoiceField(choices=LaterText.State.choices)
    error = serializers.CharField(help_text=_("Why it was refused, in plain words."))
    message = serializers.IntegerField(source="message_id", allow_null=True)
    media = MediaShape(many=True)
    created_at = serializers.DateTimeField()


class NewLater(NewMessage):
    """What is to be sent, and when."""

    at = serializers.DateTimeField()


class LaterChange(Shape):
    """Other words, another time."""

    text = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, trim_whitespace=False
    )
    at = serializers.DateTimeField(required=False)


class LaterQuery(Shape):
    """Which of them; left out, those that wait and those that were refused."""

    conversation = serializers.IntegerField(required=False, min_value=1)
    state = serializers.ChoiceField(choices=LaterText.State.choices, required=False)
    extension = serializers.CharField(max_length=10, required=False)


class Soonest(Pages):
    """Pages by the time of sending."""

    ordering = ("due_at", "id")


class LaterTextsView(Door):
    """The collection of an extension's own texts for later."""

    pagination_class = Soonest

    @extend_schema(
        operation_id="later_list",
        summary="List texts that wait for their time, the soonest first",
        parameters=[LaterQuery],
        responses={200: LaterShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List what the caller's extension wrote."""
        del request
        query = words_of(LaterQuery, self)
        extension = self.extension(query.get("extension", ""))
        found = later.texts(self.caller.tenant).filter(extension=extension)
        if "conversation" in query:
            found = found.filter(conversation=query["conversation"])
        shown = [query["state"]] if "state" in query else ["waiting", "refused"]
        return self.page(found.filter(state__in=shown), LaterShape)

    @extend_schema(
        operation_id="later_create",
        summary="Send a message at a set time",
        parameters=[KEY],
        request=NewLater,
        responses={201: LaterShape, 409: Refusal, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Check it and keep it; everything is checked again when its time has come."""
        key = key_of(request)
        words = body_of(NewLater, self)
        row = later.keep(draft_from(self, words, key), words["at"])
        return Response(LaterShape(row).data, status=201)


class LaterTextView(Door):
    """One of them."""

    @extend_schema(
        operation_id="later_change",
        summary="Change the words or the time",
        request=LaterChange,
        responses={200: LaterShape, 409: Refusal, **REFUSALS},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change what has not gone yet."""
        del request
        row = self.row(pk)
        words = body_of(LaterChange, self)
        later.change(row, text=words.get("text"), at=words.get("at"))
        return Response(LaterShape(row).data)

    @extend_schema(
        operation_id="later_cancel",
        summary="Cancel it",
        responses={204: None, 409: Refusal, **REFUSALS},
    )
    def delete(self, request: Request, pk: int) -> Response:
        """Let it never go."""
        del request
        later.cancel(self.row(pk))
        return Response(status=204)

    def row(self, pk: int) -> LaterText:
        """Return one of the caller's own, or answer 404."""
        rows = later.texts(self.caller.tenant)
        if self.caller.extension is not None or not self.acts_for_tenant:
            rows = rows.filter(extension=self.caller.extension)
        return get_object_or_404(rows, pk=pk)


class LaterNowView(LaterTextView):
    """Its time has come earlier."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="later_send",
        summary="Send it now",
        request=None,
        responses={200: LaterShape, 409: Refusal, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Hand it over; a refusal is in the answer's state and error."""
        del request
        row = self.row(pk)
        later.send_now(row)
        return Response(LaterShape(row).data)

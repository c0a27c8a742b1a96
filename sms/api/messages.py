"""Sending, reading and looking up messages."""

from dataclasses import asdict
from typing import Any

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal import e164
from portal.models import Extension
from sms import drafts, outbound, segments
from sms.api import sending
from sms.api.authentication import TokenUser
from sms.api.door import Door
from sms.api.errors import KeyInvalid, KeyMissing
from sms.api.serializers import (
    REFUSALS,
    MessageDetail,
    MessageQuery,
    MessageShape,
    NewMessage,
    Refusal,
    Verdict,
    words_of,
)
from sms.models import Conversation, MediaFile, Message

MAX_KEY = 128
KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description=f"Made by you for one intention, up to {MAX_KEY} characters. The same key again "
    "returns the message it made, with the header `Idempotent-Replayed: true`.",
)


def key_of(request: Request) -> str:
    """Return the request's Idempotency-Key, or refuse."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise KeyMissing(_("Send an Idempotency-Key header: one new key for each text."))
    if len(key) > MAX_KEY:
        raise KeyInvalid(_("An Idempotency-Key has at most %d characters.") % MAX_KEY)
    return key


class MessagesView(Door):
    """The collection of messages."""

    @extend_schema(
        operation_id="messages_list",
        summary="List messages, newest first",
        parameters=[MessageQuery],
        responses={200: MessageShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List what the caller may read."""
        del request
        query = words_of(MessageQuery, self)
        found = self.messages(own=query.get("scope") == "own").filter(self.narrowed(query))
        return self.page(found, MessageShape)

    def narrowed(self, query: dict[str, Any]) -> Q:
        """Turn the query's words into a filter; numbers may be written in any usual way."""
        same = ("direction", "state", "conversation", "provider_id")
        wanted = Q(**{name: query[name] for name in same if name in query})
        for word, column in (("from", "sender"), ("to", "recipient")):
            if word in query:
                wanted &= Q(**{column: self.normal(query[word])})
        for word, lookup in (("since", "created_at__gte"), ("until", "created_at__lt")):
            if word in query:
                wanted &= Q(**{lookup: query[word]})
        return wanted

    def normal(self, typed: str) -> str:
        """Return a number in normal form, anything else as it is."""
        try:
            return e164.normalize(typed, self.caller.tenant.country)
        except e164.NumberInvalid:
            return typed

    @extend_schema(
        operation_id="messages_send",
        summary="Send a message",
        parameters=[KEY],
        request=NewMessage,
        responses={
            202: OpenApiResponse(MessageShape, "Kept; it will be sent, and its state shows how."),
            409: Refusal,
            **REFUSALS,
        },
    )
    def post(self, request: Request) -> Response:
        """Keep a text to be sent."""
        key = key_of(request)
        draft = draft_of(self, key)
        message = outbound.submit(draft)
        answer = Response(sending.write(message, has_media=bool(draft.media)), status=202)
        if message.replayed:
            answer["Idempotent-Replayed"] = "true"
        return answer


class MessageView(Door):
    """One message."""

    @extend_schema(
        operation_id="messages_get",
        summary="Read one message with its history",
        responses={200: MessageDetail, **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read what happened to it."""
        del request
        found = self.messages()
        if self.caller.may_look:
            found = found.prefetch_related("attempts")
        message = get_object_or_404(found, pk=pk)
        return Response(MessageDetail(message, context={"may_look": self.caller.may_look}).data)


class PreflightView(Door):
    """A send that is only tried out."""

    @extend_schema(
        operation_id="messages_preflight",
        summary="Check a message without sending it",
        request=NewMessage,
        responses={200: Verdict, 409: Refusal, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Say what would go out, or why not."""
        del request
        draft = draft_of(self, "")
        measure = segments.measure(draft.text)
        colleague = drafts.colleague_of(draft)
        if colleague:
            drafts.check_internal(draft, colleague)
            sender, recipients = draft.extension.number, colleague.number
        else:
            plan = drafts.preflight(draft)
            sender, recipients = plan.sender.value, ";".join(plan.recipients)
            measure = plan.measure
        verdict = {"allowed": True, "from_": sender, "to": recipients, **asdict(measure)}
        return Response(Verdict(verdict).data)


def draft_of(door: Door, key: str) -> drafts.Draft:
    """Read a request's body into what the flow takes."""
    return draft_from(door, sending.read(door), key)


def draft_from(door: Door, words: dict[str, Any], key: str) -> drafts.Draft:
    """Return what the words of a request ask to send."""
    extension = door.extension(words.get("extension", ""))
    by_machine = isinstance(door.request.user, TokenUser)
    conversation = None
    if "conversation" in words:
        visible = Conversation.objects.visible_to(extension)
        conversation = get_object_or_404(visible, pk=words["conversation"])
    return drafts.Draft(
        extension=extension,
        to=words.get("to", ""),
        text=words.get("text", ""),
        sender=words.get("from", ""),
        media=uploads_of(extension, words.get("media", [])),
        key=key,
        lane=Message.Lane.API if by_machine else Message.Lane.REPLY,
        conversation=conversation,
    )


def uploads_of(extension: Extension, keys: list[Any]) -> tuple[MediaFile, ...]:
    """Return the extension's uploads in the order of their ids."""
    if not keys:
        return ()
    found = MediaFile.objects.filter(
        tenant_id=extension.tenant_id, extension=extension, key__in=keys
    ).in_bulk(field_name="key")
    if len(found) != len(set(keys)):
        raise drafts.MediaRefused(_("A file is gone; add it again."))
    return tuple(found[key] for key in dict.fromkeys(keys))

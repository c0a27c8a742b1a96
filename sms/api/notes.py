"""Notes: what members write into a thread for each other, and nobody outside ever gets."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sms import drafts, notes
from sms.api.door import Door
from sms.api.errors import KeyInvalid, NoNotesHere
from sms.api.messages import MAX_KEY
from sms.api.serializers import MAX_TEXT, REFUSALS, MessageShape, Refusal, Shape, body_of
from sms.models import Conversation, Message

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Made by you for one note; the same key again returns the note it made.",
)


class NewNote(Shape):
    """What a member wants to tell the others."""

    text = serializers.CharField(
        max_length=MAX_TEXT, help_text=gettext_lazy("“@1002” calls the member of that number.")
    )
    extension = serializers.CharField(
        max_length=10,
        required=False,
        allow_blank=True,
        help_text=gettext_lazy("Who writes; for the tokens of a tenant only, and needed there."),
    )


class NotesView(Door):
    """The notes of one conversation."""

    @extend_schema(
        operation_id="conversations_note",
        summary="Add a note that only the conversation's own side sees",
        parameters=[KEY],
        request=NewNote,
        responses={201: MessageShape, 409: Refusal, **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Keep a note of somebody who may read the thread."""
        key = request.headers.get("Idempotency-Key", "").strip()
        if len(key) > MAX_KEY:
            raise KeyInvalid(_("An Idempotency-Key has at most %d characters.") % MAX_KEY)
        words = body_of(NewNote, self)
        author = self.extension(words.get("extension", ""))
        conversation = get_object_or_404(Conversation.objects.visible_to(author), pk=pk)
        if conversation.kind == Conversation.Kind.INTERNAL:
            raise NoNotesHere(_("This chat is between colleagues already: write it as a message."))
        note = notes.write(conversation, words["text"], author=author, key=key)
        wanted = (Message.Direction.NOTE, conversation.pk, words["text"])
        if (note.direction, note.conversation_id, note.text) != wanted:
            raise drafts.KeyReused(
                _("This Idempotency-Key was used for another text; make a new one.")
            )
        return Response(MessageShape(note).data, status=201)

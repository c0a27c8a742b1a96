"""The shapes that cross the API, both ways."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal import e164
from portal.models import Extension
from sms import advice
from sms.api.door import Door
from sms.api.people import ExtensionShape, GroupShape, MentionShape
from sms.api.reach import ReachField
from sms.models import Attempt, Conversation, MediaFile, Message, State

MAX_TEXT = 10_000  # what is too long for a provider is refused later, with its own code


class Shape(serializers.Serializer[Any]):
    """A serializer whose field may be called ``from``: a trailing underscore is dropped."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields under the names that cross the API."""
        return {name.removesuffix("_"): field for name, field in super().get_fields().items()}


class Refusal(Shape):
    """Why a request was not taken."""

    code = serializers.CharField(help_text=_("Stable, for programs."))
    detail = serializers.CharField(help_text=_("For people."))
    # Called "fields" outside; inside, the name is the serializer's own.
    fields_ = serializers.DictField(
        required=False, help_text=_("Each field that is wrong, where the code is invalid.")
    )


REFUSALS = dict.fromkeys((400, 401, 403, 404), Refusal)  # what any address may answer


class MediaShape(Shape):
    """One attachment."""

    id = serializers.UUIDField(source="key")
    name = serializers.CharField()
    content_type = serializers.CharField()
    size = serializers.IntegerField()
    url = serializers.SerializerMethodField()
    state = serializers.ChoiceField(choices=MediaFile.State.choices)

    def get_url(self, media: MediaFile) -> str:
        """Return where the file is, for those who may read its conversation."""
        return f"/api/v1/media/{media.key}"


class MessageShape(Shape):
    """One message, in either direction or between two extensions."""

    id = serializers.IntegerField()
    reference = serializers.UUIDField()
    conversation = serializers.IntegerField(source="conversation_id")
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    state = serializers.ChoiceField(choices=State.choices)
    from_ = serializers.CharField(source="sender")
    to = serializers.CharField(
        source="recipient", help_text=_("Several numbers of a group thread are joined with ;.")
    )
    text = serializers.CharField()
    segments = serializers.IntegerField()
    encoding = serializers.CharField()
    provider_id = serializers.CharField()
    error = serializers.CharField(help_text=_("What went wrong, in plain words."))
    error_code = serializers.CharField(help_text=_("What went wrong, in the provider's code."))
    advice = serializers.SerializerMethodField(help_text=_("The next step, where one is needed."))
    created_at = serializers.DateTimeField()
    extension = serializers.SerializerMethodField()
    author = ExtensionShape(source="extension", allow_null=True)
    automatic = serializers.BooleanField(source="is_automatic")
    media = MediaShape(many=True)
    mentions = MentionShape(many=True, help_text=_("Whom a note calls."))

    def get_advice(self, message: Message) -> str:
        """Return what its writer can do about its trouble."""
        return advice.of(message)

    def get_extension(self, message: Message) -> str | None:
        """Return the number of the extension that wrote it."""
        return message.extension.number if message.extension else None


class TransitionShape(Shape):
    """One line of a message's history."""

    state = serializers.ChoiceField(choices=State.choices)
    at = serializers.DateTimeField()
    note = serializers.CharField(default="")


class AttemptShape(Shape):
    """One call to the provider, without what was said."""

    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(choices=Attempt.Outcome.choices)
    code = serializers.CharField()
    detail = serializers.CharField()


class MessageDetail(MessageShape):
    """One message with everything that happened to it."""

    history = TransitionShape(many=True)
    attempts = serializers.SerializerMethodField()

    @extend_schema_field(AttemptShape(many=True, allow_null=True))
    def get_attempts(self, message: Message) -> list[dict[str, Any]] | None:
        """Return the calls, null for a caller who may not see them."""
        if not self.context.get("may_look"):
            return None
        return list(AttemptShape(message.attempts.all(), many=True).data)


class NewMessage(Shape):
    """What a caller wants to send."""

    to = serializers.CharField(
        max_length=255,
        required=False,
        allow_blank=True,
        help_text=_("A number in any usual writing, or a colleague's extension."),
    )
    text = serializers.CharField(
        max_length=MAX_TEXT, required=False, allow_blank=True, trim_whitespace=False
    )
    from_ = serializers.CharField(
        max_length=40,
        required=False,
        allow_blank=True,
        help_text=_("One of the caller IDs; left out, the conversation's or the default one."),
    )
    media = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        max_length=20,
        help_text=_("Ids of uploads."),
    )
    conversation = serializers.IntegerField(
        required=False, min_value=1, help_text=_("Answer here; “to” may be left out.")
    )
    extension = serializers.CharField(
        max_length=10,
        required=False,
        allow_blank=True,
        help_text=_("Which extension sends; for the tokens of a tenant only, and needed there."),
    )


class Verdict(Shape):
    """What would go out."""

    allowed = serializers.BooleanField()
    from_ = serializers.CharField(source="from_")
    to = serializers.CharField()
    encoding = serializers.CharField(help_text=_("GSM-7, UCS-2, or MMS for a group text."))
    segments = serializers.IntegerField()
    units = serializers.IntegerField()
    left = serializers.IntegerField(help_text=_("Units still free in the last segment."))
    culprit = serializers.CharField(help_text=_("The first character that GSM-7 lacks."))


class MessageQuery(Shape):
    """How a list of messages is narrowed."""

    direction = serializers.ChoiceField(choices=Message.Direction.choices, required=False)
    state = serializers.ChoiceField(choices=State.choices, required=False)
    from_ = serializers.CharField(required=False, max_length=40)
    to = serializers.CharField(required=False, max_length=255)
    conversation = serializers.IntegerField(required=False, min_value=1)
    provider_id = serializers.CharField(required=False, max_length=128)
    since = serializers.DateTimeField(required=False, help_text=_("Created then or later."))
    until = serializers.DateTimeField(required=False, help_text=_("Created before."))
    scope = serializers.ChoiceField(
        choices=["own", "tenant"],
        required=False,
        help_text=_("“own” leaves out other extensions' messages that an administrator may see."),
    )


class Party(Shape):
    """Somebody on the remote side."""

    number = serializers.CharField()
    pretty = serializers.CharField(help_text=_("As people write it."))
    name = serializers.CharField(help_text=_("Of the contact; empty for a stranger."))


class ConversationShape(Shape):
    """One thread. Its context holds ``names`` of numbers and the ``reader``."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Conversation.Kind.choices)
    state = serializers.SerializerMethodField()
    title = serializers.SerializerMethodField()
    remotes = serializers.SerializerMethodField()
    our_number = serializers.CharField()
    our_pretty = serializers.SerializerMethodField()
    answerable = serializers.SerializerMethodField()
    reach = ReachField()
    extension = ExtensionShape(allow_null=True)
    group = GroupShape(allow_null=True)
    assignee = ExtensionShape(allow_null=True)
    waiting_since = serializers.DateTimeField(allow_null=True)
    answer_by = serializers.DateTimeField(
        source="limit",
        allow_null=True,
        help_text=_("When the agent loses it unless somebody has answered; null where never."),
    )
    closed_at = serializers.DateTimeField(allow_null=True)
    last_message_at = serializers.DateTimeField()
    last_text = serializers.CharField()
    unread = serializers.IntegerField()
    called = serializers.BooleanField(help_text=_("Whether it waits for the reader by name."))
    read_to = serializers.IntegerField(default=0, help_text=_("The last message that was read."))

    @extend_schema_field(serializers.ChoiceField(choices=["open", "closed"]))
    def get_state(self, conversation: Conversation) -> str:
        """Say whether somebody put it away."""
        return "closed" if conversation.closed_at else "open"

    def get_our_pretty(self, conversation: Conversation) -> str:
        """Return our number as people write it."""
        return e164.pretty(conversation.our_number)

    def get_answerable(self, conversation: Conversation) -> bool:
        """Say whether a text can go back; words are one-way."""
        internal = conversation.kind == Conversation.Kind.INTERNAL
        return internal or all(map(e164.can_be_answered, conversation.remotes))

    @extend_schema_field(Party(many=True))
    def get_remotes(self, conversation: Conversation) -> list[dict[str, str]]:
        """Return everybody on the other side of the reader."""
        if conversation.kind == Conversation.Kind.INTERNAL:
            return [
                {"number": side.number, "pretty": side.number, "name": side.name}
                for side in (conversation.extension, conversation.peer)
                if side and side != self._reader
            ]
        names = self.context.get("names", {})
        return [
            {"number": number, "pretty": e164.pretty(number), "name": names.get(number, "")}
            for number in conversation.remotes
        ]

    def get_title(self, conversation: Conversation) -> str:
        """Return whom the thread is with: names, else numbers."""
        parties = self.get_remotes(conversation)
        return ", ".join(party["name"] or party["pretty"] for party in parties)

    @property
    def _reader(self) -> Extension | None:
        reader: Extension | None = self.context.get("reader")
        return reader


class ReadUpTo(Shape):
    """How far a conversation was read; left out, to its end."""

    up_to = serializers.IntegerField(required=False, min_value=0)


class TransferTo(Shape):
    """Who answers from now on."""

    to = serializers.CharField(max_length=10, help_text=_("The number of a member's extension."))


def words_of(request_shape: type[Shape], door: Door) -> dict[str, Any]:
    """Return the query of a request, checked."""
    form = request_shape(data=door.request.query_params)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)


def body_of(request_shape: type[Shape], door: Door) -> dict[str, Any]:
    """Return the body of a request, checked."""
    form = request_shape(data=door.request.data)
    form.is_valid(raise_exception=True)
    return dict(form.validated_data)

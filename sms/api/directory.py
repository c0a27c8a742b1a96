"""From what one can text: caller IDs and Sender IDs."""

from typing import Any

from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal import e164
from sms import media, permission
from sms.api.door import Door
from sms.api.serializers import REFUSALS, Shape, words_of


class LimitsShape(Shape):
    """What the trunk takes of files; 0 and an empty list mean that nobody knows."""

    mms = serializers.BooleanField()
    types = serializers.ListField(
        child=serializers.CharField(),
        help_text=gettext_lazy("One that ends with / means everything that begins so."),
    )
    max_files = serializers.IntegerField()
    max_file_bytes = serializers.IntegerField()
    max_total_bytes = serializers.IntegerField()


class CallerIdShape(Shape):
    """Something to send from."""

    from_ = serializers.CharField(source="value")
    pretty = serializers.SerializerMethodField()
    kind = serializers.SerializerMethodField()
    description = serializers.CharField()
    is_default = serializers.BooleanField()
    trunk = serializers.CharField(source="trunk.name")
    mms = serializers.SerializerMethodField()
    limits = serializers.SerializerMethodField()

    def get_pretty(self, sender: permission.Sender) -> str:
        """Return it as people write it."""
        return e164.pretty(sender.value)

    @extend_schema_field(serializers.ChoiceField(choices=["number", "word"]))
    def get_kind(self, sender: permission.Sender) -> str:
        """Say whether it is a number or a Sender ID, which gets no answers."""
        return "word" if sender.is_word else "number"

    def get_mms(self, sender: permission.Sender) -> bool:
        """Say whether files can be sent from it."""
        capable = sender.trunk.capable.capabilities.mms
        return bool(capable and sender.did and sender.did.mms)

    @extend_schema_field(LimitsShape)
    def get_limits(self, sender: permission.Sender) -> dict[str, Any]:
        """Return what files may be; a file is also kept here, so our own limit holds, too."""
        able = sender.trunk.capable.capabilities
        limits = {
            "mms": self.get_mms(sender),
            "types": able.media_types,
            "max_files": able.max_media,
            "max_file_bytes": min(able.max_file_bytes or media.MAX_BYTES, media.MAX_BYTES),
            "max_total_bytes": able.max_media_bytes,
        }
        return dict(LimitsShape(limits).data)


class CallerIdQuery(Shape):
    """Whose caller IDs."""

    extension = serializers.CharField(
        required=False,
        max_length=10,
        help_text=gettext_lazy("For the tokens of a tenant, and needed there."),
    )
    conversation = serializers.IntegerField(
        required=False,
        min_value=1,
        help_text=gettext_lazy("In this thread: a group's own number, too."),
    )


class CallerIdsView(Door):
    """What an extension may send from."""

    pagination_class = None

    @extend_schema(
        operation_id="caller_ids_list",
        summary="List what an extension may send from, the default first",
        parameters=[CallerIdQuery],
        responses={200: CallerIdShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List caller IDs and Sender IDs."""
        del request
        query = words_of(CallerIdQuery, self)
        extension = self.extension(query.get("extension", ""))
        thread = self.conversation(query["conversation"]) if "conversation" in query else None
        # The order in which a sender is chosen when none was named.
        found = permission.senders_in(extension, thread)
        senders = sorted(found, key=lambda sender: not sender.is_default)
        return Response(CallerIdShape(senders, many=True).data)

"""Whom an answer in a thread with several people reaches, as a field of the thread."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from sms.models import Conversation


class ReachShape(serializers.Serializer[Any]):
    """Whom an answer reaches in a thread with several people."""

    possible = serializers.BooleanField()
    why = serializers.CharField(help_text=_("Why it would reach nobody, for people."))
    people = serializers.ListField(
        child=serializers.CharField(), help_text=_("Everybody by name, else as people write it.")
    )
    alone = serializers.ListField(
        child=serializers.CharField(), help_text=_("The numbers that can be written to alone.")
    )


@extend_schema_field(ReachShape(allow_null=True))
class ReachField(serializers.Field[Any, Any, Any, Any]):
    """Null in a thread with one person. The context holds ``reach`` by thread."""

    def __init__(self) -> None:
        super().__init__(source="*", read_only=True)

    def to_representation(self, conversation: Conversation) -> dict[str, Any] | None:
        """Return whom an answer of the reader would reach."""
        reach = self.context.get("reach", {}).get(conversation.pk)
        return dict(ReachShape(reach).data) if reach else None

"""The shape of those whom a note calls by name."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class MentionShape(serializers.Serializer[Any]):
    """Somebody whom the text of a note calls, as ``@`` and the number."""

    number = serializers.CharField(source="extension.number")
    name = serializers.CharField(source="extension.name")
    assigned = serializers.BooleanField(
        help_text=_("The thread was given to this one; otherwise only called.")
    )

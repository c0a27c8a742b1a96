"""The shapes of those who take part on our side: extensions, groups, whom a note calls by name."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class ExtensionShape(serializers.Serializer[Any]):
    """A colleague or a group."""

    number = serializers.CharField()
    name = serializers.CharField()


class GroupShape(ExtensionShape):
    """A group that answers."""

    answer_within = serializers.IntegerField(help_text=_("Minutes; 0 means any time."))


class MentionShape(serializers.Serializer[Any]):
    """Somebody whom the text of a note calls, as ``@`` and the number."""

    number = serializers.CharField(source="extension.number")
    name = serializers.CharField(source="extension.name")
    assigned = serializers.BooleanField(
        help_text=_("The thread was given to this one; otherwise only called.")
    )

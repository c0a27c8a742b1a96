"""Who is there: the caller's own presence, the colleagues of the tenant, the people of a thread."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.models import Extension
from sms import presence
from sms.api.door import Door
from sms.api.errors import NotPermitted
from sms.api.people import ExtensionShape
from sms.api.serializers import REFUSALS, Shape, body_of, words_of

MOST = 100  # of the colleagues; who has more of them searches

CHOICES = Extension.Presence.choices


class PresenceShape(Shape):
    """What the extension's user chose, and what others see."""

    choice = serializers.ChoiceField(choices=CHOICES, source="extension.presence")
    presence = serializers.ChoiceField(choices=CHOICES)


class Choice(Shape):
    """What the extension's user chooses."""

    choice = serializers.ChoiceField(choices=CHOICES)


class ColleagueQuery(Shape):
    """How colleagues are searched."""

    q = serializers.CharField(
        required=False, max_length=100, help_text=gettext_lazy("In a name or number.")
    )


class ColleagueShape(ExtensionShape):
    """An extension in service, and whether its user is there."""

    presence = serializers.ChoiceField(choices=CHOICES)


class PersonShape(ColleagueShape):
    """A member who sees a group's thread."""

    is_assignee = serializers.BooleanField()


class PresenceView(Door):
    """The presence of the caller's extension."""

    @extend_schema(
        operation_id="presence_get",
        summary="Read one's own presence",
        description="Off for others as long as no push stream is open, whatever was chosen.",
        responses={200: PresenceShape, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Read it."""
        del request
        return self.answer(self.own())

    @extend_schema(
        operation_id="presence_put",
        summary="Choose one's own presence",
        request=Choice,
        responses={200: PresenceShape, **REFUSALS},
    )
    def put(self, request: Request) -> Response:
        """Choose it; threads that owe an answer leave whoever is not available."""
        del request
        choice = body_of(Choice, self)["choice"]
        extension = self.own()
        presence.choose(extension, choice)
        return self.answer(extension)

    def own(self) -> Extension:
        """Return the caller's extension as it is now, not as it is remembered."""
        if self.caller.extension is None:
            raise NotPermitted(_("Only an extension has a presence."))
        return Extension.objects.get(pk=self.caller.extension.pk)

    def answer(self, extension: Extension) -> Response:
        """Answer with what was chosen and what others see."""
        shown = {"extension": extension, "presence": presence.of(extension)}
        return Response(PresenceShape(shown).data)


def shown(extensions: QuerySet[Extension]) -> list[dict[str, Any]]:
    """Return extensions with what others see of them."""
    rows = list(extensions)
    words = presence.words(rows)
    return [{"number": row.number, "name": row.name, "presence": words[row.pk]} for row in rows]


class ColleaguesView(Door):
    """The extensions of the tenant."""

    pagination_class = None

    @extend_schema(
        operation_id="colleagues_list",
        summary=f"List or search the colleagues in service, {MOST} at most",
        parameters=[ColleagueQuery],
        responses={200: ColleagueShape(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """List them by number, the caller left out."""
        del request
        found = Extension.objects.filter(tenant=self.caller.tenant, enabled=True)
        if self.caller.extension is not None:
            found = found.exclude(pk=self.caller.extension.pk)
        words = words_of(ColleagueQuery, self).get("q", "")
        if words:
            found = found.filter(Q(name__icontains=words) | Q(number__startswith=words))
        return Response(ColleagueShape(shown(found.order_by("number")[:MOST]), many=True).data)


class PeopleView(Door):
    """The members who see a group's thread."""

    pagination_class = None

    @extend_schema(
        operation_id="conversations_people",
        summary="List the members who see a group's conversation",
        description="In the group's order; empty for a conversation that no group answers.",
        responses={200: PersonShape(many=True), **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        """List those in service."""
        del request
        conversation = self.conversation(pk)
        members = Extension.objects.filter(
            memberships__group=conversation.group_id or 0, enabled=True
        ).order_by("memberships__order", "memberships__id")
        agent = conversation.assignee
        people = [
            {**one, "is_assignee": agent is not None and one["number"] == agent.number}
            for one in shown(members)
        ]
        return Response(PersonShape(people, many=True).data)

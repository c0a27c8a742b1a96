"""What a typed number means, before anything is sent to it."""

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal import e164
from sms import drafts, switchboard
from sms.api.door import Door
from sms.api.serializers import REFUSALS, Shape, words_of


class NumberQuery(Shape):
    """A number in any usual writing, or a colleague's extension."""

    number = serializers.CharField(max_length=255)
    extension = serializers.CharField(
        required=False, max_length=10, help_text=_("For the tokens of a tenant, and needed there.")
    )


class NumberShape(Shape):
    """A number in full."""

    number = serializers.CharField(help_text=_("In normal form."))
    pretty = serializers.CharField(help_text=_("As people write it."))
    country = serializers.CharField(help_text=_("Its name; empty for short codes."))
    kind = serializers.ChoiceField(choices=["number", "short_code", "extension"])
    name = serializers.CharField(help_text=_("Of the colleague, where it is an extension."))


class NumbersView(Door):
    """How a number is read in the tenant's country."""

    @extend_schema(
        operation_id="numbers_read",
        summary="Read a typed number",
        parameters=[NumberQuery],
        responses={200: NumberShape, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Say which number it is, or why it is none."""
        del request
        query = words_of(NumberQuery, self)
        extension = self.extension(query.get("extension", ""))
        typed = query["number"].strip()
        colleague = switchboard.extension_of(extension.tenant_id, typed)
        if colleague is not None and colleague.enabled:
            found = {"number": typed, "pretty": typed, "country": "", "kind": "extension"}
            return Response(NumberShape({**found, "name": colleague.name}).data)
        number = drafts.number_of(extension, typed)
        kind = "short_code" if e164.is_short_code(number) else "number"
        found = {"number": number, "pretty": e164.pretty(number), "kind": kind, "name": ""}
        return Response(NumberShape({**found, "country": e164.country_of(number)}).data)

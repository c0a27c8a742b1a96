"""How a browser opens the stream of news."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from sms import presence, push
from sms.api.door import Door
from sms.api.serializers import REFUSALS, Shape


class StreamShape(Shape):
    """Where to listen."""

    url = serializers.URLField(help_text="For an EventSource; the token is in it.")
    token = serializers.CharField()
    channels = serializers.ListField(child=serializers.CharField())
    expires_in = serializers.IntegerField(help_text="Seconds in which the stream can be opened.")


class StreamView(Door):
    """The push stream of the caller's extension, with what its tenant hears."""

    @extend_schema(
        operation_id="events_open",
        summary="Learn how to open the push stream",
        description=(
            "Server-sent events. `event: hello` means that the stream listens: ask the API for "
            "what you missed. Each `data:` is an object with `type`, `conversation` and, for a "
            "message or its state, `message`; or, of `type` `presence`, it has `extension` and "
            "`presence`. Who opens the stream is present. `event: lost` means that news may be "
            "missing until the next hello. In silence `event: ping` comes every 15 seconds: a line "
            "without it is dead."
        ),
        responses={200: StreamShape, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        """Hand out a token for the extension's channel and its tenant's; somebody comes."""
        del request
        extension = self.extension()
        presence.arrive(extension)
        channels = [f"extension:{extension.pk}", f"tenant:{extension.tenant_id}"]
        token = push.make_token(channels)
        where = {
            "url": f"{settings.PUSH_URL}/events?token={token}",
            "token": token,
            "channels": channels,
            "expires_in": push.MAX_AGE,
        }
        return Response(StreamShape(where).data)

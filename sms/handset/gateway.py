"""Door: the pretended carrier's API, which our own workers call with the trunk's secret."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.models import Trunk
from portal.models.trunk import SANDBOX
from providers.signing import same
from sms.media import INLINE
from sms.models import HandsetFile, HandsetLine, HandsetMessage, Message

LATE = timedelta(seconds=10)
Trouble = HandsetLine.Trouble
Step = HandsetMessage.Step

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
RECEIPTS = {
    Trouble.MIXED: [Step.DELIVERED, Step.SENT],
    Trouble.SILENT: [],
}


class Carried(serializers.Serializer[dict[str, object]]):
    """One message of ours, as the sandbox adapter writes it."""

    reference = serializers.CharField(max_length=64)
    sender = serializers.CharField(max_length=16)
    to = serializers.ListField(
        child=serializers.CharField(max_length=16), allow_empty=False, max_length=9
    )
    text = serializers.CharField(allow_blank=True, trim_whitespace=False)
    media = serializers.ListField(
        child=serializers.CharField(max_length=1000), required=False, max_length=10
    )
    status_url = serializers.CharField(allow_blank=True, required=False)


class GatewayView(APIView):
    """What both addresses share: no session, only the secret."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def trunks(self, request: Request) -> list[Trunk]:
        """Return the sandbox trunks that have this secret; they are few."""
        scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not given:
            return []
        return [
            trunk
            for trunk in Trunk.objects.filter(provider=SANDBOX)
            if same(given, str(trunk.credentials.get("secret", "")))
        ]


class MessagesView(GatewayView):
    """Takes a message for the phone, with the trouble that was asked for."""

    def post(self, request: Request) -> HttpResponse:
        """Answer as a provider would."""
        trunks = self.trunks(request)
        if not trunks:
            return _error(401, "20", _("No sandbox trunk has this secret."))
        shape = Carried(data=_named(request.data))
        if not shape.is_valid():
            return _error(400, "22", f"{next(iter(shape.errors))}: {_('not readable')}")
        data = shape.validated_data
        status_url = urlsplit(data.get("status_url", ""))
        trunk = _owner(trunks, status_url.path)
        trouble = trouble_of(trunk)
        if trouble == Trouble.REJECT:
            return _error(422, "21", _("The handset refuses texts, as was chosen on its page."))
        if trouble == Trouble.BUSY:
            busy = _error(429, "23", _("The carrier is busy, as was chosen on the Handset page."))
            busy["Retry-After"] = "5"
            return busy
        now = timezone.now()
        message, *_others = HandsetMessage.objects.bulk_create(
            HandsetMessage(
                trunk=trunk,
                direction=Message.Direction.OUTBOUND,
                phone=phone,
                our_number=data["sender"],
                others=[other for other in data["to"] if other != phone],
                text=data["text"],
                media=data.get("media", []),
                reference=data["reference"],
                status_query=status_url.query[:200],
                todo=RECEIPTS.get(trouble, [Step.SENT, Step.DELIVERED]),
                todo_at=now + LATE if trouble in {Trouble.SLOW, Trouble.LATE} else now,
                shown_at=now + LATE if trouble == Trouble.SLOW else now,
                created_at=now,
            )
            for phone in data["to"]
        )
        if trouble == Trouble.LOST:
            return HttpResponse(BAD_GATEWAY, status=502)
        return Response({"id": message.key.hex}, status=201)


class AccountView(GatewayView):
    """Proves a secret."""

    def get(self, request: Request) -> Response:
        """Name the account, unless several tenants chose one secret."""
        trunks = self.trunks(request)
        if not trunks:
            return _error(401, "20", _("No sandbox trunk has this secret."))
        return Response({"name": trunks[0].name if len(trunks) == 1 else SANDBOX})


@require_safe
def file(request: HttpRequest, key: UUID) -> FileResponse:
    """Hand out a picture to whoever knows its name."""
    del request
    found = HandsetFile.objects.filter(key=key).first()
    if found is None:
        raise Http404
    attached = not INLINE.fullmatch(found.content_type)
    return FileResponse(found.file, content_type=found.content_type, as_attachment=attached)


def trouble_of(trunk: Trunk) -> Trouble:
    """Return what the carrier of this trunk does wrong at the moment."""
    line = HandsetLine.objects.filter(trunk=trunk).first()
    return Trouble(line.trouble) if line else Trouble.NONE


def _owner(trunks: list[Trunk], status_path: str) -> Trunk:
    """Of trunks with one secret, take the one whose webhook the receipts should go to."""
    for trunk in trunks:
        if f"/{trunk.webhook_token}/" in status_path:
            return trunk
    return trunks[0]


def _named(data: object) -> object:
    """Give the protocol's ``from`` a name that Python allows; one recipient is a list, too."""
    if not isinstance(data, dict):
        return data
    to = data.get("to")
    return data | {"sender": data.get("from"), "to": [to] if isinstance(to, str) else to}


def _error(status: int, code: str, detail: str) -> Response:
    return Response({"error": {"code": code, "detail": detail}}, status=status)

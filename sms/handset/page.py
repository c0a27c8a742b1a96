"""Door: the phone in the browser; who may use it, what it shows, and what it sends."""

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal import e164
from portal.models import DID, Extension, Trunk, User
from portal.models.trunk import SANDBOX
from sms import media
from sms.handset import wire
from sms.handset.gateway import trouble_of
from sms.models import HandsetFile, HandsetLine, HandsetMessage, Message

DEFAULT_NUMBER = "+12025550123"
SHOWN = 100  # messages on the screen
Shape = serializers.Serializer[dict[str, Any]]


class Key(serializers.IntegerField):
    """The key of a row."""

    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=2**63 - 1)


def trunks_of(user: object) -> QuerySet[Trunk]:
    """Return the sandbox trunks whose phone this person may hold: the own tenant's."""
    sandboxes = Trunk.objects.filter(provider=SANDBOX).select_related("tenant")
    if not isinstance(user, User):
        return sandboxes.none()
    return sandboxes if user.is_superuser else sandboxes.filter(tenant=user.tenant_id)


@require_safe
@login_required
@ensure_csrf_cookie
def page(request: HttpRequest) -> HttpResponse:
    """Show the phone of one trunk."""
    trunks = list(trunks_of(request.user))
    wanted = request.GET.get("trunk", "")
    trunk = next((one for one in trunks if str(one.pk) == wanted), trunks[0] if trunks else None)
    return render(
        request,
        "sms/handset.html",
        {
            "extension": Extension.objects.filter(user=cast("User", request.user)).first(),
            "has_handset": bool(trunks),
            "trunks": trunks,
            "trunk": trunk,
            "dids": DID.objects.filter(trunk=trunk, sms=True) if trunk else [],
            "number": e164.pretty(DEFAULT_NUMBER),
            "troubles": HandsetLine.Trouble.choices,
            "trouble": trouble_of(trunk) if trunk else "",
        },
    )


class Posted(Shape):
    """A post that our webhook accepted."""

    id = Key()
    step = serializers.ChoiceField(HandsetMessage.Step.choices)


class Look(Shape):
    """Which phone is on, and what was posted since the last look."""

    trunk = Key()
    number = serializers.CharField(max_length=40)
    posted = Posted(many=True, required=False)


class Text(Shape):
    """A text from the phone."""

    trunk = Key()
    number = serializers.CharField(max_length=40)
    did = serializers.CharField(max_length=16)
    group = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=8, required=False
    )
    text = serializers.CharField(max_length=1600, allow_blank=True, trim_whitespace=False)
    media = serializers.ListField(child=serializers.UUIDField(), max_length=10, required=False)


class Upload(Shape):
    """A picture from the phone."""

    trunk = Key()
    file = serializers.FileField()


class Choice(Shape):
    """What shall go wrong."""

    trunk = Key()
    trouble = serializers.ChoiceField(HandsetLine.Trouble.choices)


class PhoneView(APIView):
    """What every address of the phone shares: a session, and a trunk of the own tenant."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = (IsAuthenticated,)
    parser_classes: tuple[type[BaseParser], ...] = (JSONParser,)
    schema = None

    def read(self, request: Request, shape: type[Shape]) -> dict[str, Any]:
        """Return the checked fields, with the trunk itself and the number in normal form."""
        asked = shape(data=request.data)
        asked.is_valid(raise_exception=True)
        data: dict[str, Any] = asked.validated_data
        data["trunk"] = get_object_or_404(trunks_of(request.user), pk=data["trunk"])
        if "number" in data:
            data["number"] = _number(data["number"], data["trunk"])
        return data


class LookView(PhoneView):
    """What the phone shows, and what its carrier has to post."""

    def post(self, request: Request) -> Response:
        """Take note of what was posted; return the screen and the next posts."""
        data = self.read(request, Look)
        phone = HandsetMessage.objects.filter(trunk=data["trunk"], phone=data["number"])
        steps = {item["id"]: item["step"] for item in data.get("posted", [])}
        for message in phone.filter(pk__in=steps):
            message.posted(steps[message.pk])
        newest = phone.on_screen().order_by("-id")[:SHOWN]
        return Response(
            {
                "number": data["number"],
                "messages": [_shown(message) for message in reversed(newest)],
                "posts": [wire.owed(one) for one in phone.to_post().select_related("trunk")[:20]],
            }
        )


class TextsView(PhoneView):
    """Sends from the phone."""

    def post(self, request: Request) -> Response:
        """Hand a text to the carrier; return the post that brings it to our webhook."""
        data = self.read(request, Text)
        trunk: Trunk = data["trunk"]
        if not DID.objects.filter(trunk=trunk, number=data["did"]).exists():
            raise ValidationError({"did": [_("No DID of this number is on the trunk.")]})
        keys = [str(key) for key in data.get("media", [])]
        if HandsetFile.objects.filter(trunk=trunk, key__in=keys).count() != len(set(keys)):
            raise ValidationError({"media": [_("There is no such file.")]})
        if not (data["text"].strip() or keys):
            raise ValidationError({"text": [_("Write something, or add a picture.")]})
        twice = trouble_of(trunk) == HandsetLine.Trouble.TWICE
        group = dict.fromkeys(_number(raw, trunk, "group") for raw in data.get("group", []))
        others = [number for number in group if number not in {data["number"], data["did"]}]
        message = HandsetMessage.objects.create(
            trunk=trunk,
            direction=Message.Direction.INBOUND,
            phone=data["number"],
            our_number=data["did"],
            others=others,
            text=data["text"],
            media=keys,
            todo=[HandsetMessage.Step.MESSAGE],
            copies=2 if twice else 1,
        )
        HandsetMessage.objects.bulk_create(_seen_by(message, phone) for phone in others)
        return Response({"message": _shown(message), "posts": [wire.owed(message)]}, status=201)


class FilesView(PhoneView):
    """Takes a picture from the phone."""

    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> Response:
        """Keep the file where the carrier can offer it."""
        data = self.read(request, Upload)
        upload: UploadedFile[bytes] = data["file"]
        kind = media.clean_type(upload.content_type or "")
        try:
            media.check(kind, upload.size or 0)
        except media.MediaRefused as error:
            raise ValidationError({"file": [str(error)]}) from error
        kept = HandsetFile(trunk=data["trunk"], content_type=kind)
        kept.file.save("upload", ContentFile(upload.read()), save=True)
        return Response({"key": str(kept.key)}, status=201)


class TroubleView(PhoneView):
    """Chooses what goes wrong."""

    def post(self, request: Request) -> Response:
        """Keep the choice for everybody who uses this trunk."""
        data = self.read(request, Choice)
        HandsetLine.objects.update_or_create(
            trunk=data["trunk"], defaults={"trouble": data["trouble"]}
        )
        return Response({"trouble": data["trouble"]})


def _seen_by(message: HandsetMessage, phone: str) -> HandsetMessage:
    """Return what a phone wrote as another phone in its group shows it."""
    return HandsetMessage(
        trunk=message.trunk,
        direction=Message.Direction.OUTBOUND,
        phone=phone,
        our_number=message.phone,
        others=[message.our_number, *(other for other in message.others if other != phone)],
        text=message.text,
        media=_paths(message.media),
    )


def _paths(keys: list[str]) -> list[str]:
    return [f"/handset/gateway/media/{key}" for key in keys]


def _shown(message: HandsetMessage) -> dict[str, Any]:
    """Return a message as the screen shows it."""
    inbound = message.direction == Message.Direction.INBOUND
    return {
        "id": message.pk,
        "direction": message.direction,
        "our_number": message.our_number,
        "our_number_pretty": e164.pretty(message.our_number),
        "others": ", ".join(e164.pretty(number) for number in message.others),
        "text": message.text,
        "media": _paths(message.media) if inbound else message.media,
        "at": message.shown_at.isoformat(),
        "receipt": message.receipt,
    }


def _number(raw: str, trunk: Trunk, field: str = "number") -> str:
    country = trunk.tenant.country if trunk.tenant else "US"
    try:
        return e164.normalize(raw, country)
    except e164.NumberInvalid as error:
        raise ValidationError({field: [str(error)]}) from error

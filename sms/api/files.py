"""How files come in from a sender, and go out to readers and, by signed link, to providers."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from sms import media as attachments
from sms.api import ranges
from sms.api.door import Door
from sms.api.errors import FileNotKept, FileRefused
from sms.api.serializers import REFUSALS, MediaShape, Shape, body_of
from sms.models import MediaFile


class Upload(Shape):
    """A file on its way in. Its type and size are judged where it is stored."""

    file = serializers.FileField(allow_empty_file=True)
    extension = serializers.CharField(max_length=10, required=False, allow_blank=True)


class UploadView(Door):
    """Where a file is put before a message takes it."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="media_upload",
        summary="Upload a file, to be sent with a message",
        request={"multipart/form-data": Upload},
        responses={201: MediaShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Keep the file."""
        del request
        words = body_of(Upload, self)
        extension = self.extension(words.get("extension", ""))
        upload: UploadedFile[bytes] = words["file"]
        content_type = upload.content_type or ""
        try:
            attachments.check(content_type, upload.size or 0)  # before it is read into memory
            kept = attachments.store_upload(
                tenant=extension.tenant,
                extension=extension,
                name=upload.name or "",
                content_type=content_type,
                body=upload.read(),
            )
        except attachments.MediaRefused as error:
            raise FileRefused(str(error)) from error
        except attachments.NotKept as error:
            raise FileNotKept(str(error)) from error
        return Response(MediaShape(kept).data, status=201)


class CopiesView(Door):
    """The files of a message, to be sent once more."""

    @extend_schema(
        operation_id="messages_copies",
        summary="Copy a message's files into uploads of one's own",
        request=None,
        responses={201: MediaShape(many=True), **REFUSALS},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Copy what is there; a file goes into one message only."""
        del request
        message = get_object_or_404(self.messages(own=True), pk=pk)
        extension = self.extension()
        try:
            kept = [attachments.copy(file, extension=extension) for file in message.media.all()]
        except (FileNotFoundError, ValueError) as error:
            raise FileRefused(_("A file of this message is gone.")) from error
        except attachments.NotKept as error:
            raise FileNotKept(str(error)) from error
        return Response(MediaShape(kept, many=True).data, status=201)


class DownloadView(Door):
    """One file of a conversation that the caller may read."""

    @extend_schema(
        operation_id="media_download",
        summary="Download a file",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **REFUSALS},
    )
    def get(self, request: Request, key: str) -> FileResponse:
        """Hand out the file."""
        visible = Q()
        if not self.caller.may_look:
            theirs = self.conversations().order_by().values("pk")
            visible = Q(message__conversation__in=theirs)
            visible |= Q(message=None, extension=self.caller.extension)
        ready = MediaFile.objects.filter(
            tenant=self.caller.tenant, state=MediaFile.State.READY, key=key
        )
        return serve(get_object_or_404(ready.filter(visible)), request.headers.get("Range", ""))


@require_safe
def public(request: HttpRequest, token: str) -> FileResponse:
    """Hand a file to whoever has its signed link: the provider that is to send it."""
    media = attachments.by_link(token)
    if media is None:
        raise Http404(_("This link is not known or has expired."))
    return serve(media, request.headers.get("Range", ""))


def serve(media: MediaFile, wanted: str) -> FileResponse:
    """Answer with a file, in headers that keep a browser from running it in our name.

    Without a part where one is wanted, some browsers play no sound and no film.
    """
    inline = attachments.INLINE.fullmatch(media.content_type) is not None
    try:
        stored: Any = media.file.open("rb")
    except FileNotFoundError as error:
        raise Http404(_("The file is gone.")) from error
    answer = FileResponse(
        stored,
        as_attachment=not inline,
        # A name from outside must not break out of its header.
        filename="".join(char for char in media.name if char.isprintable()) or media.key.hex,
        content_type=media.content_type,
    )
    part = ranges.of(wanted, media.size)
    if part:
        ranges.cut(answer, stored, part, media.size)
    answer["Accept-Ranges"] = "bytes"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["Cache-Control"] = "private, max-age=86400, immutable"
    return answer

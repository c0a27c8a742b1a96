"""How whole address books come in and go out: vCard and CSV."""

from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal import e164
from portal.addressbook import book, table
from portal.addressbook.book import Plan, Step
from portal.addressbook.download import download
from portal.addressbook.entry import Fault
from portal.sheet import Unreadable
from sms.api.contacts import ContactDoor
from sms.api.errors import FileUnreadable
from sms.api.serializers import REFUSALS, Shape, body_of, words_of

SHOWN = 200  # lines of a preview


class ImportBody(Shape):
    """A file with contacts."""

    file = serializers.FileField(allow_empty_file=True)
    shared = serializers.BooleanField(
        required=False,
        default=False,
        help_text=gettext_lazy("Into the tenant's contacts; only its administrator or token may."),
    )
    apply = serializers.BooleanField(
        required=False,
        default=False,
        help_text=gettext_lazy("Left out: only say what it would do."),
    )


class StepShape(Shape):
    """What becomes of one contact of the file."""

    line = serializers.IntegerField(source="entry.line")
    what = serializers.ChoiceField(choices=["new", "update", "same"])
    name = serializers.CharField(source="entry.name")
    numbers = serializers.SerializerMethodField()
    changes = serializers.ListField(child=serializers.CharField())

    def get_numbers(self, step: Step) -> list[str]:
        """Return the numbers as people write them."""
        return [e164.pretty(one.number) for one in step.entry.numbers]


class FaultShape(Shape):
    """What of the file is not taken over."""

    line = serializers.IntegerField()
    name = serializers.SerializerMethodField()
    why = serializers.CharField()

    def get_name(self, fault: Fault) -> str:
        """Return whom it is about, where that could be read."""
        return fault.entry.name if fault.entry else ""


class ImportShape(Shape):
    """What a file would do, or did."""

    applied = serializers.BooleanField()
    new = serializers.IntegerField()
    update_ = serializers.IntegerField()
    same = serializers.IntegerField()
    faulty = serializers.IntegerField()
    steps = StepShape(many=True, help_text=gettext_lazy("The first of them, the changes first."))
    faults = FaultShape(many=True)
    faults_csv = serializers.CharField(
        help_text=gettext_lazy("What is not taken over, to be repaired and imported again.")
    )
    unused = serializers.ListField(
        child=serializers.CharField(), help_text=gettext_lazy("Columns that nobody asks for.")
    )


class ImportView(ContactDoor):
    """A file on its way in: looked at first, then applied."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="contacts_import",
        summary="Import contacts from vCard or CSV, or see what that would do",
        request={"multipart/form-data": ImportBody},
        responses={200: ImportShape, **REFUSALS},
    )
    def post(self, request: Request) -> Response:
        """Take over what can be, and say for each line what cannot."""
        del request
        words = body_of(ImportBody, self)
        into = self.book(shared=words["shared"])
        upload: UploadedFile[bytes] = words["file"]
        if (upload.size or 0) > book.MOST_BYTES:
            most = {"n": book.MOST_BYTES // 1_000_000}
            raise FileUnreadable(_("The file is larger than %(n)d MB. Import it in parts.") % most)
        does = book.apply if words["apply"] else book.look
        try:
            plan = does(into, upload.read())
        except Unreadable as error:
            raise FileUnreadable(str(error)) from error
        if words["apply"]:
            self.note_import(into, plan)
        return Response(ImportShape(_outcome(plan, applied=words["apply"])).data)

    def note_import(self, into: book.Book, plan: Plan) -> None:
        """Write to the audit log what others see from now on."""
        told = plan.told()
        if into.extension is None and told:
            self.note("imported contacts into", into.tenant, **told)


class ExportQuery(Shape):
    """Which contacts, and as what."""

    type = serializers.ChoiceField(choices=["vcard", "csv"], required=False, default="vcard")
    scope = serializers.ChoiceField(choices=["all", "own", "shared"], required=False, default="all")


class ExportView(ContactDoor):
    """Contacts on their way out."""

    pagination_class = None

    @extend_schema(
        operation_id="contacts_export",
        summary="Download contacts as vCard 3.0 or CSV",
        parameters=[ExportQuery],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **REFUSALS},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Hand out the file."""
        del request
        query = words_of(ExportQuery, self)
        found = self.contacts()
        if query["scope"] != "all":
            found = found.filter(extension__isnull=query["scope"] == "shared")
        return download(found, query["type"])


def _outcome(plan: Plan, *, applied: bool) -> dict[str, Any]:
    steps: Sequence[Step] = [*plan.of("update"), *plan.of("new"), *plan.of("same")]
    counts = {what: len(plan.of(what)) for what in ("new", "update", "same")}
    return {
        **counts,
        "applied": applied,
        "faulty": len(plan.faults),
        "steps": steps[:SHOWN],
        "faults": plan.faults[:SHOWN],
        "faults_csv": table.faults(plan.faults) if plan.faults else "",
        "unused": list(plan.unused),
    }

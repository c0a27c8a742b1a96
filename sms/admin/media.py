"""The admin of media files: what came with messages, and whether our copy is there."""

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from portal.admin.fence import ADMIN
from portal.admin.scoped import ReadOnlyAdmin
from portal.admin.site import site
from sms.models import MediaFile


@admin.register(MediaFile, site=site)
class MediaFileAdmin(ReadOnlyAdmin[MediaFile]):
    """Files are only listed."""

    readers = ADMIN
    list_display = ("created_at", "name", "content_type", "size", "state", "message")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_select_related = ("message",)
    search_fields = ("name", "content_type")
    fields = (
        "message", "extension", "name", ("content_type", "size"), ("state", "tries"), "error",
        "created_at",
    )  # fmt: skip

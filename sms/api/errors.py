"""Every refusal of the API in one shape: ``{"code": "...", "detail": "..."}``."""

from typing import Any

from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from sms.permission import Refused


class KeyMissing(Refused):
    """A send without an ``Idempotency-Key``."""

    code = "key_missing"


class KeyInvalid(Refused):
    """An ``Idempotency-Key`` that is too long."""

    code = "key_invalid"


class NoTenant(Refused):
    """A system administrator, who has no tenant and so no messages."""

    code = "no_tenant"
    status = 403


class ExtensionRequired(Refused):
    """The request does not say for which extension it is."""

    code = "extension_required"


class ExtensionUnknown(Refused):
    """The tenant has no such extension, or it is not the caller's."""

    code = "extension_unknown"


class NotPermitted(Refused):
    """The caller may look at this, but not do this."""

    code = "not_allowed"
    status = 403


class NoNotesHere(Refused):
    """A note in a chat that nobody outside takes part in."""

    code = "no_notes_here"


class NotAMember(Refused):
    """A transfer to somebody who does not answer this conversation."""

    code = "not_a_member"


class NotDesignated(Refused):
    """A transfer by somebody who is not the designated agent."""

    code = "not_designated"
    status = 403


class NotWaiting(Refused):
    """A conversation that somebody answers already cannot be taken."""

    code = "not_waiting"
    status = 409


class NumbersInvalid(Refused):
    """Numbers of a contact that cannot be understood; ``fields`` says which of them."""

    code = "number_invalid"

    def __init__(self, detail: str, fields: dict[str, Any]) -> None:
        super().__init__(detail)
        self.fields = fields


class FileRefused(Refused):
    """An upload that cannot be texted."""

    code = "media_refused"


class FileUnreadable(Refused):
    """A file of contacts that is none, or too large."""

    code = "file_unreadable"


class FileNotKept(Refused):
    """An upload that the disk did not take."""

    code = "file_not_kept"
    status = 503


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Map our refusals and the framework's to status, stable code and plain words."""
    if isinstance(error, Refused):
        said: dict[str, Any] = {"code": error.code, "detail": error.detail}
        if isinstance(error, NumbersInvalid):
            said["fields"] = error.fields
        return Response(said, status=error.status)
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, ValidationError):
        fields = error.get_full_details()
        response.data = {"code": "invalid", "detail": _sentence(error.detail), "fields": fields}
    elif isinstance(error, APIException):
        response.data = {"code": error.get_codes(), "detail": str(error.detail)}
    else:  # Http404 and PermissionDenied, which the framework has turned into a response
        response.data = {
            "code": "not_found" if response.status_code == 404 else "permission_denied",
            "detail": str(response.data.get("detail", "")) if response.data else "",
        }
    return response


def _sentence(detail: Any, name: str = "") -> str:
    """Join the complaints into one text that names each field."""
    if isinstance(detail, dict):
        return " ".join(_sentence(value, f"{name}{key}") for key, value in detail.items())
    if isinstance(detail, list):
        return " ".join(_sentence(value, name) for value in detail)
    return f"{name}: {detail}" if name and name != "non_field_errors" else str(detail)

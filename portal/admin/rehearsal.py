"""The Try page of a trunk: the request that a text would become, and what a pasted webhook says.

Nothing is sent, and nothing is kept.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from portal import e164
from portal.admin.acts import ActFailed
from portal.models import Tenant, Trunk
from providers import rehearsal
from providers.contract import Event, OutboundMessage, WebhookRequest
from providers.errors import ProviderError
from providers.exchange import redactor

REFERENCE = "00000000000000000000000000000000"
TYPES = (
    ("application/json", "JSON"),
    ("application/x-www-form-urlencoded", gettext_lazy("form")),
    ("text/xml", "XML"),
)


class TextForm(forms.Form):
    """A text that is not sent."""

    sender = forms.CharField(
        label=gettext_lazy("From"),
        max_length=32,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("A DID of this trunk, or a Sender ID."),
    )
    recipient = forms.CharField(
        label=gettext_lazy("To"), max_length=32, widget=UnfoldAdminTextInputWidget()
    )
    text = forms.CharField(
        label=gettext_lazy("Text"),
        max_length=1600,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    file_url = forms.URLField(
        label=gettext_lazy("Address of a file"),
        required=False,
        assume_scheme="https",
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("Makes it an MMS."),
    )

    def __init__(self, *args: Any, country: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country = country

    def clean_sender(self) -> str:
        """Read a number or a word."""
        sender: str = self.cleaned_data["sender"].strip()
        return sender if e164.is_sender_id(sender) else self._number(sender)

    def clean_recipient(self) -> str:
        """Read a number."""
        return self._number(self.cleaned_data["recipient"])

    def _number(self, typed: str) -> str:
        try:
            return e164.normalize(typed, self.country)
        except e164.NumberInvalid as error:
            raise forms.ValidationError(str(error)) from error


class PasteForm(forms.Form):
    """A webhook request, as somebody copied it from the provider."""

    method = forms.ChoiceField(
        label=gettext_lazy("Method"),
        choices=(("POST", "POST"), ("GET", "GET")),
        widget=UnfoldAdminSelectWidget(),
    )
    content_type = forms.ChoiceField(
        label=gettext_lazy("Kind of body"), choices=TYPES, widget=UnfoldAdminSelectWidget()
    )
    query = forms.CharField(
        label=gettext_lazy("Query"),
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("What follows the ? in the address, where the provider uses it."),
    )
    body = forms.CharField(
        label=gettext_lazy("Body"),
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8, "spellcheck": "false"}),
    )


def try_view(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Show both forms, and what came of the one that was filled in."""
    country = trunk.tenant.country if trunk.tenant else Tenant().country
    sends, parses = "_send" in request.POST, "_parse" in request.POST
    text = TextForm(request.POST if sends else None, country=country, prefix="text")
    paste = PasteForm(request.POST if parses else None, prefix="paste")
    context = {
        **page.act_context(request, trunk, _("Try it without sending")),
        "text_form": text,
        "paste_form": paste,
        "takes": trunk.capable.capabilities.inbound,
    }
    if sends and text.is_valid():
        context |= _rehearsed(trunk, text.cleaned_data)
    if parses and paste.is_valid():
        context |= _read(trunk, paste.cleaned_data)
    return TemplateResponse(request, "admin/try.html", context)


def _rehearsed(trunk: Trunk, data: dict[str, Any]) -> dict[str, Any]:
    message = OutboundMessage(
        reference=REFERENCE,
        sender=data["sender"],
        recipient=data["recipient"],
        text=data["text"],
        media_urls=(data["file_url"],) if data["file_url"] else (),
        status_url=f"{trunk.webhook_url}?ref={REFERENCE}",
    )
    try:
        exchange = rehearsal.rehearse(
            trunk.provider, trunk.credentials, message, api_base=trunk.api_base
        )
    except ProviderError as error:
        return {"refusal": str(error)}
    except ValueError as error:
        raise ActFailed(str(error)) from error
    return {"exchange": redactor(trunk.secrets)(exchange)}


def _read(trunk: Trunk, data: dict[str, Any]) -> dict[str, Any]:
    query = data["query"].removeprefix("?")
    webhook = WebhookRequest(
        method=data["method"],
        url=f"{trunk.webhook_url}?{query}" if query else trunk.webhook_url,
        headers={"content-type": data["content_type"]},
        query=query,
        body=data["body"].encode(),
    )
    try:
        events = list(trunk.adapter().parse(webhook))
    except ProviderError as error:
        return {"unreadable": str(error)}
    except ValueError as error:
        raise ActFailed(str(error)) from error
    return {
        "events": [(type(event).__name__, list(_facts(event))) for event in events],
        "read": True,
    }


def _facts(event: Event) -> Iterable[tuple[str, str]]:
    """Yield what an event says, without what it leaves open."""
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if field.name == "files":
            value = [f"{file.name} ({file.content_type}, {len(file.body)} bytes)" for file in value]
        if isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        if value not in {None, ""}:
            yield field.name, str(value)

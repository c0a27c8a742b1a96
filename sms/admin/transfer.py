"""An administrator hands a group's conversation to another member."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from portal.admin.fence import person
from portal.models import Extension
from sms import assignment, presence
from sms.models import Conversation


class TransferForm(forms.Form):
    """Who answers from now on."""

    to = forms.ModelChoiceField(
        label=gettext_lazy("To"),
        queryset=Extension.objects.none(),
        widget=UnfoldAdminSelectWidget(),
        help_text=gettext_lazy("Members of the group who may send texts."),
    )

    def __init__(self, *args: Any, conversation: Conversation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = Extension.objects.filter(memberships__group=conversation.group_id, enabled=True)
        able = members.exclude(sms=Extension.Sms.DISABLE).exclude(pk=conversation.assignee_id or 0)
        field: Any = self.fields["to"]
        field.label_from_instance = called
        field.queryset = able.order_by("memberships__order", "memberships__id")


def called(extension: Extension) -> str:
    """Name a member, and say whether somebody is there."""
    return f"{extension} ({presence.of(extension).label})"


def has_group(conversation: Conversation) -> bool:
    """Say whether the conversation has members among whom it can change hands."""
    return conversation.group_id is not None


def view(page: Any, request: HttpRequest, conversation: Conversation) -> HttpResponse:
    """Ask to whom, then hand it over; the thread and the audit log say who did."""
    form = TransferForm(request.POST or None, conversation=conversation)
    if request.method != "POST" or not form.is_valid():
        context = {**page.act_context(request, conversation, _("Transfer handler")), "form": form}
        return TemplateResponse(request, "admin/transfer.html", context)
    to = form.cleaned_data["to"]
    detail = {"from": str(conversation.assignee or ""), "to": str(to)}
    assignment.transfer(conversation, by=None, to=to, who=person(request).get_username())
    page.note(request, "transferred", conversation, detail)
    messages.success(request, _("%(agent)s answers it from now on.") % {"agent": to})
    return HttpResponseRedirect(page.back_to(conversation))

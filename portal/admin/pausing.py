"""Pausing and resuming a trunk by hand."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.admin.acts import ActFailed
from portal.models import Trunk


class PauseForm(forms.Form):
    """Why the trunk is paused."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("Everybody who looks at the trunk or at its queue reads it."),
        widget=UnfoldAdminTextInputWidget(),
    )


def is_paused(trunk: Trunk) -> bool:
    """Say whether the trunk can be resumed."""
    return trunk.paused_since is not None


def is_running(trunk: Trunk) -> bool:
    """Say whether the trunk can be paused."""
    return trunk.paused_since is None


def resume(trunk: Trunk) -> bool:
    """Let a paused trunk send again; the sweep rings for what waits."""
    paused = Trunk.objects.filter(pk=trunk.pk, paused_since__isnull=False)
    return bool(paused.update(paused_since=None, paused_reason="", updated_at=timezone.now()))


def pause_view(page: Any, request: HttpRequest, trunk: Trunk) -> HttpResponse:
    """Ask for the reason, then let the trunk send nothing."""
    form = PauseForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {**page.act_context(request, trunk, _("Pause")), "form": form}
        return TemplateResponse(request, "admin/pause.html", context)
    reason = form.cleaned_data["reason"]
    now = timezone.now()
    running = Trunk.objects.filter(pk=trunk.pk, paused_since__isnull=True)
    if not running.update(paused_since=now, paused_reason=reason, updated_at=now):
        raise ActFailed(_("The trunk is paused already."))
    page.note(request, "paused", trunk, {"changed": {"reason": ["", reason]}})
    messages.success(request, _("The trunk is paused. What is to go out waits."))
    return HttpResponseRedirect(page.back_to(trunk))


def resume_act(page: Any, request: HttpRequest, trunk: Trunk) -> str:
    """Let the trunk send again."""
    if not resume(trunk):
        raise ActFailed(_("The trunk is not paused."))
    page.note(request, "resumed", trunk)
    return _("The trunk sends again.")

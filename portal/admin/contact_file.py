"""What the file buttons of the contacts do: import shared ones after a preview, and export."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminFileFieldWidget

from portal.addressbook import book
from portal.addressbook.book import Book, Plan
from portal.admin import trail
from portal.models import Tenant
from portal.sheet import Unreadable, decoded

MAX_BYTES = 1_000_000
SHOWN = 200


class FileForm(forms.Form):
    """A vCard or CSV file; ``text`` is the file again, from the preview."""

    file = forms.FileField(
        label=gettext_lazy("vCard or CSV file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".vcf,.csv,text/vcard,text/csv"}),
    )
    text = forms.CharField(required=False, widget=forms.HiddenInput(), strip=False)

    def clean_file(self) -> str:
        """Return what the file says."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 1 MB; split it."))
        try:
            return decoded(file.read())
        except Unreadable as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """Ask for a file where there is none."""
        cleaned = super().clean() or self.cleaned_data
        text = cleaned.get("file") or cleaned.get("text") or ""
        if not text and "file" not in self.errors:
            raise forms.ValidationError({"file": _("Choose a file.")})
        return {**cleaned, "text": text}


def import_page(page: Any, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Take a file, show what it would do, and do it when that was agreed to."""
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = FileForm(*sent)
    plan = None
    agreed = "_save" in request.POST
    if request.method == "POST" and form.is_valid():
        content = form.cleaned_data["text"].encode()
        try:
            plan = (book.apply if agreed else book.look)(Book(tenant), content)
        except Unreadable as error:
            form.add_error("file", str(error))
    if plan and agreed:
        return _done(request, plan, tenant)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Import contacts"),
        "form": form,
        "back": reverse("admin:portal_contact_changelist"),
        **(_preview(plan, form.cleaned_data["text"]) if plan else {}),
    }
    return TemplateResponse(request, "admin/contact_file.html", context)


def _preview(plan: Plan, text: str) -> dict[str, Any]:
    steps = [*plan.of("update"), *plan.of("new")]
    return {
        "is_preview": True,
        "faults": plan.faults[:SHOWN],
        "more_faults": max(0, len(plan.faults) - SHOWN),
        "new": len(plan.of("new")),
        "changed": len(plan.of("update")),
        "same": len(plan.of("same")),
        "steps": steps[:SHOWN],
        "more_steps": max(0, len(steps) - SHOWN),
        "text": text,
    }


def _done(request: HttpRequest, plan: Plan, tenant: Tenant) -> HttpResponse:
    detail = plan.told()
    if detail:
        trail.record(request, "imported contacts into", tenant, tenant_id=tenant.pk, detail=detail)
    fresh, changed = len(plan.of("new")), len(plan.of("update"))
    added = ngettext("%(n)d contact was added", "%(n)d contacts were added", fresh)
    others = ngettext("%(n)d was changed.", "%(n)d were changed.", changed)
    messages.success(request, f"{added % {'n': fresh}}, {others % {'n': changed}}")
    if plan.faults:
        left = ngettext(
            "%(n)d problem was left out.", "%(n)d problems were left out.", len(plan.faults)
        )
        messages.warning(request, left % {"n": len(plan.faults)})
    return HttpResponseRedirect(reverse("admin:portal_contact_changelist"))

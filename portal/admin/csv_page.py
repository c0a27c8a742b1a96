"""What the CSV buttons of the DIDs do: import after a preview, and export."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from portal.admin import did_csv, trail
from portal.admin.did_csv import Outcome
from portal.admin.sheet import Sheet
from portal.admin.sheet import read as sheet_of
from portal.models import DID, Tenant, Trunk
from portal.sheet import Unreadable, decoded

MAX_BYTES = 1_000_000
SHOWN = 200


class CsvForm(forms.Form):
    """A file for one trunk; ``text`` is the file again, from the preview."""

    trunk = forms.ModelChoiceField(
        Trunk.objects.none(),
        label=gettext_lazy("Trunk"),
        empty_label=gettext_lazy("Select value"),
        widget=UnfoldAdminSelectWidget(),
    )
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv"}),
    )
    text = forms.CharField(required=False, widget=forms.HiddenInput(), strip=False)

    def __init__(self, *args: Any, trunks: QuerySet[Trunk], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["trunk"]
        if isinstance(choice, forms.ModelChoiceField):
            choice.queryset = trunks

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
        """Read the rows."""
        cleaned = super().clean() or self.cleaned_data
        text = str(cleaned.get("file") or cleaned.get("text") or "")
        if not text and "file" not in self.errors:
            raise forms.ValidationError({"file": _("Choose a file.")})
        if self.errors:
            return cleaned
        try:
            sheet = sheet_of(text, did_csv.COLUMNS)
        except Unreadable as error:
            raise forms.ValidationError({"file": str(error)}) from error
        return {**cleaned, "sheet": sheet, "text": text}


def import_page(
    page: Any, request: HttpRequest, tenant: Tenant, trunks: QuerySet[Trunk]
) -> HttpResponse:
    """Take a file, show what it would do, and do it when that was agreed to."""
    is_sent = request.method == "POST"
    sent = (request.POST, request.FILES) if is_sent else (None, None)
    form = CsvForm(*sent, initial={"trunk": request.GET.get("trunk")}, trunks=trunks)
    outcome = None
    if is_sent and form.is_valid():
        sheet: Sheet = form.cleaned_data["sheet"]
        trunk: Trunk = form.cleaned_data["trunk"]
        dry = "_save" not in request.POST
        outcome = did_csv.apply(sheet, tenant=tenant, trunk=trunk, dry=dry)
        if not dry and not outcome.errors:
            return _done(request, outcome, tenant, trunk)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Import DIDs from CSV"),
        "form": form,
        "columns": did_csv.COLUMNS,
        "back": reverse("admin:portal_did_changelist"),
        **(_preview(outcome, form) if outcome else {}),
    }
    return TemplateResponse(request, "admin/did_csv.html", context)


def _preview(outcome: Outcome, form: CsvForm) -> dict[str, Any]:
    fresh, changed = outcome.of("new"), outcome.of("update")
    return {
        "errors": outcome.errors[:SHOWN],
        "more_errors": max(0, len(outcome.errors) - SHOWN),
        "new": len(fresh),
        "changed": len(changed),
        "same": len(outcome.of("skip")),
        "rows": [*changed, *fresh][:SHOWN],
        "more_rows": max(0, len(changed) + len(fresh) - SHOWN),
        "agreed": None if outcome.errors else form.cleaned_data,
    }


def _done(request: HttpRequest, outcome: Outcome, tenant: Tenant, trunk: Trunk) -> HttpResponse:
    fresh, changed = outcome.of("new"), outcome.of("update")
    # One entry for the whole file: a row for each of thousands would bury the rest.
    detail = {
        "added": [row.number for row in fresh],
        "edited": [f"{row.number}: {row.changes}" for row in changed],
    }
    if fresh or changed:
        trail.record(
            request, "imported DIDs from CSV into", trunk, tenant_id=tenant.pk, detail=detail
        )
    added = ngettext("%(n)d DID was added", "%(n)d DIDs were added", len(fresh)) % {"n": len(fresh)}
    others = ngettext("%(n)d was changed.", "%(n)d were changed.", len(changed))
    messages.success(request, f"{added}, {others % {'n': len(changed)}}")
    return HttpResponseRedirect(reverse("admin:portal_did_changelist"))


def export(rows: QuerySet[DID]) -> HttpResponse:
    """Return the rows as a file that can be changed and imported again."""
    text = did_csv.table(rows).export("csv")
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="dids.csv"'
    return answer

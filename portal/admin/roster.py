"""The pages that take a tenant's extensions in from a CSV file, and give them out as one."""

import hashlib
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.admin import trail
from portal.models import AuditEntry, Tenant
from portal.provisioning import roster, sheet
from portal.provisioning.roster import Plan
from portal.sheet import Unreadable, decoded

_SALT = "portal.roster"
FRESH_SECONDS = 3600
MOST_BYTES = 2 * 1024 * 1024
# So many changes and faults are shown; the counts are always of all.
SHOWN = 300
COLUMNS = (
    ("number", gettext_lazy("2 to 10 digits; says which extension the line is about"), "1001"),
    ("name", gettext_lazy("Shown to colleagues; empty for none"), "Front desk"),
    ("sms", gettext_lazy("DISABLE, ALLOW or ALLOW_WITH_SENDER_ID; empty leaves it"), "ALLOW"),
    ("enabled", gettext_lazy("yes or no; empty leaves it"), "yes"),
    ("user", gettext_lazy("Who signs in; a new name makes the person, empty is nobody"), "desk"),
    (
        "caller_ids",
        gettext_lazy("trunk:did:description, several separated by ; (the first is the default)"),
        "Main:+12172074422:Sales",
    ),
)


class UploadForm(forms.Form):
    """The file; ``lines`` and ``faults`` are what was read of it."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "class": "roster-file"}),
    )
    content = b""

    def clean_file(self) -> Any:
        """Read it; a complaint about the whole file is the field's."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB. Import it in parts."))
        self.content = file.read()
        try:
            sheet.read(self.content)
        except Unreadable as error:
            raise forms.ValidationError(str(error)) from error
        return file


def export_view(page: Any, request: HttpRequest) -> HttpResponse:
    """Give the extensions of one tenant out as a file that can be imported again."""
    title = _("Export extensions")
    tenant = page.working_tenant(request)
    if tenant is None:
        return _ask(page, request, title)
    trail.exported(request, page.opts.verbose_name_plural)
    rows = map(roster.cells, roster.extensions(tenant))
    answer = HttpResponse(sheet.write(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="extensions-{tenant.slug}.csv"'
    return answer


def import_view(page: Any, request: HttpRequest) -> HttpResponse:
    """Take a file, show what it would change, and do it when that is confirmed."""
    title = _("Import extensions")
    tenant = page.working_tenant(request)
    if tenant is None:
        return _ask(page, request, title)
    if "confirmed" in request.POST:
        return _confirm(page, request, tenant)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        return _show(page, request, tenant, form, form.content)
    return _page(page, request, tenant, form=form)


def _ask(page: Any, request: HttpRequest, title: str) -> HttpResponse:
    step = page.next_step(request)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": title,
        "question": step.question,
        "options": [(f"?{step.name}={key}", label) for key, label in step.options],
    }
    return TemplateResponse(request, "admin/step.html", context)


def _page(page: Any, request: HttpRequest, tenant: Tenant, **context: Any) -> HttpResponse:
    base = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": _("Import extensions"),
        "subtitle": tenant.name,
        "columns": COLUMNS,
        "export": f"{reverse('admin:portal_extension_export_csv')}?{request.GET.urlencode()}",
        "again": request.get_full_path(),
    }
    return TemplateResponse(request, "admin/roster.html", {**base, **context})


def _planned(tenant: Tenant, content: bytes) -> Plan:
    lines, faults = sheet.read(content)
    plan = roster.plan(tenant, lines)
    plan.faults = sorted([*faults, *plan.faults], key=lambda fault: fault.line)
    return plan


def _show(
    page: Any, request: HttpRequest, tenant: Tenant, form: UploadForm, content: bytes
) -> HttpResponse:
    plan = _planned(tenant, content)
    edits = sorted([*plan.new, *plan.changed], key=lambda edit: edit.line)
    sealed = {"tenant": tenant.pk, "seen": _digest(plan), "file": decoded(content)}
    return _page(
        page,
        request,
        tenant,
        form=form,
        plan=plan,
        edits=edits[:SHOWN],
        more=max(0, len(edits) - SHOWN),
        faults=plan.faults[:SHOWN],
        more_faults=max(0, len(plan.faults) - SHOWN),
        # What was shown is what is done: the file comes back as it was looked at.
        confirmed=signing.dumps(sealed, salt=_SALT, compress=True),
    )


def _confirm(page: Any, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    try:
        sealed = signing.loads(request.POST["confirmed"], salt=_SALT, max_age=FRESH_SECONDS)
    except signing.BadSignature:
        sealed = {}
    if sealed.get("tenant") != tenant.pk:
        messages.error(request, _("What was shown is too old. Choose the file again."))
        return HttpResponseRedirect(request.get_full_path())
    content = sealed["file"].encode()
    plan = _planned(tenant, content)
    if plan.faults or _digest(plan) != sealed["seen"]:
        messages.warning(
            request, _("Something changed in the meantime. Nothing was imported; look again.")
        )
        return _show(page, request, tenant, UploadForm(), content)
    try:
        with transaction.atomic():
            roster.carry_out(plan)
            AuditEntry.objects.bulk_create(_entries(request, tenant, plan))
    except IntegrityError:
        messages.error(
            request,
            _("Somebody changed this at the same moment. Nothing was imported; look again."),
        )
        return HttpResponseRedirect(request.get_full_path())
    messages.success(request, _sentence(plan))
    return HttpResponseRedirect(reverse("admin:portal_extension_changelist"))


def _digest(plan: Plan) -> str:
    """Return what tells one list of changes from another."""
    seen = [(edit.line, edit.is_new, sorted(edit.changed.items())) for edit in plan.edits]
    return hashlib.sha256(repr(seen).encode()).hexdigest()


def _entries(request: HttpRequest, tenant: Tenant, plan: Plan) -> Iterator[AuditEntry]:
    for user in plan.new_users:
        yield trail.entry(request, "added", user, tenant=tenant)
    for edit in plan.edits:
        if not edit.is_new and not edit.changed:
            continue
        changed = {
            column: [old[: trail.KEPT], new[: trail.KEPT]]
            for column, (old, new) in edit.changed.items()
        }
        yield trail.entry(
            request,
            "added" if edit.is_new else "changed",
            edit.extension,
            tenant=tenant,
            detail={"changed": changed, "by": "CSV"},
        )


def _sentence(plan: Plan) -> str:
    new, changed, people = len(plan.new), len(plan.changed), len(plan.new_users)
    parts = [
        ngettext("%(n)d extension was added,", "%(n)d extensions were added,", new) % {"n": new},
        _("%(n)d changed.") % {"n": changed},
    ]
    if people:
        parts.append(
            ngettext(
                "%(n)d new person needs a sign-in link: make it on the person's page.",
                "%(n)d new people need a sign-in link: make it on each person's page.",
                people,
            )
            % {"n": people}
        )
    return " ".join(parts)

"""Admin pages of rows that belong to a tenant, and of rows that nobody edits."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.db import IntegrityError
from django.db.models import CASCADE, ForeignObjectRel, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold import admin as unfold

from portal.admin import trail
from portal.admin.acts import ActsAdmin
from portal.admin.fence import LOOKERS, NOBODY, Fenced, is_system, visible
from portal.admin.filters import TenantFilter
from portal.admin.stale import StaleAdmin
from portal.admin.stepping import SteppedAdmin
from portal.forms import TenantForm
from portal.models import AuditEntry

M = TypeVar("M", bound=Model)

HISTORY = 200  # entries shown of one row


class TenantInline(Fenced, unfold.TabularInline):  # type: ignore[misc] # unfold carries no types
    """Rows that hang on another row of the same tenant."""

    form: type[forms.ModelForm[Any]] = TenantForm
    exclude: ClassVar[Sequence[str] | None] = ("tenant",)
    extra = 0
    hide_title = True

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Bind the rows to the tenant of the row they hang on."""
        tenant = self.working_tenant(request, obj)
        formset = super().get_formset(request, obj, **{**self.bound(request, tenant), **kwargs})
        formset.form.tenant = tenant
        for field in formset.form.base_fields.values():
            # The heads of the columns are no labels to those who only hear the page.
            field.widget.attrs.setdefault("aria-label", capfirst(field.label or ""))
        return formset


class ReadOnlyInline(TenantInline):
    """Rows that are only looked at."""

    form = forms.ModelForm
    readers = LOOKERS
    writers = NOBODY
    can_delete = False


class TenantScopedAdmin(  # type: ignore[misc] # unfold carries no types
    Fenced,
    SteppedAdmin,
    StaleAdmin,
    ActsAdmin,
    unfold.ModelAdmin,  # type: ignore[misc] # as above
    ModelAdmin[M],
):
    """A page of rows that belong to a tenant.

    A tenant's people see and name only rows of their own; a system administrator sees all, and
    works in one tenant as soon as a form is open. The tenant itself is no field of any form.
    """

    form: Any = TenantForm
    exclude: ClassVar[Any] = ("tenant",)
    tenant_path: ClassVar[str] = "tenant"
    object_history_template = "admin/trail.html"
    list_filter_submit = True
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        """Keep to the rows that the person may see."""
        return visible(request, super().get_queryset(request), self.tenant_path)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        """Keep a look-up from within a form to the form's tenant."""
        tenant = request.GET.get("tenant", "")
        if request.path == reverse("admin:autocomplete") and tenant.isdecimal():
            queryset = queryset.filter(**{self.tenant_path: tenant})
        found: tuple[QuerySet[M], bool]
        found = super().get_search_results(request, queryset, search_term)
        return found

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Bind the form to one tenant."""
        tenant = self.working_tenant(request, obj)
        bound = {**self.bound(request, tenant), **kwargs}
        form: Any = super().get_form(request, obj, change=change, **bound)
        form.tenant = tenant
        return form

    def spans_tenants(self, request: HttpRequest) -> bool:
        """Say whether the person's list holds rows of several tenants."""
        return self.tenant_path == "tenant" and is_system(request)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the tenant to those who see several."""
        columns = tuple(super().get_list_display(request))
        return (*columns, "tenant") if self.spans_tenants(request) else columns

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Let those who see several tenants choose one."""
        filters = tuple(super().get_list_filter(request))
        return (("tenant", TenantFilter), *filters) if self.spans_tenants(request) else filters

    def get_list_select_related(self, request: HttpRequest) -> Any:
        """Load the tenant along where it is shown."""
        related: Any = super().get_list_select_related(request) or ()
        return (*related, "tenant") if self.spans_tenants(request) else related

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show a system administrator whose row it is."""
        fields = tuple(super().get_readonly_fields(request, obj))
        shown = obj is not None and self.spans_tenants(request)
        return ("tenant", *fields) if shown and "tenant" not in fields else fields

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Take from the address only those filters that the page declares."""
        declared = map(_parameter, self.get_list_filter(request))
        if not any(lookup.startswith(name) for name in declared):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Say in words what the database refused in a race; nothing was changed then."""
        try:
            answer: HttpResponse = super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            messages.error(
                request,
                _("Somebody changed this at the same moment. Nothing was saved; look again."),
            )
            return HttpResponseRedirect(request.get_full_path())
        return answer

    def blockers(self, row: Any) -> list[str]:
        """Return, in words, what keeps a row from being deleted: what happened must stay."""
        relations = row._meta.get_fields(include_hidden=True)
        return [
            _("Its %(what)s would be lost with it. Switch it off, or leave it unused, instead.")
            % {"what": relation.related_model._meta.verbose_name_plural}
            for relation in relations
            if self._is_record(relation)
            and relation.related_model._default_manager.filter(
                **{relation.field.name: row}
            ).exists()
        ]

    def _is_record(self, relation: Any) -> bool:
        """Say whether rows that nobody edits would go along through a relation."""
        if not isinstance(relation, ForeignObjectRel) or relation.on_delete is not CASCADE:
            return False
        if not self.admin_site.is_registered(relation.related_model):
            return False
        page = self.admin_site.get_model_admin(relation.related_model)
        return isinstance(page, ReadOnlyAdmin) and page.outlives

    def mentions(self, row: Any) -> list[str]:
        """Return, in words, what somebody should know who deletes a row."""
        del row
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List what would go along; what hangs on a row needs no permission of its own."""
        blocking = [line for row in objs for line in self.blockers(row)]
        if blocking:
            return [], {}, set(), blocking
        to_delete, counts, _needed, protected = super().get_deleted_objects(objs, request)
        mentioned = [line for row in objs for line in self.mentions(row)]
        return [*to_delete, *mentioned], counts, set(), protected

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> Any:
        """Say what uses a row that cannot be deleted."""
        if not context["protected"]:
            return super().render_delete_form(request, context)
        return TemplateResponse(
            request, "admin/in_use.html", {**context, "title": _("Still in use")}
        )

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Describe the change for the audit log."""
        del request, add
        return trail.changes(form, formsets or ())

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write the addition into the audit log."""
        self.note(request, "added", obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write the change, if there is one, into the audit log."""
        if message:
            self.note(request, "changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Write the deletions into the audit log."""
        for row in queryset:
            self.note(request, "deleted", row)

    def note(
        self, request: HttpRequest, action: str, row: Any, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write one act into the audit log of the row's tenant."""
        trail.record(request, action, row, tenant_id=self.tenant_id_of(row), detail=detail)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show the audit log's entries about one row."""
        row = self.get_object(request, unquote(object_id))
        about = trail.about(row) if row is not None else {"pk": None}
        entries = visible(request, AuditEntry.objects.filter(**about))[:HISTORY]
        told = [(entry, trail.sentence(entry), list(trail.lines(entry))) for entry in entries]
        context = {"entries": told, **(extra_context or {})}
        answer: HttpResponse = super().history_view(request, object_id, context)
        return answer


class ReadOnlyAdmin(TenantScopedAdmin[M]):
    """Rows that nobody edits: what happened."""

    form = forms.ModelForm
    exclude = None
    readers = LOOKERS
    writers = NOBODY
    outlives = True
    """Whether these rows keep what they hang on from being deleted."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Note who reads what people wrote."""
        row = context.get("original")
        if row is not None:
            trail.look(request, row, tenant_id=self.tenant_id_of(row))
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return answer


def _parameter(declared: Any) -> str:
    """Return the name by which a declared filter appears in the address."""
    if isinstance(declared, str):
        return declared
    if isinstance(declared, tuple):
        return str(declared[0])
    return str(declared.parameter_name)

"""Questions that come before a form: what it looks like depends on their answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from portal.admin.fence import is_system
from portal.models import Tenant


@dataclass(frozen=True)
class Step:
    """One question; the answer goes into the address under ``name``."""

    name: str
    question: str
    options: Iterable[tuple[str, str]]


class SteppedAdmin:
    """Asks a system administrator for the tenant, and whatever else a page needs to know."""

    asks_tenant = True
    shareable: Any = ""
    """What a row without a tenant is called, where there may be one."""
    admin_site: Any
    opts: Any

    def next_step(self, request: HttpRequest) -> Step | None:
        """Return the first question that is still open."""
        if not self.asks_tenant or not is_system(request):
            return None
        tenants = [(str(pk), name) for pk, name in Tenant.objects.values_list("pk", "name")]
        shared = [("none", str(self.shareable))] if self.shareable else []
        options = [*shared, *tenants]
        if request.GET.get("tenant") in dict(options):
            return None
        return Step("tenant", _("For which tenant?"), options)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask first, then show the form."""
        if not self.has_add_permission(request):  # type: ignore[attr-defined] # the page has it
            raise PermissionDenied
        step = self.next_step(request)
        if step is None:
            answer: HttpResponse = super().add_view(request, form_url, extra_context)  # type: ignore[misc] # the page has it
            return answer
        return self.ask(request, step)

    def ask(self, request: HttpRequest, step: Step) -> HttpResponse:
        """Show one question, and lead on with the answer."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Add %(name)s") % {"name": self.opts.verbose_name},
            "question": step.question,
            "options": [(_with(request, step.name, key), label) for key, label in step.options],
        }
        return TemplateResponse(request, "admin/step.html", context)


def _with(request: HttpRequest, name: str, value: str) -> str:
    query = request.GET.copy()
    query[name] = value
    return f"?{query.urlencode()}"

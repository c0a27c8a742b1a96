"""Acts: buttons on a row's page that do one thing, by POST, after a question where it matters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse


class ActFailed(Exception):
    """The act could not be done; the text says why, fit for the person who tried."""


@dataclass(frozen=True)
class Act:
    """One button. ``run(admin, request, row)`` returns a sentence or raises ``ActFailed``."""

    name: str
    label: Any
    run: Callable[[Any, HttpRequest, Any], str] | None = None
    question: Any = ""
    """Asked on a page of its own before the act is done; empty does it at once."""
    view: Callable[[Any, HttpRequest, Any], HttpResponse] | None = None
    """In place of ``run``: a page of its own behind the button."""
    fits: Callable[[Any], bool] = bool
    """Whether the act makes sense for a row."""
    leads_to: str = ""
    """The name of the page that follows ``run``; empty is the row's own."""


class ActsAdmin:
    """A page whose rows have acts; they need the permission to change the row."""

    acts: ClassVar[Sequence[Act]] = ()
    change_form_outer_before_template = "admin/acts.html"
    admin_site: Any
    opts: Any

    def acts_for(self, request: HttpRequest, row: Any) -> list[Act]:
        """Return the acts that the person may do with the row now."""
        return [act for act in self.acts if self.may_act(request, row) and act.fits(row)]

    def may_act(self, request: HttpRequest, row: Any) -> bool:
        """Say whether the person may do anything with the row."""
        allowed: bool = self.has_change_permission(request, row)  # type: ignore[attr-defined] # the page has it
        return allowed

    def get_urls(self) -> list[Any]:
        """Give the acts an address."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        view = self.admin_site.admin_view(self.act_view)
        urls: list[Any] = super().get_urls()  # type: ignore[misc] # the page has it
        return [path("<path:object_id>/do/<slug:name>/", view, name=name), *urls]

    def act_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask, or do it and say what came of it."""
        row = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined] # the page has it
        act = next((act for act in self.acts if act.name == name), None)
        if row is None or act is None:
            raise Http404
        if act not in self.acts_for(request, row):
            raise PermissionDenied
        try:
            if act.view is not None:
                return act.view(self, request, row)
            if request.method != "POST":
                context = {**self.act_context(request, row, act.label), "act": act}
                return TemplateResponse(request, "admin/act.html", context)
            if act.run is not None:
                messages.success(request, act.run(self, request, row))
                if act.leads_to:
                    return HttpResponseRedirect(reverse(act.leads_to))
        except ActFailed as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(self.back_to(row))

    def back_to(self, row: Any) -> str:
        """Return the address of a row's page."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def act_context(self, request: HttpRequest, row: Any, title: Any) -> dict[str, Any]:
        """Return what every page of an act shows."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": title,
            "subtitle": str(row),
            "back": self.back_to(row),
        }

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """Return what the page of a row (None: a new one) shows beside its form."""
        acts = self.acts_for(request, row) if row else []
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_act"
        return {"acts": [(act, reverse(name, args=[row.pk, act.name])) for act in acts]}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show it."""
        context |= self.page_context(request, context.get("original"))
        answer: HttpResponse = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc] # the page has it
        return answer

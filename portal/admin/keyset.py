"""Lists of very many rows: pages by id, the newest first, nothing counted, a bounded look each."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

from portal.admin.filters import TenantFilter
from portal.admin.scoped import ReadOnlyAdmin

M = TypeVar("M", bound=Model)

LOOK = 50_000
"""Rows that one page looks at, at most, where no index leads to what is asked for."""
CHUNK = 2_000
CURSORS = ("before", "after")


class Leaf(Paginator[Any]):
    """The one page that a list has in hand."""

    template_name = "admin/older_newer.html"


class KeysetChangeList(ChangeList):  # type: ignore[misc] # unfold carries no types
    """Goes older and newer from the ids on the page.

    Filters that no index serves, and words, are looked for in so many rows at a time; the page says
    how far back it looked, and goes on from there when asked.
    """

    query: str
    older = newer = newest = further = ""
    looked_to: datetime | None = None
    look = LOOK

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: Any = None
    ) -> QuerySet[Any, Any]:
        """Filter; the cursor and the search are left to ``get_results``."""
        self.before, self.after = (self._cursor(request, name) for name in CURSORS)
        query, self.query = self.query, ""
        rows: QuerySet[Any, Any] = super().get_queryset(request, exclude_parameters)
        self.query = query
        return rows

    def _cursor(self, request: HttpRequest, name: str) -> int | None:
        self.params.pop(name, None)
        self.filter_params.pop(name, None)
        text = request.GET.get(name, "")
        return int(text) if text.isdecimal() and len(text) <= 18 else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any, Any]) -> list[str]:
        """Know one order only."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Take one page, and find out what lies on either side of it."""
        size = self.list_per_page
        rows, edge = self._narrowed(request)
        found = list(rows[: size + 1])
        if self.after is not None and edge is None and len(found) <= size:
            # The top is reached, and the first page is a full one.
            self.after = None
            rows, edge = self._narrowed(request)
            found = list(rows[: size + 1])
        more = len(found) > size
        self.result_list = found[:size]
        if self.after is not None:
            self.result_list.reverse()
        self._link(more, edge)
        self.result_count = len(self.result_list)
        # The same, so that no heading takes a page for all there is.
        self.full_result_count, self.show_full_result_count = self.result_count, False
        self.show_admin_actions, self.can_show_all, self.multi_page = True, False, False
        self.paginator = Leaf(self.result_list, size)

    def every(self, request: HttpRequest) -> Iterator[Any]:
        """Yield all rows of the filter, newest first, of which only a few are held at a time."""
        self.before = self.after = None
        while True:
            rows, edge = self._narrowed(request)
            chunk = list(rows[:CHUNK])
            yield from chunk
            if len(chunk) == CHUNK:
                self.before = chunk[-1].pk
            elif edge is not None:
                self.before = edge[0]
            else:
                return

    @property
    def is_narrowed(self) -> bool:
        """Whether something is asked for to which no index leads."""
        served = {
            name
            for spec in self.filter_specs
            if isinstance(spec, self.model_admin.indexed_filters)
            for name in spec.expected_parameters()
        }
        asked = self.get_filters_params().items()
        return bool(self.query) or any(any(values) for name, values in asked if name not in served)

    def known(self, request: HttpRequest) -> tuple[list[int], int | None] | None:
        """Return the ids that an index knows for the search, or None where it knows none.

        With them comes the id at which they were cut, if they were.
        """
        return None

    def searched(self, request: HttpRequest, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        """Keep the rows that hold the words."""
        found: QuerySet[Any, Any]
        found, _may_repeat = self.model_admin.get_search_results(request, rows, self.query)
        return found

    def _narrowed(
        self, request: HttpRequest
    ) -> tuple[QuerySet[Any, Any], tuple[int, datetime | None] | None]:
        """Return the rows on the cursor's side, and where the look at them ends, if it does."""
        rows = self._side(self.queryset)
        if not self.is_narrowed:
            return rows, None
        known = self.known(request) if self.query else None
        if known is not None:
            ids, cut = known
            return rows.filter(pk__in=ids), (cut, None) if cut is not None else None
        edge = self._edge(request)
        if edge is not None:
            rows = rows.filter(**{"pk__lte" if self.after is not None else "pk__gte": edge[0]})
        return self.searched(request, rows) if self.query else rows, edge

    def _side(self, rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        if self.after is not None:
            return rows.filter(pk__gt=self.after).order_by("pk")
        return rows.filter(pk__lt=self.before) if self.before is not None else rows

    def _edge(self, request: HttpRequest) -> tuple[int, datetime | None] | None:
        rows = self.root_queryset.order_by("-pk")
        for spec in self.filter_specs:
            if isinstance(spec, self.model_admin.indexed_filters):
                rows = spec.queryset(request, rows)
        dated = self.model_admin.dated
        last = self._side(rows).select_related(None).values_list("pk", dated)
        edge: tuple[int, datetime] | None = next(iter(last[self.look - 1 : self.look]), None)
        return edge

    def _link(self, more: bool, edge: tuple[int, datetime | None] | None) -> None:
        """Write the addresses of what is older and newer than this page."""
        upwards, rows = self.after is not None, self.result_list
        if rows and (more or upwards):
            self.older = self.get_query_string({"before": rows[-1].pk})
        if rows and (self.before is not None or (upwards and more)):
            self.newer = self.get_query_string({"after": rows[0].pk})
        if upwards or self.before is not None:
            self.newest = self.get_query_string()
        if edge is not None and not more:
            self.further = self.get_query_string({"after" if upwards else "before": edge[0]})
            self.looked_to = edge[1]


class KeysetAdmin(ReadOnlyAdmin[M]):
    """Rows that nobody edits, of which there may be millions."""

    dated: ClassVar[str]
    """The field that says when a row came into the list."""
    indexed_filters: ClassVar[tuple[type, ...]] = (TenantFilter,)
    """Filters that an index serves together with the order of ids."""
    sortable_by: ClassVar[Any] = ()
    show_facets = ShowFacets.NEVER
    list_before_template = "admin/looked.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        """Page by id."""
        return KeysetChangeList

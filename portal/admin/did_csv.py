"""DIDs as CSV: what a file is made of, and what it would change; all of it or nothing."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.results import Result, RowResult
from import_export.widgets import BooleanWidget, CharWidget, FloatWidget
from tablib import Dataset

from portal import e164
from portal.admin.sheet import Sheet
from portal.cells import guarded, unguarded
from portal.models import DID, Tenant, Trunk

COLUMNS = ("number", "label", "sms", "mms", "campaign_note", "messages_per_second")
YES, NO = {"yes", "y", "true", "1", "on"}, {"no", "n", "false", "0", "off"}


class YesNo(BooleanWidget):  # type: ignore[misc] # import_export carries no types
    """A cell that says yes or no; anything else is an error and not a no."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        """Read the cell."""
        word = str(value).strip().lower()
        if word not in YES | NO:
            raise ValueError(_("Write yes or no."))
        return word in YES

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        """Write the cell."""
        return "yes" if value else "no"


class Rate(FloatWidget):  # type: ignore[misc] # import_export carries no types
    """A cell with messages a second; an empty one leaves it to the trunk."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> float | None:
        """Read the cell."""
        try:
            rate: float | None = super().clean(value, row, **kwargs)
        except ValueError:
            rate = math.nan
        if rate is not None and not math.isfinite(rate):
            raise ValueError(_("Write a number such as 0.5, or leave it empty."))
        return rate


class Words(CharWidget):  # type: ignore[misc] # import_export carries no types
    """A cell of free text, marked where a spreadsheet would run it as a formula."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Read the cell, without the mark."""
        return unguarded(str(value).strip())

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        """Write the cell, marked where that is needed."""
        return guarded(str(value))


class DIDTable(ModelResource):  # type: ignore[misc] # import_export carries no types
    """DIDs as a table."""

    label = Field("label", "label", widget=Words())
    campaign_note = Field("campaign_note", "campaign_note", widget=Words())
    sms = Field("sms", "sms", widget=YesNo())
    mms = Field("mms", "mms", widget=YesNo())
    messages_per_second = Field("messages_per_second", "messages_per_second", widget=Rate())

    class Meta:
        model = DID
        fields = COLUMNS
        import_id_fields = ("number",)
        use_bulk = True
        batch_size = 1000
        skip_unchanged = True
        report_skipped = True
        store_instance = True
        skip_html_diff = True


class DIDImport(DIDTable):
    """A file for one trunk of one tenant: a number that is there is changed, others are new."""

    def __init__(self, tenant: Tenant, trunk: Trunk) -> None:
        super().__init__()
        self.tenant, self.trunk = tenant, trunk
        self._known: dict[str, DID] = {}
        self._taken: set[str] = set()
        self._seen: set[str] = set()

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        """Learn in two queries which numbers are there, and which are somebody else's."""
        rows = DID.objects.filter(number__in=[self._normal(cell) for cell in dataset["number"]])
        self._known = {did.number: did for did in rows.filter(trunk=self.trunk, tenant=self.tenant)}
        others = (
            rows.exclude(tenant=self.tenant)
            .select_related("trunk")
            .only("number", "trunk__provider")
        )
        self._taken = {
            did.number for did in others if did.trunk.is_sandbox == self.trunk.is_sandbox
        }

    def _normal(self, cell: str) -> str:
        try:
            return e164.normalize_did(cell, self.tenant.country)
        except e164.NumberInvalid:
            return ""

    def before_import_row(self, row: dict[str, str], **kwargs: Any) -> None:
        """Bring the number to its normal form; leave out the cells that say nothing."""
        try:
            number = e164.normalize_did(row["number"], self.tenant.country)
        except e164.NumberInvalid as error:
            raise ValidationError({"number": str(error)}) from error
        if number in self._seen:
            raise ValidationError({"number": _("This number stands in the file twice.")})
        if number in self._taken:
            raise ValidationError({"number": _("This number is taken.")})
        self._seen.add(number)
        row["number"] = number
        optional = (
            ("sms", "mms") if number in self._known else ("sms", "mms", "messages_per_second")
        )
        for name in optional:
            if not row.get(name, "").strip():
                row.pop(name, None)

    def get_instance(self, instance_loader: Any, row: Mapping[str, str]) -> DID | None:
        """Return the DID that is there already."""
        return self._known.get(row["number"])

    def init_instance(self, row: Mapping[str, str] | None = None) -> DID:
        """Begin a new DID the way every one begins."""
        return DID.usual(tenant=self.tenant, trunk=self.trunk, number=row["number"] if row else "")

    def skip_row(
        self,
        instance: DID,
        original: DID,
        row: Mapping[str, str],
        import_validation_errors: Any = None,
    ) -> bool:
        """Leave out what is as the file says, but nothing new."""
        if original._state.adding:
            return False
        skips: bool = super().skip_row(instance, original, row, import_validation_errors)
        return skips

    def validate_instance(
        self, instance: DID, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Look at the cells; what needs the database was looked at for all rows at once."""
        errors = dict(import_validation_errors or {})
        try:
            instance.clean_fields(exclude={"tenant", "trunk", *errors})
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def after_import(self, dataset: Dataset, result: Result, **kwargs: Any) -> None:
        """Leave the sequence alone: setting it would race with others who add numbers."""


@dataclass(frozen=True)
class Row:
    """What one line of the file would do."""

    line: int
    number: str
    kind: str
    changes: str = ""


@dataclass
class Outcome:
    """What the whole file would do, or did; with errors it does nothing."""

    rows: list[Row] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)

    def of(self, kind: str) -> list[Row]:
        """Return the rows of a kind: new, update or skip."""
        return [row for row in self.rows if row.kind == kind]


def table(rows: QuerySet[DID]) -> Dataset:
    """Return DIDs as a table that can be imported again."""
    return DIDTable().export(rows)


def apply(sheet: Sheet, *, tenant: Tenant, trunk: Trunk, dry: bool) -> Outcome:
    """Do what the file says, or (``dry``) only find out what it would do."""
    result = DIDImport(tenant, trunk).import_data(
        sheet.dataset, dry_run=dry, use_transactions=True, rollback_on_validation_errors=True
    )
    outcome = Outcome(errors=list(_errors(result, sheet)))
    if not outcome.errors:
        outcome.rows = [_row(row, line) for row, line in zip(result.rows, sheet.lines, strict=True)]
    return outcome


def _errors(result: Result, sheet: Sheet) -> Iterator[tuple[int, str]]:
    for error in result.base_errors:
        if not isinstance(error.error, IntegrityError):
            raise error.error
        yield 0, _("One of the numbers was just taken. Look again.")
    for row in result.error_rows:
        raise row.errors[0].error
    for invalid in result.invalid_rows:
        for name, texts in invalid.error_dict.items():
            prefix = "" if name == NON_FIELD_ERRORS else f"{name}: "
            yield sheet.lines[invalid.number - 1], f"{prefix}{' '.join(texts)}"


def _row(row: RowResult, line: int) -> Row:
    changes = ""
    if row.original is not None:
        changes = ", ".join(
            f"{name}: {_cell(row.original, name)} → {_cell(row.instance, name)}"
            for name in COLUMNS
            if _cell(row.original, name) != _cell(row.instance, name)
        )
    return Row(line, str(row.instance), row.import_type, changes)


def _cell(did: DID, name: str) -> str:
    value = did.serializable_value(name)
    if isinstance(value, bool):
        return YesNo().render(value)
    return "" if value is None else str(value)

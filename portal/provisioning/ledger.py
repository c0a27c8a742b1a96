"""What applying a file changed: rows brought to what is wanted, and the names of what differed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models

from portal.models import AuditEntry, Tenant
from portal.provisioning.document import Node, Wrong

# A key of the file -> the model's field and how its value is read.
Columns = Mapping[str, tuple[str, Callable[[Node], Any]]]


@dataclass
class Change:
    """One object of the file and the fields of it that were changed."""

    tenant: Tenant | None
    kind: str
    name: str
    is_new: bool
    fields: list[str] = field(default_factory=list)

    @property
    def verb(self) -> str:
        """What happened to the object."""
        if self.is_new:
            return "created"
        return "changed" if self.fields else "unchanged"

    def __str__(self) -> str:
        fields = f": {', '.join(self.fields)}" if self.fields else ""
        return f"{self.verb:<9} {self.kind} {self.name}{fields}"

    def note(self, *fields: str) -> None:
        """Add fields that were changed, each once."""
        self.fields += [name for name in fields if name not in self.fields]


@dataclass
class Ledger:
    """Every change in the order of the file, and the trunks that it names."""

    changes: list[Change] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)

    def put(
        self,
        row: models.Model,
        wanted: Mapping[str, Any],
        *,
        name: str,
        node: Node,
        places: Mapping[str, Node],
    ) -> Change:
        """Bring a row to what is wanted, checked like a form; ``places`` lead a complaint home."""
        change = Change(
            tenant=row if isinstance(row, Tenant) else getattr(row, "tenant", None),
            kind=str(row._meta.verbose_name),  # noqa: SLF001 - public by its documentation
            name=name,
            is_new=row.pk is None,
        )
        change.note(*(key for key, value in wanted.items() if getattr(row, key) != value))
        for key in change.fields:
            setattr(row, key, wanted[key])
        if change.is_new or change.fields:
            try:
                row.full_clean()
            except ValidationError as error:
                raise complaint(error, node, places) from error
            row.save()
        self.changes.append(change)
        return change

    def audit(self, who: str) -> None:
        """Enter what was changed into the audit log."""
        AuditEntry.objects.bulk_create(
            AuditEntry(
                tenant=change.tenant,
                username=who,
                action=change.verb,
                target=f"{change.kind} {change.name}"[:200],
                detail={"fields": change.fields},
            )
            for change in self.changes
            if change.verb != "unchanged"
        )


def wanted(fields: Mapping[str, Node], columns: Columns) -> dict[str, Any]:
    """Read those of the columns that the file mentions."""
    return {column: read(fields[key]) for key, (column, read) in columns.items() if key in fields}


def places(fields: Mapping[str, Node], columns: Columns) -> dict[str, Node]:
    """Say where the value of each model field stands in the file."""
    return {column: fields[key] for key, (column, _read) in columns.items() if key in fields}


def complaint(error: ValidationError, node: Node, places: Mapping[str, Node]) -> Wrong:
    """Return the first complaint of a model, at the line of the value that it is about."""
    name, messages = next(iter(error.message_dict.items()))
    place = places.get(name)
    if place is not None:
        return place.wrong(messages[0])
    return node.wrong(messages[0] if name == NON_FIELD_ERRORS else f"{name}: {messages[0]}")

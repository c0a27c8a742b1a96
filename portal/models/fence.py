"""The tenant fence in the database: a row may only point at rows of its own tenant."""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement, Table


class SameTenant(models.BaseConstraint):
    """A composite foreign key ``(field, tenant) -> (id, tenant)`` on the model it points at.

    The target needs a unique constraint over ``id`` and ``tenant``. An empty field is let
    through. Checked at commit, so rows may be written in any order within a transaction.
    """

    def __init__(self, *, field: str, to: str, name: str) -> None:
        super().__init__(name=name)
        self.field = field
        self.to = to

    def create_sql(  # type: ignore[override] # Django itself returns a Statement or None
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Statement | None:
        """Add the composite foreign key at the migration's end: its target may come later."""
        if model is None or schema_editor is None:
            raise TypeError("SameTenant needs a model and a schema editor")
        target = model._meta.apps.get_model(self.to)
        field = model._meta.get_field(self.field)
        if not isinstance(field, models.ForeignKey):
            raise TypeError(f"{self.field} is no foreign key")
        schema_editor.deferred_sql.append(
            Statement(
                "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(column)s, tenant_id) "
                "REFERENCES %(target)s (id, tenant_id) DEFERRABLE INITIALLY DEFERRED",
                table=Table(model._meta.db_table, schema_editor.quote_name),
                name=schema_editor.quote_name(self.name),
                column=schema_editor.quote_name(field.get_attname()),
                target=schema_editor.quote_name(target._meta.db_table),
            )
        )
        return None

    def remove_sql(  # type: ignore[override] # as above
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> Statement:
        """Return the statement that drops it."""
        if model is None or schema_editor is None:
            raise TypeError("SameTenant needs a model and a schema editor")
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=Table(model._meta.db_table, schema_editor.quote_name),
            name=schema_editor.quote_name(self.name),
        )

    def constraint_sql(  # type: ignore[override] # as above
        self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None
    ) -> str | None:
        """Add it with a new table, in the same way."""
        self.create_sql(model, schema_editor)
        return None

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Leave the friendly message to the form, which only offers the tenant's own rows."""

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        """Describe the constraint for a migration."""
        path = f"{self.__class__.__module__}.{self.__class__.__qualname__}"
        return path, (), {"field": self.field, "to": self.to, "name": self.name}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameTenant) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash((self.name, self.field, self.to))


def fence_key(name: str) -> models.UniqueConstraint:
    """Return the unique constraint that lets ``SameTenant`` point at a model."""
    return models.UniqueConstraint(fields=["id", "tenant"], name=name)

"""Parts of the schema that not every database takes as Django writes them.

What the models say is the same everywhere; only what a migration tells the database differs.
"""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Case, Q, When

__all__ = ["AddComputed", "ComputedField", "LetNullsDiffer"]


class ComputedField(models.GeneratedField):
    """A column the database computes: stored, or computed when read where none can be stored.

    Both can be indexed. A database that has neither is named by Django's check (fields.E220).
    """

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Check as Django does, but do not ask for a stored column where the other kind will do."""
        return [found for found in super().check(**kwargs) if found.id != "fields.E222"]

    def deconstruct(self) -> Any:
        """Stand in migrations as Django's own field: there `AddComputed` makes the difference."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.GeneratedField", args, kwargs


class AddComputed(migrations.AddField):
    """Add a generated column: stored, or virtual where the database stores none."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add the column in the form this database has."""
        model = to_state.apps.get_model(app_label, self.model_name)
        column: Any = model._meta.get_field(self.name)
        features = schema_editor.connection.features
        column.db_persist = bool(features.supports_stored_generated_columns)
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class LetNullsDiffer(Operation):
    """Let a unique constraint refuse no row whose ``nullable`` field is NULL, on every database.

    Most do so by themselves. Oracle takes such rows for equal if their other columns are: there
    the constraint becomes an index of expressions that are all NULL for these rows, which it does
    not look at.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, constraint: str, nullable: str) -> None:
        self.model_name = model_name
        self.constraint = constraint
        self.nullable = nullable

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: the model says the same before and afterwards."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Put the index in the constraint's place, if this database needs that."""
        self._exchange(app_label, schema_editor, to_state, forwards=True)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Put the constraint back."""
        self._exchange(app_label, schema_editor, to_state, forwards=False)

    def _exchange(
        self, app_label: str, editor: BaseDatabaseSchemaEditor, state: ProjectState, forwards: bool
    ) -> None:
        model = state.apps.get_model(app_label, self.model_name)
        allowed = self.allow_migrate_model(editor.connection.alias, model)
        if not allowed or editor.connection.features.supports_partially_nullable_unique_constraints:
            return
        said = next(c for c in model._meta.constraints if c.name == self.constraint)
        assert isinstance(said, models.UniqueConstraint)
        old, new = said, self.among_others(said)
        if not forwards:
            old, new = new, old
        editor.remove_constraint(model, old)
        editor.add_constraint(model, new)

    def among_others(self, said: models.UniqueConstraint) -> models.UniqueConstraint:
        """Return the constraint among the rows whose field is not NULL, as an index."""
        there = Q(**{f"{self.nullable}__isnull": False})
        parts = [Case(When(there, then=name)) for name in said.fields]
        return models.UniqueConstraint(*parts, name=said.name)

    def describe(self) -> str:
        """Return what is done, for people."""
        return f"Let rows of {self.model_name} without {self.nullable} differ"

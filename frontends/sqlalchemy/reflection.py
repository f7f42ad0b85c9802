"""What SQLAlchemy finds in a database: as PostgreSQL would tell it, and nothing of ours."""

import re
from collections.abc import Iterable
from typing import Any

from duckdb_sqlalchemy import Dialect
from sqlalchemy import Connection, text
from sqlalchemy.engine.interfaces import (
    ReflectedForeignKeyConstraint,
    ReflectedPrimaryKeyConstraint,
)

_SCHEMAS = text("""
    SELECT database_name, schema_name,
           database_name = current_database() OR schema_name = 'information_schema'
    FROM duckdb_schemas()
    WHERE database_name <> 'temp' AND schema_name <> 'augur'
      AND (database_name <> 'system' OR schema_name = 'information_schema')
      AND NOT starts_with(schema_name, 'pg_')
    ORDER BY database_name, schema_name
""")
_NAME = r'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_CREATE_VIEW = re.compile(rf"CREATE (?:TEMP )?VIEW {_NAME}(?:\.{_NAME})* AS ")

Key = tuple[str | None, str]


class Reflection(Dialect):  # type: ignore[misc]
    """duckdb-sqlalchemy's reflection. DuckDB keeps no names of constraints: the names that
    PostgreSQL would choose take their place.
    """

    def get_schema_names(self, connection: Connection, **kw: Any) -> list[str]:
        """Those of this database; of attached databases as `database.schema`."""
        quote = self.identifier_preparer.quote
        here, elsewhere = list[str](), list[str]()
        for database, schema, current in connection.execute(_SCHEMAS):
            if current:
                here.append(schema)
            else:
                elsewhere.append(f"{quote(database)}.{quote(schema)}")
        return sorted(here) + elsewhere

    def get_temp_view_names(
        self, connection: Connection, schema: str | None = None, **kw: Any
    ) -> list[str]:
        found = super().get_temp_view_names(connection, schema, **kw)
        return [name for name in found if not name.startswith("__augur_")]

    def get_view_definition(
        self, connection: Connection, view_name: str, schema: str | None = None, **kw: Any
    ) -> str:
        """The query of the view."""
        created = super().get_view_definition(connection, view_name, schema, **kw)
        return _CREATE_VIEW.sub("", created, count=1)

    def get_multi_pk_constraint(
        self, connection: Connection, **kw: Any
    ) -> Iterable[tuple[Key, ReflectedPrimaryKeyConstraint]]:
        for key, found in super().get_multi_pk_constraint(connection, **kw):
            if found["constrained_columns"]:
                found["name"] = f"{key[1]}_pkey"
            yield key, found

    def get_multi_foreign_keys(
        self, connection: Connection, **kw: Any
    ) -> Iterable[tuple[Key, list[ReflectedForeignKeyConstraint]]]:
        for key, found in super().get_multi_foreign_keys(connection, **kw):
            for foreign in found:
                foreign["name"] = "_".join([key[1], *foreign["constrained_columns"], "fkey"])
            yield key, found

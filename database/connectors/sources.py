"""The sources that a session has attached by ADBC, as catalogs of DuckDB's.

A catalog is a database in memory with a view for each table of the source. Views read Python's
objects by temporary names, which belong to one connection: so what is attached belongs to the
session. The temporary names are those of the tables in full, `wh.public.reviews`, so that an error
on another connection names what is missing there.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import duckdb

from augursql.database.result import Result
from augursql.database.tables import database_of
from augursql.errors import (
    AugurError,
    InvalidValueError,
    NameExistsError,
    NameNotFoundError,
    UnsupportedError,
    candidates,
)
from augursql.planner import sources as plan
from augursql.planner.lexer import quoted

if TYPE_CHECKING:
    from augursql.database.connectors.columns import Described
    from augursql.database.connectors.remote import Name, Remote
    from augursql.database.connectors.scan import Scan

_MAIN = "main"
_CONCERNED = re.compile(r"\b(?:insert|create|detach|drop)\b", re.IGNORECASE)


class Source:
    """One attached source and what DuckDB was told of it: per table its name in DuckDB."""

    def __init__(self, name: str, remote: "Remote", read_only: bool) -> None:
        self.name = name
        self.remote = remote
        self.read_only = read_only
        self.scans: dict[Name, Scan] = {}

    def shown(self, name: "Name") -> list[tuple[str, str]]:
        """The schemas and names under which a table appears: its own, and `main` for the default
        schema's."""
        schema, table = name
        own = [(schema, table)] if schema else []
        default = schema in ("", self.remote.default_schema) and schema != _MAIN
        return [*own, (_MAIN, table)] if default else own

    def found(self, parts: tuple[str, ...]) -> "Name":
        """The table that `source.table` or `source.schema.table` names, existing or not."""
        schema, table = parts[-2] if len(parts) > 2 else "", parts[-1]
        if len(parts) not in (2, 3):
            raise InvalidValueError(f'"{".".join(parts)}" names no table of a source.')
        for name in self.scans:
            for known in self.shown(name):
                if (known[0].lower(), known[1].lower()) == (
                    (schema or _MAIN).lower(),
                    table.lower(),
                ):
                    return name
        if schema.lower() in ("", _MAIN):
            return (self.remote.default_schema, table)
        return (schema, table)


class Sources:
    """Owned by a session. `failures` is where its functions leave what they raised; `shared`:
    queries run on other connections than the session's own.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, failures: list[BaseException]
    ) -> None:
        self._connection = connection
        self._failures = failures
        self._sources: dict[str, Source] = {}
        self._secrets: dict[str, dict[str, object]] = {}
        self.shared = False

    @property
    def names(self) -> plan.Sources:
        return plan.Sources(frozenset(self._sources), frozenset(self._secrets))

    def concern(self, sql: str) -> bool:
        """Whether a statement may be about a source or its secret."""
        if not (self._sources or self._secrets) or _CONCERNED.search(sql) is None:
            return False
        text = sql.lower()
        return any(name in text for name in (*self._sources, *self._secrets))

    def has(self, table: str) -> bool:
        """Whether a table, as qualified SQL text, is one of a source's."""
        return database_of(table).lower() in self._sources

    def carry_out(self, statement: plan.Administrative) -> str:
        """ATTACH, DETACH, CREATE and DROP SECRET; a line for the user. Raises AugurError."""
        match statement:
            case plan.Attach():
                return self.attach(statement)
            case plan.Detach():
                return self.detach(statement.name)
            case plan.CreateSecret():
                return self.create_secret(statement)
            case plan.DropSecret():
                return self.drop_secret(statement)

    def create_secret(self, statement: plan.CreateSecret) -> str:
        key = statement.name.lower()
        if key in self._secrets and statement.if_not_exists:
            return f'Secret "{statement.name}" exists already.'
        if key in self._secrets and not statement.or_replace:
            raise NameExistsError(
                f'The secret "{statement.name}" exists already.',
                hint="CREATE OR REPLACE SECRET replaces it.",
                span=statement.place,
            )
        self._secrets[key] = dict(statement.options)
        return f'Created secret "{statement.name}".'

    def drop_secret(self, statement: plan.DropSecret) -> str:
        del self._secrets[statement.name.lower()]
        return f'Dropped secret "{statement.name}".'

    def attach(self, statement: plan.Attach) -> str:
        """Connects to a source and makes its tables appear. Raises AugurError."""
        from augursql.database.connectors.drivers import target
        from augursql.database.connectors.remote import Remote

        options, name = dict(statement.options), statement.name
        self._check_allowed(statement)
        taken = self._taken(name)
        if taken and statement.if_not_exists:
            return f'"{name}" is attached already.'
        if taken and not (statement.or_replace and name.lower() in self._sources):
            raise NameExistsError(
                f'There is a database "{name}" already.',
                hint="Choose another name, or DETACH it first.",
                span=statement.place,
            )
        schema = options.get("schema")
        try:
            to = target(statement.address, options, self._login(options.get("secret")))
            remote = Remote(to, None if schema is None else str(schema))
        except AugurError as error:
            raise error.located(statement.place, statement.whole) from None
        source = Source(name, remote, bool(options.get("read_only")))
        try:
            for table in remote.names():
                source.scans[table] = self._scan(remote, remote.describe(table))
            if taken:
                self.detach(name)
            self._make_catalog(source)
        except BaseException:
            remote.close()
            raise
        self._sources[name.lower()] = source
        count = len(source.scans)
        return f'Attached "{name}" with {count:,} table{"" if count == 1 else "s"}.'

    def detach(self, name: str) -> str:
        """Lets a source go."""
        self._connection.execute(f"DETACH {quoted(name)}").fetchall()
        source = self._sources.pop(name.lower())
        for table in source.scans:
            self._connection.unregister(_temporary(source, table))
        source.remote.close()
        return f'Detached "{name}".'

    def write(self, statement: plan.WriteSource, result: Result) -> int:
        """Writes the rows of a result as the statement says; how many. Raises AugurError."""
        from augursql.database.connectors.writing import Outgoing

        source = self._sources[statement.parts[0].lower()]
        name = source.found(statement.parts)
        known = source.scans.get(name)
        self._check_writable(source, statement, known)
        outgoing = Outgoing(result, statement, None if known is None else known.described)
        mode = "append" if not statement.creates else "replace" if known else "create"
        try:
            reader = outgoing.reader(at_once=source.remote.target.one_writer)
            rows = source.remote.write(name, reader, mode)
        except Exception:  # A driver raises whatever it likes when the rows it reads fail.
            if outgoing.failure is not None:
                raise outgoing.failure from None
            raise
        finally:
            outgoing.close()
        if statement.creates:
            self._show_again(source, name)
        return rows

    def exists(self, statement: plan.WriteSource) -> bool:
        """Whether the table that a statement would create IF NOT EXISTS is there."""
        source = self._sources[statement.parts[0].lower()]
        return statement.if_not_exists and source.found(statement.parts) in source.scans

    def after_rollback(self) -> None:
        """A ROLLBACK takes back the temporary names that were given in its transaction."""
        for source in self._sources.values():
            for name, scan in source.scans.items():
                with suppress(duckdb.Error):
                    self._connection.unregister(_temporary(source, name))
                self._connection.register(_temporary(source, name), scan)

    def close(self) -> None:
        for source in self._sources.values():
            source.remote.close()
        self._sources.clear()
        self._secrets.clear()

    def _check_allowed(self, statement: plan.Attach) -> None:
        """A driver opens files and connections, as DuckDB does where it may."""
        if self.shared:
            raise UnsupportedError(
                "What is attached by ADBC belongs to one session, and a server's clients run their "
                "queries on connections of their own.",
                hint="Attach it with an extension of DuckDB's.",
                span=statement.place,
            )
        setting = "SELECT current_setting('enable_external_access')::BOOLEAN"
        if not self._connection.execute(setting).fetchall()[0][0]:
            raise UnsupportedError(
                "In this database no file and no other database may be opened "
                "(enable_external_access is off).",
                span=statement.place,
            )

    def _taken(self, name: str) -> bool:
        databases = "SELECT lower(database_name) FROM duckdb_databases()"
        return (name.lower(),) in self._connection.execute(databases).fetchall()

    def _login(self, secret: object) -> Mapping[str, object]:
        if secret is None:
            return {}
        found = self._secrets.get(str(secret).lower())
        if found is None:
            raise NameNotFoundError(
                f'There is no secret "{secret}" of type adbc.',
                hint=candidates(str(secret), self._secrets),
            )
        return found

    def _scan(self, remote: "Remote", described: "Described") -> "Scan":
        from augursql.database.connectors.scan import Scan

        return Scan(remote, described, self._failures)

    def _make_catalog(self, source: Source) -> None:
        # On a connection of its own: a transaction of the user's may write to one database only.
        with self._connection.cursor() as cursor:
            cursor.execute(f"ATTACH ':memory:' AS {quoted(source.name)}").fetchall()
            for name in source.scans:
                self._show(cursor, source, name)

    def _show(self, cursor: duckdb.DuckDBPyConnection, source: Source, name: "Name") -> None:
        temporary, scan = _temporary(source, name), source.scans[name]
        cursor.register(temporary, scan)
        self._connection.register(temporary, scan)
        for schema, table in source.shown(name):
            place = f"{quoted(source.name)}.{quoted(schema)}"
            cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {place}").fetchall()
            cursor.execute(
                f"CREATE OR REPLACE VIEW {place}.{quoted(table)} AS "
                f"FROM temp.main.{quoted(temporary)}"
            ).fetchall()

    def _show_again(self, source: Source, name: "Name") -> None:
        """Shows a table that was made or replaced."""
        if name in source.scans:
            self._connection.unregister(_temporary(source, name))
        source.scans[name] = self._scan(source.remote, source.remote.describe(name))
        with self._connection.cursor() as cursor:
            self._show(cursor, source, name)

    def _check_writable(
        self, source: Source, statement: plan.WriteSource, known: "Scan | None"
    ) -> None:
        table = ".".join(statement.parts)
        if source.read_only:
            raise UnsupportedError(f'"{source.name}" is attached READ_ONLY.', span=statement.place)
        if statement.creates and known is not None and not statement.or_replace:
            raise NameExistsError(
                f'The table "{table}" exists already.',
                hint="INSERT INTO adds rows to it, CREATE OR REPLACE TABLE replaces it.",
                span=statement.place,
            )
        if not statement.creates and known is None:
            shown = [".".join((source.name, *part)) for part in _places(source)]
            raise NameNotFoundError(
                f'There is no table "{table}".',
                hint=candidates(table, shown),
                span=statement.place,
            )


def _places(source: Source) -> Iterator[tuple[str, ...]]:
    """Where the tables of a source are, as short as they can be written."""
    for name in source.scans:
        schema, table = source.shown(name)[-1]
        yield (table,) if schema == _MAIN else (schema, table)


def _temporary(source: Source, name: "Name") -> str:
    return ".".join(part for part in (source.name, *name) if part)

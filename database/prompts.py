"""Stored prompts: templates by name and version, in the table `prompts` of the catalog.

It is made with the first of them, so that a catalog of an earlier version gets it too.
"""

import re
from dataclasses import dataclass
from datetime import datetime

import duckdb

from augursql.database import listings
from augursql.database.catalog import Catalog
from augursql.database.transactions import atomic
from augursql.errors import InvalidValueError, NameExistsError, NameNotFoundError, candidates
from augursql.planner.lexer import Token, literal
from augursql.planner.prompts import CreatePrompt, DropPrompt
from augursql.planner.template import placeholders

TABLE = (
    "CREATE TABLE IF NOT EXISTS {schema}.prompts (name VARCHAR NOT NULL, version INTEGER NOT NULL, "
    "template VARCHAR NOT NULL, created_at TIMESTAMPTZ NOT NULL)"
)
COLUMNS = {"name": "VARCHAR", "version": "INTEGER", "template": "VARCHAR", "inputs": "VARCHAR[]"}
VERSION_COLUMNS = {
    "version": "INTEGER",
    "template": "VARCHAR",
    "inputs": "VARCHAR[]",
    "created_at": "TIMESTAMPTZ",
}
# prompt() would read a name with dots, or one that looks like a clause, as something else.
_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One version of a stored prompt; `schema` holds it."""

    schema: str
    name: str
    version: int
    template: str
    created_at: datetime

    @property
    def inputs(self) -> list[str]:
        """The names in its template."""
        token = Token("string", literal(self.template), 0, 0)
        return [place.name for place in placeholders(token, token.text)]


class Prompts:
    """Reads and writes stored prompts, inside the caller's transaction."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def create(self, statement: CreatePrompt) -> str:
        """Stores the first or the next version. Raises NameExistsError, InvalidValueError."""
        name = statement.name
        if not _NAME.fullmatch(name):
            raise InvalidValueError(
                f'"{name}" cannot name a prompt.',
                hint="Use letters, digits and underscores.",
                span=statement.place,
            )
        earlier = self._versions(name)
        if earlier and not statement.or_replace:
            raise NameExistsError(
                f'The prompt "{name}" exists already.',
                hint="CREATE OR REPLACE PROMPT makes its next version.",
                span=statement.place,
            )
        self._catalog.create()
        schema = self._catalog.schema
        version = 1 + max((prompt.version for prompt in earlier), default=0)
        name = earlier[0].name if earlier else name
        with atomic(self._connection):
            self._connection.execute(TABLE.format(schema=schema))
            self._connection.execute(
                f"INSERT INTO {schema}.prompts VALUES (?, ?, ?, now())",
                [name, version, statement.template],
            )
        return f'Prompt "{name}" version {version}.'

    def drop(self, statement: DropPrompt) -> str:
        """Forgets all versions. Raises NameNotFoundError."""
        found = self._versions(statement.name)
        if not found:
            if statement.if_exists:
                return f'There is no prompt "{statement.name}".'
            raise self._missing(statement.name, statement.place)
        if any(prompt.schema != self._catalog.schema for prompt in found):
            raise InvalidValueError(
                f'The prompt "{statement.name}" lies in a database that was opened read-only.',
                span=statement.place,
            )
        with atomic(self._connection):
            self._connection.execute(
                f"DELETE FROM {self._catalog.schema}.prompts WHERE lower(name) = lower(?)",
                [statement.name],
            )
        return f'Dropped prompt "{found[0].name}".'

    def template(self, name: str, version: int | None) -> str | None:
        """The template of a version, the last one where none is named; None where it is not."""
        found = self._versions(name)
        if version is None:
            return found[-1].template if found else None
        return next((prompt.template for prompt in found if prompt.version == version), None)

    def latest(self) -> list[PromptRow]:
        """The last version of each prompt, by name."""
        last = {prompt.name.lower(): prompt for prompt in self._all()}
        return [last[name] for name in sorted(last)]

    def listed(self) -> str:
        """SHOW PROMPTS."""
        rows = [(p.name, p.version, p.template, p.inputs) for p in self.latest()]
        return listings.table_sql(COLUMNS, rows)

    def described(self, name: str) -> str:
        """DESCRIBE PROMPT: its versions, the last one first. Raises NameNotFoundError."""
        found = self._versions(name)
        if not found:
            raise self._missing(name, None)
        rows = [(p.version, p.template, p.inputs, p.created_at) for p in reversed(found)]
        return listings.table_sql(VERSION_COLUMNS, rows)

    def _versions(self, name: str) -> list[PromptRow]:
        return [prompt for prompt in self._all() if prompt.name.lower() == name.lower()]

    def _all(self) -> list[PromptRow]:
        """Every version of every prompt, in the order of the versions."""
        found = list[PromptRow]()
        for schema in reversed(self._catalog.holding("prompts")):
            rows = self._connection.execute(
                f"SELECT name, version, template, created_at FROM {schema}.prompts ORDER BY version"
            ).fetchall()
            found += [PromptRow(schema, *row) for row in rows]
        return found

    def _missing(self, name: str, span: tuple[int, int] | None) -> NameNotFoundError:
        known = [prompt.name for prompt in self.latest()]
        hint = candidates(name, known)
        return NameNotFoundError(f'There is no prompt "{name}".', hint=hint, span=span)

"""A connection whose statements go through a session."""

import re
import threading
from collections.abc import Callable
from typing import Any

import duckdb
from harlequin.autocomplete.completion import HarlequinCompletion
from harlequin.catalog import Catalog, CatalogSearchKind, CatalogSearchResult
from harlequin.exception import HarlequinQueryError
from harlequin_duckdb.adapter import DuckDbConnection

from augursql.database.result import Result
from augursql.database.session import Session
from augursql.errors import AugurError, InterruptedStatementError
from augursql.frontends.harlequin.cursor import Cursor
from augursql.frontends.harlequin.ours import branches, completions
from augursql.planner.parse import parse
from augursql.planner.scan import speaks_augur

_ASKS = re.compile(r"\s*(\(|(select|from|with|predict)\b)", re.IGNORECASE)
_CHANGES = re.compile(r"\b(insert|update|delete|merge)\b", re.IGNORECASE)
_SCHEMA = "augur"


class Connection(DuckDbConnection):
    """DuckDB's, and our language in it. The catalog is read beside the statement that runs."""

    def __init__(self, session: Session, init_message: str = "") -> None:
        super().__init__(conn=session.connection, init_message=init_message)
        self._session = session
        self._beside = session.beside()
        self._looking = threading.Lock()

    def execute(self, query: str) -> Cursor | None:
        """The rows of a query are computed when they are fetched: only then is it known how many
        are wanted.
        """
        text = query.strip().rstrip(";")
        if _ASKS.match(text) and not _CHANGES.search(text):
            columns = self._columns(text)
            if columns is not None:
                return Cursor(columns, lambda limit: self._limited(text, limit), self._reading)
        result: Result | None = self._reading(lambda: self._session.execute(text))
        if result is None or not result.gives_rows:
            return None
        held = self._session.keep(result)
        columns = [(str(c[0]), self._short_column_type(str(c[1]))) for c in held.description or []]
        return Cursor(columns, lambda limit: held, self._reading)

    def cancel(self) -> None:
        self._session.interrupt()

    def close(self) -> None:
        self._beside.close()
        self._session.close()

    def get_catalog(self) -> Catalog:
        """Databases, then the indexes and the models of our language."""
        return Catalog(items=[*super().get_catalog().items, *self._branches()])

    def search_catalog(
        self, term: str, kind: CatalogSearchKind = "all"
    ) -> list[CatalogSearchResult]:
        found = [r for r in super().search_catalog(term, kind) if _SCHEMA not in r.parents]
        if kind != "all":
            return list(found)
        ours = [
            CatalogSearchResult(item=item, parents=(branch.label,))
            for branch in self._branches()
            for item in branch.children
            if term.lower() in item.label.lower()
        ]
        return [*found, *ours]

    def get_completions(self) -> list[HarlequinCompletion]:
        theirs = super().get_completions()
        return [*theirs, *completions(self._branches())]

    def validate_sql(self, text: str) -> str:
        if not speaks_augur(text):
            return str(super().validate_sql(text))
        try:
            parse(text)
        except AugurError:
            return ""
        return text

    def _get_schemas(self, database: str) -> list[tuple[str]]:
        return [row for row in super()._get_schemas(database) if row[0] != _SCHEMA]

    def _branches(self) -> Any:
        with self._looking:
            return branches(self._beside)

    def _columns(self, text: str) -> list[tuple[str, str]] | None:
        """Names and short types of a query's columns, found without running it; None where this
        cannot be told, as in a wrong one.
        """
        try:
            described = self._session.execute(f"DESCRIBE {text}").fetchall()
        except (AugurError, duckdb.Error):
            return None
        return [(str(row[0]), self._short_column_type(str(row[1]))) for row in described]

    def _limited(self, text: str, limit: int | None) -> Result:
        if limit is None:
            return self._session.execute(text)
        return self._session.execute(f"SELECT * FROM (\n{text}\n) LIMIT {limit}")

    def _reading(self, read: Callable[[], Any]) -> Any:
        """What `read` gives; None where it was cancelled. Errors as Harlequin shows them."""
        try:
            return read()
        except (InterruptedStatementError, duckdb.InterruptException):
            return None
        except (AugurError, duckdb.Error) as error:
            raise HarlequinQueryError(str(error), title="AugurSQL: this did not work.") from error

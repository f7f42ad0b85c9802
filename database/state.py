"""What the parts of one session share: its connection, settings, watch and notices."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb

from augursql.database.callers import called_by_the_user
from augursql.database.connectors.sources import Sources
from augursql.database.desk import Desk
from augursql.database.guard import errors_of
from augursql.database.keyboard import Keyboard
from augursql.database.memory import Memory
from augursql.database.watch import Watch
from augursql.masking import masked
from augursql.settings import Settings

Parameters = Sequence[Any] | Mapping[str, Any] | None


_ROLLBACK = re.compile(r"\b(rollback|abort)\b", re.IGNORECASE)


def ends_a_transaction(sql: str) -> bool:
    """Whether a text may roll a transaction back. A wrong yes costs a reload, nothing else."""
    return _ROLLBACK.search(sql) is not None


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the user beside a result."""

    text: str
    warning: bool = False


@dataclass(slots=True)
class State:
    """Owned by one Session. The `desk` rules what functions do when DuckDB calls them; `records`
    (of CallRecord) are the calls of its statements, `statement` the number of the last one, `ran`
    DuckDB's type of what ran last. `shared`: other connections than its own call its functions,
    also when it is closed.
    """

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    watch: Watch
    keyboard: Keyboard
    notices: list[Notice] = field(default_factory=list)
    desk: Desk = field(default_factory=Desk)
    records: list[Any] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    statement: int = 0
    ran: duckdb.StatementType | None = None
    definitions_changed: bool = True
    shared: bool = False
    sources: Sources = field(init=False)

    def __post_init__(self) -> None:
        self.sources = Sources(self.connection, self.desk.failures)

    @contextmanager
    def running(self, sql: str, rewritten: bool) -> Iterator[None]:
        """Guards a statement: failures of our functions become ours, and Ctrl-C stops it."""
        with (
            self.keyboard.listening(),
            errors_of(sql, self.desk.failures, self.watch, rewritten),
        ):
            yield

    def execute(self, sql: str | duckdb.Statement, parameters: Parameters) -> None:
        """DuckDB's own execute, which may read the user's variables as tables."""
        if isinstance(sql, str):
            *before, last = self.connection.extract_statements(sql)
            for statement in before:  # DuckDB 1.5 makes several of one PIVOT.
                self.execute(statement, None)
            sql = last
        given = (sql,) if parameters is None else (sql, parameters)
        called_by_the_user(partial(self.connection.execute, *given))
        self.ran = sql.type

    def notice(self, text: str) -> None:
        self.notices.append(Notice(masked(text)))

    def warn(self, text: str, category: type[Warning]) -> None:
        self.notices.append(Notice(masked(text), warning=True))
        warnings.warn(masked(text), category, stacklevel=2)

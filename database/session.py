"""A session: one connection to DuckDB that speaks our language as well."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb

from augursql import settings as setting
from augursql.database.callers import called_by_the_user
from augursql.database.connectors.extensions import Extensions
from augursql.database.kept import kept, run_each
from augursql.database.keyboard import Keyboard
from augursql.database.macros import defined_in
from augursql.database.memory import Memory
from augursql.database.portable import Portable
from augursql.database.result import Result
from augursql.database.running import Running
from augursql.database.state import Notice, Parameters, State, ends_a_transaction
from augursql.database.transactions import in_transaction
from augursql.database.watch import Watch
from augursql.errors import StorageError
from augursql.masking import masked, secret_spans
from augursql.planner.scan import chooses_schema, speaks_augur
from augursql.types import Monitor, SilentMonitor

if TYPE_CHECKING:
    from augursql.database.interpreter import Interpreter

_AUGUR = re.compile(r"\baugur\s*\(", re.IGNORECASE)
_DEFINES = re.compile(r"\b(macro|function|attach|use|import|export|schema)\b", re.IGNORECASE)
_EXPORTS = re.compile(r"\bexport\s+database\b", re.IGNORECASE)

_ATTACHES = re.compile(r"\s*attach\b", re.IGNORECASE)
_INSERTS_VALUES = re.compile(r"\s*insert\s+into\b.*\bvalues\b", re.IGNORECASE | re.DOTALL)
_DEPENDS = re.compile(r"\b(select|from|conflict|returning)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(insert|update|delete|merge|nextval)\b", re.IGNORECASE)


class Session:
    """Executes statements: plain SQL goes to DuckDB as it is, ours is planned first.

    `path` is a DuckDB file or ':memory:', or an open connection of DuckDB's, which from then on
    is the session's; `settings` are ours, without their prefix; `config` is DuckDB's. Not
    thread-safe, as a DuckDB connection is not: `interrupt` alone may be called from another thread.
    """

    def __init__(
        self,
        path: str | duckdb.DuckDBPyConnection = ":memory:",
        *,
        read_only: bool = False,
        config: Mapping[str, Any] | None = None,
        settings: Mapping[str, object] | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        ours = setting.initial(settings or {})
        # A new database holds nothing of ours, and looking would count as a statement.
        new = isinstance(path, str) and _is_new(path)
        connection = _opened(path, read_only, config) if isinstance(path, str) else path
        self._begin(connection, ours, Watch(monitor or SilentMonitor()), Memory())
        if not new:
            self._portable.open()

    def _begin(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: setting.Settings,
        watch: Watch,
        memory: Memory,
    ) -> None:
        keyboard = Keyboard(connection, watch)
        self._state = State(connection, settings, watch, keyboard, memory=memory)
        self._portable = Portable(self._state)
        self._extensions = Extensions(connection)
        self._interpreter: Interpreter | None = None
        self._running = ""
        self._first, self._moved = settings, False

    def beside(self, monitor: Monitor | None = None) -> "Session":
        """Another session on the same database, with settings of its own, to begin with this one's.

        Models that one of them has loaded serve both. A server has one for each of its clients.
        """
        connection = self._state.connection.cursor()
        if not self._portable.ready:  # Not to wait for who loads a model.
            with self._state.memory.lock:
                self._portable.register()  # They outlive the other session.
        made = Session.__new__(Session)
        watch = Watch(monitor or SilentMonitor())
        made._begin(connection, self._state.settings, watch, self._state.memory)
        made._first = self._state.settings
        made._state.shared = made._state.sources.shared = True
        return made

    def as_new(self, settings: Mapping[str, object] | None = None) -> bool:
        """Begins anew for another client, with its settings; False where it cannot, as it has
        another schema by now."""
        ours = self._first
        for name, value in (settings or {}).items():
            ours = setting.changed(ours, name, value)
        self._state.settings = ours
        self._state.notices.clear()
        self._state.records.clear()
        return not self._moved

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """DuckDB's own connection, for what it alone can do."""
        return self._state.connection

    @property
    def settings(self) -> setting.Settings:
        """Our settings as they are now."""
        return self._state.settings

    @property
    def notices(self) -> Sequence[Notice]:
        """What the last statement has to say beside its result."""
        return self._state.notices

    @property
    def running(self) -> Running:
        """What runs on the database, for who serves it to others."""
        return self._state.memory.running

    def execute(self, sql: str, parameters: Parameters = None) -> Result:
        """Runs a text of one or more statements; the result is the last one's, and has the
        earlier ones.

        Raises AugurError for what is ours, duckdb.Error for what is DuckDB's, KeyboardInterrupt
        when Ctrl-C was pressed.
        """
        state = self._state
        state.notices.clear()
        state.watch.clear()
        self._extensions.make_ready(sql)
        defines = _DEFINES.search(sql) is not None
        if defines:
            self._make_way(sql)
        try:
            return self._execute(sql, parameters)
        except duckdb.CatalogException as error:
            # The session that owned the functions is closed.
            if "augur_" not in str(error) or ";" in sql or not self._portable.take_over():
                raise
            return self._execute(sql, parameters)
        finally:
            self._running = sql
            if defines:
                state.definitions_changed = True
                if self._interpreter is not None:
                    self._interpreter.forget_catalog()
                self._portable.come_back()
            if self._interpreter is not None and ends_a_transaction(sql):
                self._interpreter.forget()
                self._portable.after_rollback()
                self._state.sources.after_rollback()

    def relayed(self, sql: str) -> str:
        """What another connection to this database runs in place of a text, at once and once.

        Statements that are no queries are carried out here; what is left is a query of what they
        say. Raises as `execute` does, but for what the other connection may run into.
        """
        state = self._state
        state.notices.clear()
        state.watch.clear()
        self._extensions.make_ready(sql)
        if _DEFINES.search(sql) is not None:
            state.definitions_changed = True
            if self._interpreter is not None:
                self._interpreter.forget_catalog()
        if chooses_schema(sql):
            self._moved = True
            with suppress(duckdb.Error):  # The other connection tells of it.
                state.connection.execute(sql)
        if not speaks_augur(sql):
            return sql
        return self._prepared_interpreter(sql).relayed(sql)

    def finish(self) -> None:
        """Writes what a relayed statement has left to write; to be called when it has ended."""
        if self._interpreter is not None:
            self._interpreter.finish()

    def execute_many(self, sql: str, sets: Sequence[Any]) -> int | None:
        """Runs one statement of plain SQL with each set of parameters, prepared once.

        How many rows that changed, -1 if DuckDB does not tell; None where the text is not plain,
        and nothing was run.
        """
        if (
            speaks_augur(sql)
            or self._state.sources.concern(sql)
            or _DEFINES.search(sql)
            or ";" in sql.rstrip().rstrip(";")
        ):
            return None
        state = self._state
        state.notices.clear()
        state.watch.clear()
        state.statement += 1
        with state.running(sql, rewritten=False):
            called_by_the_user(partial(state.connection.executemany, sql, sets))
        self._running = sql
        rows, last = state.connection.rowcount, state.connection.fetchall()
        if rows < 0 and _INSERTS_VALUES.match(sql) and not _DEPENDS.search(sql):
            return len(sets) * int(last[0][0])  # DuckDB 1.5 tells the last set's alone.
        return rows

    def register(self) -> None:
        """Registers our functions now, outside of a transaction: inside of one, two sessions that
        do so for the first time would abort one another's."""
        self._portable.register()

    def in_transaction(self) -> bool:
        """Whether a transaction is open that a statement has begun."""
        self._finish()
        try:
            return in_transaction(self._state.connection)
        except duckdb.TransactionException:
            return True  # It failed, and waits for its ROLLBACK.

    def keep(self, result: Result) -> Result:
        """Reads what is left of a result into memory, and gives it from there."""
        return kept(result, self._state.connection.cursor)

    def interrupt(self) -> None:
        """Cancels the running statement; safe from another thread."""
        self._state.watch.cancel()
        self._state.connection.interrupt()

    def close(self) -> None:
        """Closes the connection; twice is once."""
        if self._interpreter is not None:
            self._interpreter.close()
        self._interpreter = None
        self._portable.close()
        self._state.sources.close()
        self._state.keyboard.close()
        self._state.connection.close()

    def _execute(self, sql: str, parameters: Parameters) -> Result:
        if speaks_augur(sql) or self._state.sources.concern(sql):
            self._finish()
            return self._interpret(sql, parameters)
        return self._plain(sql, parameters)

    def _plain(self, sql: str, parameters: Parameters) -> Result:
        state = self._state
        state.statement += 1
        if _ATTACHES.match(sql) and secret_spans(sql):
            state.notice(
                "duckdb_databases() shows this address with its password; CREATE SECRET and "
                "ATTACH '' AS name (TYPE ..., SECRET ...) keep it hidden."
            )
        return run_each(state, sql, parameters, lambda: state.running(sql, rewritten=False))

    def _make_way(self, sql: str) -> None:
        """Drops macros of ours whose names the text gives to macros of the user's."""
        names = defined_in(sql)
        if names:
            self._finish()
            self._portable.step_aside(names)
        elif _EXPORTS.search(sql):
            # Plain DuckDB could not import macros of functions that it has not.
            self._finish()
            self._portable.step_aside(None)

    def _finish(self) -> None:
        """Ends a result that nobody reads any more: DuckDB 2.0 does nothing else before."""
        connection = self._state.connection
        if not hasattr(connection, "abort"):
            return
        reads = self._state.ran is duckdb.StatementType.SELECT
        if reads and not _WRITES.search(self._running):
            connection.abort()
        else:
            connection.complete()

    def _interpret(self, sql: str, parameters: Parameters) -> Result:
        return self._prepared_interpreter(sql).run(sql, parameters)

    def _prepared_interpreter(self, sql: str) -> "Interpreter":
        if self._interpreter is None:
            # Planner and engine are loaded by the first statement that needs them.
            from augursql.database.interpreter import Interpreter

            self._interpreter = Interpreter(self._state)
        self._portable.register()
        if _AUGUR.search(sql):
            self._portable.ensure_augur()
        return self._interpreter


def _is_new(path: str) -> bool:
    return path in (":memory:", "") or not (path.startswith(":") or os.path.exists(path))


def _opened(
    path: str, read_only: bool, config: Mapping[str, Any] | None
) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(path, read_only=read_only, config=dict(config or {}))
    except duckdb.Error as error:
        raise StorageError(masked(f'"{path}" could not be opened: {error}')) from error

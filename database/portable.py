"""The functions with stable names, which views, macros and plain clients call.

They are registered when a database with a catalog of ours is opened, or with the session's first
statement of ours: DuckDB's Python client loads numpy for the first function, and a session that
needs none should not wait for it. What they need is prepared when they are called.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import duckdb

from augursql.database import macros
from augursql.database.state import State
from augursql.database.transactions import in_transaction
from augursql.errors import InvalidValueError
from augursql.planner.kinds import ASKING, TOLD
from augursql.planner.result import HITS

if TYPE_CHECKING:
    from augursql.database.answers import Answers
    from augursql.planner.kinds import CallKind
    from augursql.udfs.tally import Counts

_TEXT = "VARCHAR"
_ALONE = [kind for kind in ASKING if kind not in TOLD]


class Gate:
    """What DuckDB keeps of a function for good; a closed one holds on to nothing."""

    def __init__(self, compute: Callable[..., Any], failures: list[BaseException]) -> None:
        self._compute: Callable[..., Any] | None = compute
        self._failures = failures

    def close(self) -> None:
        self._compute, self._failures = None, []

    def call(self, *columns: Any) -> Any:
        """DuckDB keeps only the text of an error: the error itself is kept for the session."""
        try:
            if self._compute is None:
                raise InvalidValueError(
                    "The session that answered predictions in this database is closed.",
                    hint="Open another with augursql.connect().",
                )
            return self._compute(*columns)
        except BaseException as error:
            self._failures.append(error)
            raise


class Portable:
    """Owned by a Session. Its functions are called from any thread and any connection."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._answers: Answers | None = None
        self._lock = threading.RLock()
        self._registered: list[tuple[duckdb.DuckDBPyConnection, str]] = []
        self._gates: list[Gate] = []
        self._provisional = False
        self._anothers = False
        self._augur_exists = False
        self._aside: tuple[duckdb.DuckDBPyConnection, str] | None = None

    def open(self) -> None:
        """Makes the functions, and macros of them, where the database has a catalog of ours."""
        connection = self._state.connection
        try:
            connection.execute("SELECT 1 FROM augur.about").fetchall()
        except duckdb.Error:
            return  # Nothing of ours in it.
        self._anothers = not self._register_on(connection)
        database, read_only = self._database()
        if not read_only and not macros.are_current(connection, database):
            with suppress(duckdb.Error):  # A database can be opened without them.
                macros.create(connection, database)

    @property
    def ready(self) -> bool:
        """Whether the functions are there, this session's or another's."""
        return bool(self._registered) or self._anothers

    def register(self) -> None:
        """Registers the functions, unless this session did so, or another of this process.

        Who opens a database first owns its functions, until that session is closed.
        """
        if not self.ready:
            self.take_over()

    def take_over(self) -> bool:
        """Registers the functions where there are none; whether it did."""
        connection = self._state.connection
        if self._registered:
            return False
        # In a transaction no error may happen, as it would abort the user's.
        self._provisional = in_transaction(connection)
        there = self._provisional and macros.function_exists(connection, "augur_predict")
        self._anothers = there or not self._register_on(connection)
        return not self._anothers

    def after_rollback(self) -> None:
        """Registers again what was registered in a transaction that is rolled back."""
        if self._provisional:
            self._provisional = False
            self._register_on(self._state.connection.cursor())

    def ensure_augur(self) -> None:
        """Makes augur() callable on the session's own connection, in a database without it."""
        if not self._augur_exists:
            self.register()
            macros.create_temporary(self._state.connection)
            self._augur_exists = True

    def step_aside(self, names: frozenset[str] | None) -> None:
        """Drops macros of ours that the next statement defines as the user's; None: all of them,
        until `come_back`.
        """
        database, read_only = self._database()
        if read_only:
            return
        if names is not None:
            macros.step_aside(self._state.connection, database, names)
            return
        cursor = self._state.connection.cursor()
        if macros.step_aside(cursor, database, macros.FUNCTIONS):
            self._aside = (cursor, database)

    def come_back(self) -> None:
        """Makes the macros again that stepped aside for one statement."""
        if self._aside is not None:
            with suppress(duckdb.Error):
                macros.create(*self._aside)
            self._aside = None

    def close(self) -> None:
        """Lets go of everything; the names are free for another session's functions."""
        for gate in self._gates:
            gate.close()
        for connection, name in self._registered:
            with suppress(duckdb.Error):
                connection.remove_function(name)
        self._registered, self._gates = [], []
        if self._answers is not None:
            self._answers.close()
            self._answers = None

    def _database(self) -> tuple[str, bool]:
        name, read_only = self._state.connection.execute(
            "SELECT database_name, readonly FROM duckdb_databases() "
            "WHERE database_name = current_database()"
        ).fetchall()[0]
        return str(name), bool(read_only)

    def _register_on(self, connection: duckdb.DuckDBPyConnection) -> bool:
        from augursql.udfs.function import VectorFunction, register_for_good
        from augursql.udfs.tally import Tally

        returns = {"augur_embed": "FLOAT[]", "augur_similarity": "DOUBLE", "augur_search": HITS}
        for name, (count, compute) in self._functions().items():
            gate = Gate(compute, self._state.desk.failures)
            function = VectorFunction(
                (_TEXT,) * count, returns.get(name, _TEXT), gate.call, Tally(), _unforeseen
            )
            try:
                register_for_good(connection, name, function)
            except duckdb.Error:
                return False
            self._gates.append(gate)
            self._registered.append((connection, name))
        return True

    def _functions(self) -> dict[str, tuple[int, Callable[..., Any]]]:
        """Per name the number of parameters, all of them VARCHAR, and what computes the answer."""
        return {
            "augur_predict": (3, self._call("predict", about=True, json=True)),
            "augur_classify": (3, self._call("classify", json=True)),
            "augur_embed": (2, self._call("embed")),
            "augur_prompt": (3, self._call("prompt", about=True, json=True)),
            "augur_prompt_agg": (3, self._call("prompt_agg", about=True, json=True)),
            **{f"augur_{kind}": (2, self._call(kind, json=True)) for kind in _ALONE},
            "augur_similarity": (3, self._call("similarity")),
            "augur_search": (3, self._call("search", about=True)),
            "augur_document": (3, self._documents),
            "augur_type": (3, self._per_row(lambda answers, *given: answers.structure(*given))),
            "augur_rows": (1, self._per_row(lambda answers, name: answers.rows_sql(name))),
            "augur_sql": (1, self._per_row(lambda answers, text: answers.plain_sql(text))),
        }

    def _call(self, kind: "CallKind", *, about: bool = False, json: bool = False) -> Any:
        """A function of the target, index or template (`about`), the named arguments, and texts."""

        def compute(*columns: Any) -> Any:
            from augursql.udfs.portable import as_json, by_arguments

            def answer(arguments: tuple[str | None, ...], *texts: Any) -> Any:
                given = [argument or "" for argument in arguments]
                with self._answering() as answers:
                    prepared = answers.prepared(kind, given[0] if about else "", given[-1])
                found = prepared.function.compute(*texts)
                return as_json(found) if json else found

            return by_arguments(columns, 2 if about else 1, answer)

        return compute

    def _per_row(self, answer: "Callable[..., str]") -> Any:
        """A function of constants, as a rule: one value for each row, NULL where one is NULL."""

        def compute(*columns: Any) -> Any:
            import pyarrow as pa

            rows = zip(*(column.to_pylist() for column in columns), strict=True)
            with self._answering() as answers:
                return pa.array([_or_null(answers, answer, row) for row in rows], pa.string())

        return compute

    def _documents(self, *columns: Any) -> Any:
        """The documents of several inputs, which come as JSON lists of texts."""
        import pyarrow as pa

        from augursql.udfs.portable import by_arguments

        def answer(arguments: tuple[str | None, ...], inputs: Any) -> Any:
            target, named = (argument or "" for argument in arguments)
            with self._answering() as answers:
                return pa.array(answers.documents(target, named, inputs.to_pylist()), pa.string())

        return by_arguments(columns, 2, answer)

    @contextmanager
    def _answering(self) -> "Iterator[Answers]":
        with self._lock:
            if self._answers is None:
                from augursql.database.answers import Answers

                self._answers = Answers(self._state)
            yield self._answers


def _unforeseen(texts: Sequence[str]) -> "Counts":
    """What these functions cost is counted by those that they call."""
    from augursql.udfs.tally import Counts

    return Counts()


def _or_null(answers: Any, answer: "Callable[..., str]", given: tuple[Any, ...]) -> str | None:
    return None if None in given else answer(answers, *given)

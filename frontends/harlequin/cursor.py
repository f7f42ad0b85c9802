"""The rows of one statement, at most as many as Harlequin wants to show."""

from collections.abc import Callable, Sequence
from typing import Any

from harlequin.adapter import HarlequinCursor

from augursql.database.result import Result


class Cursor(HarlequinCursor):
    """`columns` are names and short types; `run` gives the rows, of which it may leave out those
    beyond a limit, so that nothing is predicted for them.
    """

    def __init__(
        self,
        columns: Sequence[tuple[str, str]],
        run: Callable[[int | None], Result],
        reading: Callable[[Callable[[], Any]], Any],
    ) -> None:
        self._columns = list(columns)
        self._run = run
        self._reading = reading
        self._limit: int | None = None

    def columns(self) -> list[tuple[str, str]]:
        return self._columns

    def set_limit(self, limit: int) -> "Cursor":
        self._limit = limit
        return self

    def fetchall(self) -> Any:
        """A pyarrow.Table; None where the statement was cancelled."""
        table = self._reading(lambda: self._run(self._limit).arrow())
        return table if table is None or self._limit is None else table.slice(0, self._limit)

    def fetchone(self) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._reading(lambda: self._run(1).fetchone())
        return found

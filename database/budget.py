"""Budgets: a statement is stopped before it costs more than the user allows."""

import threading

from augursql.errors import BudgetError
from augursql.settings import PREFIX, Settings
from augursql.udfs.tally import Counts


class Budget:
    """The limits of one statement; 0 is no limit. Asked by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._limits = (
            ("max_rows", settings.max_rows, "inputs of a model"),
            ("max_tokens", settings.max_tokens, "tokens"),
            ("max_seconds", settings.max_seconds, "seconds of a model's time"),
        )
        self._spent = Counts()
        self._lock = threading.Lock()

    @property
    def limited(self) -> bool:
        return any(limit for _, limit, _ in self._limits)

    def spend(self, costs: Counts) -> None:
        """Adds what is about to be spent. Raises BudgetError where that is too much."""
        with self._lock:
            spent = self._spent + costs
            wanted = (spent.evaluated, spent.tokens, spent.seconds)
            for (name, limit, unit), need in zip(self._limits, wanted, strict=True):
                if limit and need > limit:
                    raise _exceeded(name, limit, f"{need:,.6g} {unit}", spent)
            self._spent = spent


def _exceeded(name: str, limit: int, need: str, spent: Counts) -> BudgetError:
    return BudgetError(
        f"This needs {need}, and {PREFIX}{name} allows {limit:,}. Expected in all: "
        f"{spent.evaluated:,} inputs, {spent.tokens:,} tokens, {spent.seconds:,.1f} s.",
        hint="Raise the setting, or 0 for no limit; a condition or LIMIT makes it less.",
    )

"""What `augur predict` is to do, and the query that does it."""

from collections.abc import Sequence
from dataclasses import dataclass

from augursql.planner.lexer import literal, quoted

PREDICTED = "__augur_predicted"
# What PREDICT ... GIVEN calls the same columns.
_FIELDS = {"prediction": "_predictions", "confidence": "_probability"}


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be predicted, and how; names as the user wrote them."""

    target: str
    index: str
    details: tuple[str, ...]
    alias: str | None
    null_on_error: bool

    @property
    def columns(self) -> dict[str, str]:
        """The fields of the prediction, each with the name of its column."""
        named = {
            field: (self.alias or self.target) + _FIELDS.get(field, f"_{field}")
            for field in ("prediction", *self.details)
        }
        return named if self.alias is None else {**named, "prediction": self.alias}

    def query(self, source: str, inputs: Sequence[str]) -> str:
        """All columns of `source`, then those of the prediction."""
        clauses = f" USING INDEX {quoted(self.index)}"
        if self.details:
            clauses += f" WITH {', '.join(self.details).upper()}"
        if self.null_on_error:
            clauses += " ON ERROR NULL"
        arguments = ", ".join([literal(self.target), *map(quoted, inputs)])
        call = f"predict({arguments}{clauses})"
        if not self.details:
            return f"SELECT *, {call} AS {quoted(self.columns['prediction'])} FROM {source}"
        fields = ", ".join(
            f"{PREDICTED}.{field} AS {quoted(name)}" for field, name in self.columns.items()
        )
        return (
            f"SELECT * EXCLUDE ({PREDICTED}), {fields} "
            f"FROM (SELECT *, {call} AS {PREDICTED} FROM {source})"
        )

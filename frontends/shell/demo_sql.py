"""The demo's statements, for hotel reviews or for the columns of another file."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from augursql.errors import InvalidValueError, NameNotFoundError, candidates

HELD_OUT_PERCENT = 25
LABEL_NAMES = ("rating", "label", "class", "category", "sentiment", "intent", "stars", "score")
MOST_LABELS = 100
LEARNABLE = ("VARCHAR", "BOOLEAN", "DOUBLE", "FLOAT", "DECIMAL", "INT", "ENUM")

Statistics = Callable[[str], tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the demo is about: names as quoted SQL identifiers, and the target as an SQL string."""

    text: str
    target: str
    target_string: str
    estimated: bool

    @property
    def split(self) -> tuple[str, ...]:
        """Statements that part the labelled rows: equal texts go to the same side."""
        both = f"{self.target} IS NOT NULL AND {self.text} IS NOT NULL"
        side = f"hash({self.text}) % 100 < {HELD_OUT_PERCENT}"
        return (
            f"CREATE TABLE known AS FROM rows_read WHERE {both} AND NOT {side}",
            f"CREATE TABLE held_out AS FROM rows_read WHERE {both} AND {side}",
        )

    @property
    def count_unlabelled(self) -> str:
        return (
            f"SELECT count(*) FROM rows_read WHERE {self.target} IS NULL "
            f"AND {self.text} IS NOT NULL"
        )

    @property
    def prediction(self) -> str:
        return f"predict({self.target_string}, {self.text} USING INDEX demo)"


def choose_columns(
    columns: Mapping[str, str], statistics: Statistics, text: str | None, target: str | None
) -> Subject:
    """The longest text and a label-like column, unless they are named.

    `columns` gives types by name; `statistics` the distinct values and mean length of a column.
    Raises NameNotFoundError for a name that is not there, InvalidValueError if nothing fits.
    """
    for name in (text, target):
        if name is not None and name not in columns:
            raise NameNotFoundError(f'There is no column "{name}".', hint=candidates(name, columns))
    if text is None:
        texts = [c for c, t in columns.items() if t == "VARCHAR" and c != target]
        text = max(texts, key=lambda c: statistics(quoted(c))[1], default=None)
    if target is None:
        target = _label_like([c for c in columns if c != text], columns, statistics)
    if text is None or target is None:
        raise InvalidValueError(
            "The file has no column of texts with a column of labels beside it.",
            hint="Name them with --text and --target.",
        )
    number = columns[target].startswith(("DOUBLE", "FLOAT", "DECIMAL"))
    string = "'" + target.replace("'", "''") + "'"
    return Subject(quoted(text), quoted(target), string, number)


def steps(subject: Subject, unlabelled: int) -> Iterator[tuple[str, str]]:
    """Titles and statements of the demo."""
    text, target, prediction = subject.text, subject.target, subject.prediction
    yield (
        "1. Index the texts of the labelled rows",
        f"CREATE INDEX demo ON known USING HNSW ({text})",
    )
    yield (
        "2. Predict rows that it has never seen",
        f"SELECT {text}, {target} AS actual, {prediction} AS predicted\nFROM held_out LIMIT 8",
    )
    yield (
        "3. Ask why: the prediction's probability, and the nearest labelled rows",
        f"WITH asked AS (\n  SELECT predict({subject.target_string}, {text} USING INDEX demo TOP 4"
        " WITH CONFIDENCE, EXPLANATION) AS p\n  FROM held_out LIMIT 1)\n"
        "SELECT p.prediction AS predicted, round(p.confidence, 2) AS confidence,\n"
        "       unnest(p.explanation.rows, recursive := true)\nFROM asked",
    )
    if subject.estimated:
        yield (
            "4. How good is it? The mean error on the held-out rows, beside always saying the mean",
            f"SELECT count(*) AS rows, round(avg(abs({prediction} - {target})), 3) AS mean_error,\n"
            f"       round(avg(abs({target} - (SELECT avg({target}) FROM known))), 3)"
            " AS saying_the_mean\nFROM held_out",
        )
    else:
        yield (
            "4. How good is it? Accuracy on the held-out rows, beside always saying the commonest",
            f"SELECT count(*) AS rows, round(avg(({prediction} = {target})::INT), 3) AS accuracy,\n"
            f"       round(avg(({target} = (SELECT mode({target}) FROM known))::INT), 3)"
            " AS saying_the_commonest\nFROM held_out",
        )
    if unlabelled:
        yield (
            f"5. Fill in what is missing: {unlabelled:,} rows have no {target.strip(chr(34))}",
            f"SELECT {text}, {prediction} AS predicted\n"
            f"FROM rows_read WHERE {target} IS NULL LIMIT 5",
        )


def quoted(name: str) -> str:
    """A name as SQL text, in quotes only where it needs them."""
    return name if name.isidentifier() and name.islower() else '"' + name.replace('"', '""') + '"'


def _label_like(names: list[str], columns: Mapping[str, str], statistics: Statistics) -> str | None:
    learnable = [c for c in names if columns[c].startswith(LEARNABLE) or "INT" in columns[c]]
    for wanted in LABEL_NAMES:
        found = next((c for c in learnable if c.lower() == wanted), None)
        if found is not None:
            return found
    few = {c: statistics(quoted(c))[0] for c in learnable}
    fitting = {c: count for c, count in few.items() if 2 <= count <= MOST_LABELS}
    return min(fitting, key=lambda c: fitting[c], default=None)

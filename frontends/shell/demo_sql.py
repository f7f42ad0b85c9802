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
    """What the demo is about: names as SQL identifiers, and the target as an SQL string.

    `inputs` are the columns that are read, `text` the longest of them; `number`: the target is an
    integer, so that a near miss can be told from a far one; `estimated`: it is no label at all.
    """

    inputs: tuple[str, ...]
    text: str
    target: str
    target_string: str
    number: bool
    estimated: bool

    @property
    def documents(self) -> str:
        return ", ".join(self.inputs)

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
        return f"predict({self.target_string}, {self.documents} USING INDEX demo)"


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
    string = "'" + target.replace("'", "''") + "'"
    # A title says in few words what the text is about: both together are the document.
    titles = [c for c in columns if c.lower() == "title" and c not in (text, target)]
    return Subject(
        tuple(quoted(column) for column in [*titles, text]),
        quoted(text),
        quoted(target),
        string,
        number="INT" in columns[target],
        estimated=columns[target].startswith(("DOUBLE", "FLOAT", "DECIMAL")),
    )


def steps(subject: Subject, unlabelled: int) -> Iterator[tuple[str, str]]:
    """Titles and statements of the demo."""
    documents, target, prediction = subject.documents, subject.target, subject.prediction
    yield (
        "1. Index the labelled rows: every text becomes a vector, on this machine",
        f"CREATE INDEX demo ON known USING HNSW ({documents})",
    )
    yield (
        "2. Predict rows that it has never seen",
        f"SELECT {documents}, {target} AS actual,\n       {prediction} AS predicted\n"
        "FROM held_out LIMIT 8",
    )
    yield (
        "3. Ask why: how sure it is, and the nearest labelled rows",
        f"WITH asked AS (\n  SELECT predict({subject.target_string}, {documents} USING INDEX demo\n"
        "                 WITH CONFIDENCE, EXPLANATION) AS p\n  FROM held_out LIMIT 1)\n"
        "SELECT p.prediction AS predicted, round(p.confidence, 2) AS confidence,\n"
        "       unnest(p.explanation.rows, recursive := true)\nFROM asked",
    )
    yield _judged(subject)
    if unlabelled:
        yield (
            f"5. Fill in what is missing: {unlabelled:,} rows have no {target.strip(chr(34))}",
            f"SELECT {documents},\n       {prediction} AS predicted\n"
            f"FROM rows_read WHERE {target} IS NULL LIMIT 5",
        )


def _judged(subject: Subject) -> tuple[str, str]:
    target, from_ = subject.target, f"(SELECT *, {subject.prediction} AS p FROM held_out)"
    if subject.estimated:
        return (
            "4. How good is it? The mean error on the held-out rows, beside always saying the mean",
            f"SELECT count(*) AS held_out_rows, round(avg(abs(p - {target})), 3) AS mean_error,\n"
            f"       round(avg(abs({target} - (SELECT avg({target}) FROM known))), 3)"
            f" AS saying_the_mean\nFROM {from_}",
        )
    near = f"\n       round(avg((abs(p - {target}) <= 1)::INT), 3) AS at_most_one_off,"
    return (
        "4. How good is it? Accuracy on the held-out rows, beside always saying the commonest",
        f"SELECT count(*) AS held_out_rows, round(avg((p = {target})::INT), 3) AS accuracy,"
        f"{near if subject.number else ''}\n"
        f"       round(avg(({target} = (SELECT mode({target}) FROM known))::INT), 3)"
        f" AS saying_the_commonest\nFROM {from_}",
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

"""`augur predict`: the rows of files with a prediction for each, as another file.

What a model has computed goes into the prediction cache of the database about once a second; the
same command run again after a crash takes it from there. The output appears when it is whole.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from augursql.database.session import Session
from augursql.errors import (
    AugurError,
    InvalidValueError,
    NameExistsError,
    NameNotFoundError,
    StorageError,
    candidates,
)
from augursql.frontends.progress import Bar
from augursql.frontends.shell.files import (
    FORMATS,
    PART,
    STANDARD,
    Format,
    format_of,
    readable,
    replaced,
)
from augursql.frontends.shell.job import Job
from augursql.planner.plan import DETAILS

EPILOG = """
examples:
  augur predict --db hotels.duckdb --target rating --index hotels \\
                --input new.csv --output scored.parquet
  augur predict --db hotels.duckdb --target rating --index hotels --with confidence \\
                --input 'new/*.parquet' --output scored.csv
  cat new.json | augur predict --db hotels.duckdb --target rating --index hotels --input -
"""
INPUT = "__augur_input"
# What an operating system may say while a file is written.
_REFUSALS = (
    "No space left on device",
    "Read-only file system",
    "Permission denied",
    "File too large",
)


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns the exit status. Raises AugurError."""
    options = _parser().parse_args(arguments)
    if not Path(options.db).is_file():
        raise StorageError(f'There is no database "{options.db}".', hint="--db names a file.")
    output_format: Format = options.output_format or (
        "csv" if options.output == STANDARD else format_of(options.output)
    )
    job = Job(options.target, options.index, _details(options), options.alias, options.on_error)
    bar = Bar(lambda: session.settings.progress)
    session = Session(options.db, read_only=options.readonly, monitor=bar)
    try:
        with (
            readable(options.input, options.input_format) as source,
            replaced(options.output, output_format) as place,
        ):
            # By a name of its own, the planner sees that it can be read twice: once to count, so
            # that the progress bar knows its end.
            session.execute(f"CREATE TEMP VIEW {INPUT} AS FROM {source}")
            rows, seconds = _run(session, job, place)
        _report(session, options.output, rows, seconds)
    except AugurError as error:
        error.span = None  # The statement is ours, and its place would tell the user nothing.
        raise
    except duckdb.Error as error:
        print(_told(str(error), options.output), file=sys.stderr)
        return 1
    finally:
        session.close()
    return 0


def _told(error: str, output: str) -> str:
    """What DuckDB says, without the place in a statement that the user has not written."""
    refusal = next((words for words in _REFUSALS if words in error), None)
    if refusal is None or PART not in error:
        return error.partition("\n\nLINE ")[0]
    return (
        f"Error: {_place(output)} could not be written: {refusal}. "
        "The same command takes what was predicted from the database."
    )


def _run(session: Session, job: Job, place: str) -> tuple[int, float]:
    """Writes the predictions; returns how many rows, and the seconds that it took."""
    started = time.monotonic()
    query = job.query(INPUT, _inputs(session, job))
    session.execute("SET augur_execution = 'staged'")
    written = session.execute(f"COPY ({query}) TO {place}").fetchall()
    return int(written[0][0]), time.monotonic() - started


def _inputs(session: Session, job: Job) -> list[str]:
    """The columns that the index was made of, once it is sure that the input has them."""
    indexes = {
        str(name).lower(): list(map(str, columns))
        for name, columns in _rows(session, "SELECT name, columns FROM (SHOW INDEXES)")
    }
    if job.index.lower() not in indexes:
        raise NameNotFoundError(
            f'There is no index "{job.index}".', hint=candidates(job.index, indexes)
        )
    wanted = indexes[job.index.lower()]
    given = [str(row[0]) for row in _rows(session, f"DESCRIBE {INPUT}")]
    folded = {name.lower() for name in given}
    missing = [name for name in wanted if name.lower() not in folded]
    if missing:
        raise NameNotFoundError(
            f'The index "{job.index}" was made of {", ".join(wanted)}; '
            f'the input has no column "{missing[0]}".',
            hint=candidates(missing[0], given),
        )
    taken = [name for name in job.columns.values() if name.lower() in folded]
    if taken:
        raise NameExistsError(
            f'The input has a column "{taken[0]}" already.', hint="Name another with --as."
        )
    return wanted


def _report(session: Session, output: str, rows: int, seconds: float) -> None:
    for notice in session.notices:
        print(notice.text, file=sys.stderr)
    cost = _rows(
        session,
        "SELECT coalesce(sum(evaluated), 0), coalesce(sum(cached), 0) FROM augur_calls() "
        "WHERE starts_with(call, 'predict')",
    )[0]
    print(
        f"{rows:,} rows to {_place(output)} in {seconds:.1f} s: {cost[0]:,} texts evaluated, "
        f"{cost[1]:,} known before.",
        file=sys.stderr,
    )


def _place(output: str) -> str:
    return "standard output" if output == STANDARD else output


def _rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return session.execute(sql).fetchall()


def _details(options: argparse.Namespace) -> tuple[str, ...]:
    wanted = [word.strip().lower() for word in (options.details or "").split(",") if word.strip()]
    for word in wanted:
        if word not in DETAILS:
            raise InvalidValueError(f'--with knows no "{word}".', hint=candidates(word, DETAILS))
    return tuple(wanted)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "augur predict",
        description="Reads rows from files and writes them with a prediction for each.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--db", required=True, metavar="FILE", help="the database that holds the index")
    add("--target", required=True, help="the column of the indexed table to predict")
    add("--index", required=True, help="the index to learn from")
    add("--input", required=True, nargs="+", metavar="FILE", help="files, a glob, or - for stdin")
    add("--output", default=STANDARD, metavar="FILE", help="a file, or - for stdout (without it)")
    add("--with", dest="details", metavar="DETAIL,...", help=f"more columns: {', '.join(DETAILS)}")
    add("--as", dest="alias", metavar="NAME", help="the column of the prediction")
    meaning = "null: what cannot be predicted is NULL; fail (without it): nothing is written"
    add("--on-error", type=_null_on_error, default=False, metavar="null|fail", help=meaning)
    add("--input-format", choices=FORMATS, help="where the name does not tell it")
    add("--output-format", choices=FORMATS, help="where the name does not tell it")
    add("--readonly", action="store_true", help="open the database read-only")
    return parser


def _null_on_error(word: str) -> bool:
    if word.lower() not in ("null", "fail"):
        raise argparse.ArgumentTypeError("null or fail")
    return word.lower() == "null"

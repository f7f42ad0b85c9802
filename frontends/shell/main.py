"""The command `augur`."""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from augursql import __version__
from augursql.errors import AugurError, OtherDocumentWarning, StaleIndexWarning

EPILOG = """
examples:
  augur hotels.duckdb -c "SELECT 42"
  augur hotels.duckdb < statements.sql
  augur demo                     predictions from a few hundred hotel reviews
  augur demo --data reviews.csv  the same on your own file (CSV, Parquet, JSON)
  augur gpu                      install the CUDA build of ONNX Runtime
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0, 1 on an error, 130 on Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for shown_as_notice in (StaleIndexWarning, OtherDocumentWarning):
        warnings.simplefilter("ignore", shown_as_notice)
    try:
        return _dispatch(given)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except AugurError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone: nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _dispatch(given: Sequence[str]) -> int:
    if given[:1] == ["demo"]:
        from augursql.frontends.shell.demo import main as demo

        return demo(given[1:])
    if given[:1] == ["gpu"]:
        from augursql.frontends.shell.gpu import main as gpu

        return gpu(given[1:])
    return _database(given)


def _database(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        "augur",
        description="SQL that predicts, classifies and searches, inside DuckDB.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("database", nargs="?", default=":memory:", help="a DuckDB file")
    parser.add_argument("-c", "--command", action="append", help="SQL to run")
    parser.add_argument("--readonly", action="store_true", help="open the file read-only")
    parser.add_argument("--version", action="version", version=f"AugurSQL {__version__}")
    options = parser.parse_args(given)

    from augursql.database.session import Session
    from augursql.frontends.progress import Bar
    from augursql.frontends.shell.script import Script

    bar = Bar(lambda: session.settings.progress)
    session = Session(options.database, read_only=options.readonly, monitor=bar)
    try:
        script = Script(session)
        if options.command:
            return next((code for text in options.command if (code := script.run(text))), 0)
        if not sys.stdin.isatty():
            return script.run(sys.stdin.read())
        return script.converse()
    finally:
        session.close()

"""The command line of `augur`, with the options that users of DuckDB's shell know."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any, Literal

from augursql import __version__
from augursql.frontends.shell.arguments import unescaped
from augursql.frontends.shell.look import MODES, Look

EPILOG = """
examples:
  augur hotels.duckdb            the shell; .help lists its commands
  augur hotels.duckdb -c "SELECT 42"
  augur hotels.duckdb -csv -f report.sql > report.csv
  augur hotels.duckdb < statements.sql
  augur predict --help           predictions for the rows of files
  augur serve hotels.duckdb      the database for DuckDB's own shell (Quack)
  augur shell-setup --write      and what to put into ~/.duckdbrc for it
  augur demo                     predictions from a few hundred hotel reviews
  augur demo --data reviews.csv  the same on your own file (CSV, Parquet, JSON)
  augur gpu                      install the CUDA build of ONNX Runtime

Options are written with one dash or two. The output modes are options too:
"""
CONFIG = ("allow_unsigned_extensions", "storage_compatibility_version")
Step = tuple[Literal["command", "file"], str]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What was asked for. `steps` run in their order; without any, standard input is read.

    `before` run first in any case; `init` is a file that runs before them, None for ~/.augurrc.
    `config` is DuckDB's; `interactive`: whether a person is asked, None where that is to be seen.
    """

    database: str
    read_only: bool
    config: Mapping[str, str]
    look: Look
    steps: tuple[Step, ...]
    before: tuple[str, ...]
    init: str | None
    no_init: bool
    no_stdin: bool
    interactive: bool | None


class _Add(argparse.Action):
    """Keeps -c and -f in the order they were given in."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        steps = [*(getattr(namespace, self.dest) or []), (self.const, values)]
        setattr(namespace, self.dest, steps)


def parsed(given: Sequence[str]) -> CommandLine:
    """The command line as values; what is wrong with it ends the program with status 2."""
    options = _parser().parse_args(given)
    steps = list(options.steps or [])
    if options.sql is not None:
        steps.append(("command", options.sql))
    look = Look(
        mode=options.mode,
        headers=options.headers,
        null=options.nullvalue,
        separator=None if options.separator is None else unescaped(options.separator),
        row_separator=None if options.newline is None else unescaped(options.newline),
        bail=options.bail,
        echo=options.echo,
    )
    return CommandLine(
        database=options.database,
        read_only=options.readonly,
        config={key: value for key in CONFIG if (value := getattr(options, key)) is not None},
        look=look,
        steps=tuple(steps),
        before=tuple(options.cmd or ()),
        init=options.init,
        no_init=options.no_init,
        no_stdin=options.no_stdin,
        interactive=options.interactive,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "augur",
        usage="augur [OPTION ...] [DATABASE] [SQL]",
        description="SQL that predicts, classifies and searches, inside DuckDB.",
        epilog=EPILOG + fill(" ".join(f"-{mode}" for mode in MODES), 78),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    add = parser.add_argument
    add("-h", *_both("help"), action="help", help="show this")
    add("database", nargs="?", default=":memory:", help="a DuckDB file; in memory without it")
    add("sql", nargs="?", help="SQL to run")
    for names, const, meaning in (
        (("-c", "-s", "--command", "-command"), "command", "SQL or dot commands to run"),
        (("-f", "--file", "-file"), "file", "a file of them to run"),
    ):
        metavar = "SQL" if const == "command" else "FILE"
        add(*names, action=_Add, dest="steps", const=const, metavar=metavar, help=meaning)
    add(*_both("cmd"), action="append", metavar="SQL", help="SQL to run before anything else")
    add(*_both("init"), metavar="FILE", help="run this file first, in place of ~/.augurrc")
    add(*_both("no-init"), action="store_true", help="do not run ~/.augurrc")
    person = "the shell, also after -c or -f, and where input is not a terminal"
    add(*_both("interactive"), action="store_true", default=None, help=person)
    batch = "read statements from standard input, also from a terminal"
    add(*_both("batch"), action="store_false", dest="interactive", help=batch)
    add(*_both("no-stdin"), action="store_true", help="do not read standard input")
    add(*_both("readonly"), action="store_true", help="open the file read-only")
    _add_look(parser)
    add(
        *_both("unsigned"),
        action="store_const",
        const="true",
        dest=CONFIG[0],
        help="let DuckDB load unsigned extensions",
    )
    add(
        *_both("storage-version"), dest=CONFIG[1], metavar="VER", help="write files for this DuckDB"
    )
    add(*_both("version"), action="version", version=f"AugurSQL {__version__}")
    parser.set_defaults(mode="box", headers=True, bail=True)
    return parser


def _add_look(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    for mode in MODES:
        add(*_both(mode), action="store_const", dest="mode", const=mode, help=argparse.SUPPRESS)
    switches = (
        ("header", "headers", True, "show the names of columns"),
        ("noheader", "headers", False, "leave them out"),
        ("bail", "bail", True, "stop at the first error (so it is without this option)"),
        ("no-bail", "bail", False, "go on after an error"),
    )
    for name, dest, value, meaning in switches:
        add(*_both(name), action="store_const", dest=dest, const=value, help=meaning)
    add(*_both("nullvalue"), default="NULL", metavar="TEXT", help="what stands for NULL")
    add(*_both("separator"), metavar="TEXT", help="what parts values in csv, list, tabs and others")
    add(*_both("newline"), metavar="TEXT", help="what parts rows there")
    add(*_both("echo"), action="store_true", help="print each statement before its result")


def _both(name: str) -> tuple[str, str]:
    return f"-{name}", f"--{name}"

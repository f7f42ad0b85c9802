"""The dot commands, with the meaning that DuckDB's shell gives them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from shutil import get_terminal_size
from textwrap import TextWrapper

from augursql.errors import NameNotFoundError, UnsupportedError, candidates
from augursql.frontends.shell import actions, listed, switches
from augursql.frontends.shell.arguments import Arguments
from augursql.frontends.shell.look import MODES
from augursql.frontends.shell.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Command:
    """One command: what follows its name, what it does in a few words, and the doing.

    `run` returns a text that is to be run next, if any.
    """

    arguments: str
    summary: str
    run: Callable[[Terminal, Arguments], str | None]


def run_command(terminal: Terminal, line: str) -> str | None:
    """Runs a command, given without its dot; returns a text that is to be run next, if any.

    Raises AugurError, SystemExit.
    """
    word, _, rest = line.partition(" ")
    name = named(word)
    command = COMMANDS[name]
    return command.run(terminal, Arguments(name, command.arguments, rest.strip()))


def named(word: str) -> str:
    """A command by its name or an unambiguous beginning of it.

    Raises NameNotFoundError, or UnsupportedError for what DuckDB's shell alone has.
    """
    if word in COMMANDS:
        return word
    if word in ELSEWHERE:
        raise UnsupportedError(f"DuckDB's .{word} is not here.", hint=ELSEWHERE[word])
    begun = [name for name in COMMANDS if word and name.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        listed_ = ", ".join(f".{name}" for name in begun)
        raise NameNotFoundError(f'".{word}" may mean {listed_}.', hint="Type more of it.")
    known = [f".{name}" for name in COMMANDS]
    raise NameNotFoundError(
        f'There is no command ".{word}".',
        hint=f"{candidates(f'.{word}', known)} .help lists all of them.",
    )


def _help(terminal: Terminal, arguments: Arguments) -> None:
    words = [word for word in arguments.words if word not in ("-all", "--all")]
    wanted = words[0].lstrip(".") if words else ""
    rows = [
        (f".{name} {command.arguments}".rstrip(), command.summary)
        for name, command in COMMANDS.items()
        if wanted in name
    ]
    if not rows:
        terminal.put([f"Nothing matches '{wanted}'\n"])
        return
    room = max(len(usage) for usage, _ in rows) + 2
    columns = get_terminal_size().columns if terminal.output.watched else 1000
    shape = TextWrapper(max(columns, room + 20), subsequent_indent=" " * room)
    terminal.put([shape.fill(f"{usage:<{room}}{summary}") + "\n" for usage, summary in rows])


COMMANDS: Mapping[str, Command] = {
    "bail": Command(
        "on|off", "Stop after an error; on in scripts unless said otherwise", switches.bail
    ),
    "cd": Command("DIRECTORY", "Change the working directory", actions.change_folder),
    "changes": Command("on|off", "Show how many rows a statement changed", switches.changes),
    "databases": Command("", "List names and files of attached databases", listed.databases),
    "echo": Command("on|off", "Print each statement before its result", switches.echo),
    "edit": Command("", "Change the last statement in your editor, and run it", actions.edit),
    "exit": Command("?CODE?", "Leave, with this exit status", actions.leave),
    "explain": Command("on|off|auto", "EXPLAIN as plain text, or as rows", switches.explain),
    "headers": Command("on|off", "Show the names of columns", switches.headers),
    "help": Command("?PATTERN?", "List the commands", _help),
    "highlight": Command("on|off", "Colour what is typed", switches.highlight),
    "highlight_errors": Command("on|off", "Colour errors", switches.highlight_errors),
    "highlight_results": Command("on|off", "Colour results", switches.highlight_results),
    "import": Command(
        "FILE TABLE ?OPTIONS?", "Read a file's rows into a table", actions.import_file
    ),
    "indexes": Command("?TABLE?", "List names of indexes, on tables LIKE this", listed.indexes),
    "last": Command("", "Show the last result again, uncut", actions.last),
    "maxrows": Command("COUNT", "The most rows that a box shows; 0 for all", switches.maxrows),
    "maxwidth": Command(
        "COUNT", "The widest a box may be; 0 for the terminal's width", switches.maxwidth
    ),
    "mode": Command("MODE ?TABLE?", f"Set the output mode: {', '.join(MODES)}", switches.mode),
    "models": Command("", "List names of models", listed.models),
    "nullvalue": Command("STRING", "Show this in place of NULL", switches.nullvalue),
    "once": Command("FILE", "Send the next result to a file, or '|program'", actions.once),
    "open": Command(
        "?--readonly|--new? ?FILE?",
        "Close the database and open another one",
        actions.open_database,
    ),
    "output": Command(
        "?FILE?", "Send results to a file, '|program', or the screen again", actions.output
    ),
    "pager": Command(
        "on|off|automatic|PROGRAM", "Show long results in a pager ($PAGER or less)", switches.pager
    ),
    "print": Command("STRING...", "Print this", actions.print_text),
    "prompt": Command("MAIN ?CONTINUE?", "Set the prompts", switches.prompt),
    "quit": Command("", "Leave", actions.leave),
    "read": Command("FILE", "Run the statements of a file", actions.read),
    "schema": Command("?PATTERN?", "The statements that made what is LIKE this", listed.schema),
    "separator": Command(
        "COL ?ROW?",
        "What parts values and rows in ascii, csv, list, quote, tabs and tcl",
        switches.separator,
    ),
    "shell": Command("CMD ARGS...", "Run a command of the operating system", actions.shell),
    "show": Command("", "Show what these commands have set", switches.show),
    "startup_text": Command(
        "all|version|none", "What is said at the start; for ~/.augurrc", switches.startup_text
    ),
    "system": Command("CMD ARGS...", "Run a command of the operating system", actions.shell),
    "tables": Command("?PATTERN?", "List names of tables and views LIKE this", listed.tables),
    "timer": Command("on|off", "Show how long each statement takes", switches.timer),
    "version": Command("", "Show the versions", actions.version),
    "width": Command(
        "NUM...", "Least widths in mode column; negative aligns right", switches.width
    ),
}
# What only DuckDB's shell has, with what serves here.
ELSEWHERE: Mapping[str, str] = {
    "binary": "COPY ... TO writes any bytes.",
    "columns": "SUMMARIZE and .mode line show wide tables.",
    "decimal_sep": "format('{:,.2f}', x) formats a number.",
    "display_colors": "The colours are those of the terminal; .highlight off leaves them out.",
    "dump": "EXPORT DATABASE 'folder' writes everything.",
    "excel": ".mode csv and .once FILE write what a spreadsheet opens.",
    "highlight_colors": "The colours are those of the terminal; .highlight off leaves them out.",
    "highlight_mode": "The colours are those of the terminal; .highlight off leaves them out.",
    "large_number_rendering": "format('{:,}', x) formats a number.",
    "log": "The history file keeps what was typed; .output FILE what came.",
    "multiline": "A statement has as many lines as it needs, up to its semicolon.",
    "progress_bar": "SET augur_progress = 'off' hides it.",
    "read_line_version": "There is only one.",
    "render_completion": "Completion shows when Tab is pressed.",
    "render_errors": "Errors show when a statement is run.",
    "rows": ".mode box is the default.",
    "safe_mode": "SET enable_external_access = false keeps DuckDB from files and the network.",
    "singleline": "A statement has as many lines as it needs, up to its semicolon.",
    "thousand_sep": "format('{:,}', x) formats a number.",
    "ui_command": "DuckDB's web interface is not part of AugurSQL.",
}

"""The dot commands that change how results are shown, and `.show`, which tells what they set."""

import shutil
from collections.abc import Mapping

from augursql.errors import InvalidValueError, candidates
from augursql.frontends.shell.arguments import Arguments, unescaped
from augursql.frontends.shell.listed import current_file
from augursql.frontends.shell.look import MODES, Mode
from augursql.frontends.shell.terminal import Terminal


def bail(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.bail = arguments.switch()


def changes(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.changes = arguments.switch()


def echo(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.echo = arguments.switch()


def explain(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.plain_explain = arguments.words in ([], ["auto"]) or arguments.switch()


def headers(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.headers = arguments.switch()


def highlight(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.highlight = arguments.switch()


def highlight_errors(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.highlight_errors = arguments.switch()


def highlight_results(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.highlight_results = arguments.switch()


def maxrows(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.rows = arguments.number()


def maxwidth(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.width = arguments.number()


def mode(terminal: Terminal, arguments: Arguments) -> None:
    look, words = terminal.look, arguments.words
    if not words:
        terminal.put([f"current output mode: {look.mode}\n"])
        return
    if len(words) > (2 if words[0] == "insert" else 1):
        raise arguments.wrong("only mode insert takes a table")
    look.mode = mode_named(words[0])
    look.separator = look.row_separator = None
    look.table = words[1] if len(words) == 2 else "table"


def mode_named(name: str) -> Mode:
    """An output mode by its name; DuckDB's duckbox is our box. Raises InvalidValueError."""
    wanted = {"duckbox": "box"}.get(name.lower(), name.lower())
    found = next((known for known in MODES if known == wanted), None)
    if found is None:
        raise InvalidValueError(
            f'There is no output mode "{name}".', hint=candidates(wanted, MODES)
        )
    return found


def nullvalue(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.null = arguments.one()


def pager(terminal: Terminal, arguments: Arguments) -> None:
    look, words = terminal.look, arguments.words
    if words in ([], ["automatic"], ["auto"]):
        look.pager = "automatic"
    elif words in (["on"], ["off"]):
        look.pager = "on" if words == ["on"] else "off"
    elif shutil.which(words[0]) is None:
        raise arguments.wrong(f'there is no program "{words[0]}"')
    else:
        look.pager, look.pager_command = "on", arguments.text


def prompt(terminal: Terminal, arguments: Arguments) -> None:
    words = arguments.words
    if len(words) not in (1, 2):
        raise arguments.wrong("needs one text or two")
    terminal.look.prompt = words[0]
    terminal.look.continued = words[1] if len(words) == 2 else terminal.look.continued


def separator(terminal: Terminal, arguments: Arguments) -> None:
    words = [unescaped(word) for word in arguments.words]
    if len(words) not in (1, 2):
        raise arguments.wrong("needs one text or two")
    terminal.look.separator = words[0]
    terminal.look.row_separator = words[1] if len(words) == 2 else terminal.look.row_separator


def startup_text(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.startup_text = arguments.choice(("all", "version", "none"))


def timer(terminal: Terminal, arguments: Arguments) -> None:
    terminal.look.timer = arguments.switch()


def width(terminal: Terminal, arguments: Arguments) -> None:
    try:
        terminal.look.widths = tuple(int(word) for word in arguments.words)
    except ValueError:
        raise arguments.wrong("needs whole numbers") from None


def show(terminal: Terminal, arguments: Arguments) -> None:
    look = terminal.look
    values: Mapping[str, object] = {
        "bail": look.bail,
        "changes": look.changes,
        "colseparator": f'"{_visible(look.column_separator)}"',
        "echo": look.echo,
        "explain": "plain" if look.plain_explain else "rows",
        "headers": look.headers,
        "maxrows": "automatic" if look.rows is None else look.rows,
        "maxwidth": look.width or "automatic",
        "mode": look.mode,
        "nullvalue": f'"{look.null}"',
        "output": terminal.output.name,
        "pager": look.pager,
        "rowseparator": f'"{_visible(look.line_end)}"',
        "timer": look.timer,
        "width": " ".join(map(str, look.widths)),
        "filename": current_file(terminal.session),
    }
    words = {True: "on", False: "off"}
    terminal.put(
        f"{name:>12}: {words[value] if isinstance(value, bool) else value}\n"
        for name, value in values.items()
    )


def _visible(separator: str) -> str:
    return repr(separator)[1:-1]

"""A conversation with a person at a terminal."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.lexers import DynamicLexer

from augursql import __version__
from augursql.frontends.shell.commands import COMMANDS
from augursql.frontends.shell.completion import candidates, file_begun
from augursql.frontends.shell.highlight import SqlLexer
from augursql.frontends.shell.listed import duckdb_version
from augursql.frontends.shell.look import MODES
from augursql.frontends.shell.names import KnownNames
from augursql.frontends.shell.parts import complete
from augursql.frontends.shell.script import Script

_OF_FILES = ("cd", "import", "once", "open", "output", "read")
# What newcomers type to leave or to be helped is no beginning of a statement.
_BARE = {"exit": ".exit", "quit": ".quit", "help": ".help", "\\q": ".quit", "\\e": ".edit"}
_SECRET = re.compile(r"(?i)\bsecret\b|\bpassword\b")


class Console:
    """Asks for statements, each up to its semicolon, until Ctrl-D or .quit.

    Ctrl-C empties the line, and cancels a statement that runs.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        look = script.terminal.look
        known = KnownNames(script.terminal)
        colours = SqlLexer(known.keywords)
        self._ask: PromptSession[str] = PromptSession(
            lambda: look.prompt,
            history=_history(),
            lexer=DynamicLexer(lambda: colours if look.highlight else None),
            completer=SqlCompleter(known),
            complete_while_typing=False,
            multiline=Condition(lambda: not _ended(get_app().current_buffer.text)),
            prompt_continuation=lambda width, line, wrapped: look.continued,
            enable_open_in_editor=True,
            enable_suspend=True,
            tempfile_suffix=".sql",
        )

    def run(self, database: str) -> int:
        """Returns the exit status."""
        self._greet(database)
        while True:
            try:
                text = self._ask.prompt()
                self._script.run(_BARE.get(_bare(text), text))
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0

    def _greet(self, database: str) -> None:
        terminal = self._script.terminal
        if terminal.look.startup_text == "none":
            return
        where = "a database in memory" if database == ":memory:" else database
        print(f"AugurSQL {__version__} (DuckDB {duckdb_version(terminal.session)}), {where}")
        if terminal.look.startup_text == "all":
            print("End a statement with ; and leave with Ctrl-D. .help lists more.")


def _bare(text: str) -> str:
    return text.strip().rstrip(";").lower()


def _ended(text: str) -> bool:
    """Whether Enter runs the text, and does not begin a new line."""
    return complete(text) or _bare(text) in _BARE


class SqlCompleter(Completer):
    """What Tab offers."""

    def __init__(self, known: KnownNames) -> None:
        self._known = known
        self._paths = PathCompleter(expanduser=True)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        before = document.text_before_cursor
        if before.startswith("."):
            yield from self._of_command(before, complete_event)
            return
        file = file_begun(before)
        if file is not None:
            yield from self._paths.get_completions(Document(file), complete_event)
            return
        for found in candidates(before, self._known.now()):
            yield Completion(found.text, -found.replaces, display_meta=found.kind)

    def _of_command(self, before: str, event: CompleteEvent) -> Iterable[Completion]:
        name, space, rest = before[1:].partition(" ")
        if not space:
            for command, known in COMMANDS.items():
                if command.startswith(name):
                    yield Completion(f".{command}", -len(before), display_meta=known.summary)
        elif name in _OF_FILES:
            yield from self._paths.get_completions(Document(rest), event)
        else:
            for word in self._arguments(name):
                if word.startswith(rest):
                    yield Completion(word, -len(rest))

    def _arguments(self, command: str) -> Iterable[str]:
        if command == "mode":
            return MODES
        if command in ("indexes", "schema", "tables"):
            return self._known.now().tables
        usage = COMMANDS[command].arguments if command in COMMANDS else ""
        return usage.split("|") if "|" in usage else ()


class _File(FileHistory):
    """What was typed, but no secrets: they are not to be found in a file."""

    def store_string(self, string: str) -> None:
        if not _SECRET.search(string):
            super().store_string(string)


def _history() -> History:
    """What was typed before, in ~/.augur_history or the file that AUGUR_HISTORY names."""
    path = Path(os.environ.get("AUGUR_HISTORY") or Path.home() / ".augur_history")
    try:
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return _File(str(path))

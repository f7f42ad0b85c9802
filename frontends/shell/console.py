"""A conversation with a person at a terminal."""

import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from augursql import __version__
from augursql.frontends.shell.commands import COMMANDS
from augursql.frontends.shell.completion import candidates
from augursql.frontends.shell.highlight import SqlLexer
from augursql.frontends.shell.listed import duckdb_version
from augursql.frontends.shell.look import MODES
from augursql.frontends.shell.names import KnownNames
from augursql.frontends.shell.parts import complete
from augursql.frontends.shell.script import Script

PROMPT, CONTINUED = "augur> ", "  ...> "
_OF_FILES = ("cd", "once", "open", "output", "read")


class Console:
    """Asks for statements, each up to its semicolon, until Ctrl-D or .quit.

    Ctrl-C empties the line, and cancels a statement that runs.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._known = KnownNames(script.terminal)
        words: dict[int, frozenset[str]] = {}
        self._ask: PromptSession[str] = PromptSession(
            history=_history(),
            lexer=SqlLexer(lambda: self._keywords(words)),
            completer=SqlCompleter(self._known),
            complete_while_typing=False,
            multiline=Condition(lambda: not complete(get_app().current_buffer.text)),
            prompt_continuation=CONTINUED,
            enable_open_in_editor=True,
            tempfile_suffix=".sql",
        )

    def run(self, database: str) -> int:
        """Returns the exit status."""
        terminal = self._script.terminal
        where = "a database in memory" if database == ":memory:" else database
        print(
            f"AugurSQL {__version__} (DuckDB {duckdb_version(terminal.session)}), {where}\n"
            "End a statement with ; and leave with Ctrl-D. .help lists more."
        )
        while True:
            try:
                text = self._ask.prompt(PROMPT)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            bail, terminal.look.bail = terminal.look.bail, True
            self._script.run(text)
            terminal.look.bail = bail

    def _keywords(self, words: dict[int, frozenset[str]]) -> frozenset[str]:
        """As a set, made once for each version of the names."""
        names = self._known.now()
        if id(names) not in words:
            words.clear()
            words[id(names)] = frozenset(names.keywords)
        return words[id(names)]


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


def _history() -> History:
    """What was typed before, in ~/.augur_history or the file that AUGUR_HISTORY names."""
    path = Path(os.environ.get("AUGUR_HISTORY") or Path.home() / ".augur_history")
    try:
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))

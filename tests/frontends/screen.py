"""A terminal of our own: the real shell in a pseudo-terminal, and the screen that a person sees."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


class Screen:
    """Runs `augur` with arguments; `lines` is what is on its screen."""

    def __init__(
        self, arguments: Sequence[str], home: Path, size: tuple[int, int] = (40, 100)
    ) -> None:
        rows, columns = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        environment = {
            **os.environ,
            "HOME": str(home),
            "AUGUR_HISTORY": str(home / "history"),
            "TERM": "xterm-256color",
            "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)),
        }
        environment.pop("PAGER", None)
        self.child = pexpect.spawn(
            sys.executable,
            ["-m", "augursql", *arguments],
            env=environment,
            encoding="utf-8",
            dimensions=size,
        )
        self.child.delaybeforesend = None
        # The shell asks where the cursor is, and a terminal answers.
        self.screen.write_process_input = self.child.send

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip()

    def send(self, text: str) -> None:
        """Types; "\\r" is Enter, "\\t" Tab, "\\x03" Ctrl-C, "\\x04" Ctrl-D."""
        self.child.send(text)

    def until(self, wanted: str | Callable[[str], bool]) -> str:
        """Waits until the screen shows a text, or satisfies a condition; returns the screen."""
        end = time.monotonic() + PATIENCE_S
        while not (wanted in self.text if isinstance(wanted, str) else wanted(self.text)):
            assert time.monotonic() < end, f"{wanted!r} never came:\n{self.text}"
            try:
                self._stream.feed(self.child.read_nonblocking(65_536, timeout=0.2))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                shown = self.text
                assert wanted in shown if isinstance(wanted, str) else wanted(shown), shown
        return self.text

    def run(self, statement: str, waits_for: str = "augur>") -> str:
        """Types a line at an empty prompt, and waits for the next prompt; returns the screen."""
        self.clear()
        self.send(statement + "\r")
        return self.until(lambda shown: len(shown) > 8 and shown.endswith(waits_for))

    def clear(self) -> None:
        """Waits for the prompt, and leaves nothing else on the screen."""
        self.until(lambda shown: shown.endswith("augur>"))
        self.screen.reset()
        self.send("\x0c")  # Ctrl-L clears the screen.
        self.until(lambda shown: shown == "augur>")

    def colour(self, line: int, text: str) -> str:
        """The colour of the first character of a text in a line."""
        return str(self.screen.buffer[line][self.lines[line].index(text)].fg)

    def leave(self) -> int:
        """Waits for the shell's end; returns its exit status."""
        while True:
            try:
                self._stream.feed(self.child.read_nonblocking(65_536, timeout=PATIENCE_S))
            except pexpect.EOF:
                break
        self.child.close()
        return int(self.child.exitstatus)

"""How far long work is: a bar for whoever is watching, in a terminal or a notebook and never in a
pipe, or calls of a function."""

import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

PATIENCE = 0.7


class Calling:
    """A Monitor that calls `progress(label, done, total)`; `total` is None when unknown.

    It is called after each batch, and at first where the total is known, by one thread at a time,
    which may be one of DuckDB's. An exception that it raises ends the statement.
    """

    def __init__(self, progress: Callable[[str, int, int | None], object]) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._label = ""
        self._total: int | None = None
        self._done = 0

    def begin(self, label: str, total: int | None) -> None:
        with self._lock:
            self._label, self._total, self._done = label, total, 0
            if total is not None:
                self._progress(label, 0, total)

    def advance(self, count: int) -> None:
        with self._lock:
            if self._label:
                self._done += count
                self._progress(self._label, self._done, self._total)

    def end(self) -> None:
        with self._lock:
            self._label = ""

    def check(self) -> None:
        return None


class Bar:
    """A Monitor that draws one bar on standard error once work has taken 0.7 s.

    `setting` gives augur_progress: 'auto' draws only where a person is watching, 'on' always,
    'off' never.
    """

    def __init__(self, setting: Callable[[], str]) -> None:
        self._setting = setting
        self._lock = threading.Lock()
        self._label = ""
        self._total: int | None = None
        self._done = 0
        self._started = 0.0
        self._bar: Any = None

    def begin(self, label: str, total: int | None) -> None:
        with self._lock:
            self._close()
            self._label, self._total, self._done = label, total, 0
            self._started = time.monotonic()

    def advance(self, count: int) -> None:
        with self._lock:
            if not self._label:
                return
            self._done += count
            if self._bar is None and time.monotonic() - self._started > PATIENCE:
                self._open()
            elif self._bar is not None:
                self._bar.update(count)

    def end(self) -> None:
        with self._lock:
            self._close()
            self._label = ""

    def check(self) -> None:
        return None

    def _open(self) -> None:
        if not self._watched():
            return
        if _in_notebook() and find_spec("ipywidgets"):
            from tqdm.notebook import tqdm
        else:
            from tqdm import tqdm
        self._bar = tqdm(
            desc=self._label,
            total=self._total,
            initial=self._done,
            unit=" texts",
            leave=False,
            file=sys.stderr,
            dynamic_ncols=True,
        )

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _watched(self) -> bool:
        setting = self._setting()
        if setting == "auto":
            return _in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
        return setting == "on"


def _in_notebook() -> bool:
    """IPython's kernel for notebooks is running us."""
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return type(running).__name__ == "ZMQInteractiveShell"

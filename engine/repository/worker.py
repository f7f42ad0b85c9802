"""Work in a process of its own: its memory is given back, and a cancelled statement can end it.

A worker is a module of this room that is run with `python -m`, reads one JSON request from a file
and writes one JSON answer to another. An answer `{"error": kind, "message": ...}` is a failure that
the worker understood.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import augursql.errors
from augursql.errors import ModelError
from augursql.types import Monitor

_POLL_S = 0.05


class WorkerError(Exception):
    """A worker's failure.

    `kind` is 'network', 'missing', 'revision', 'gated', 'damaged', 'space', 'dependency' (the
    message names it) or 'failed'.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message


def run_worker(
    module: str,
    request: Mapping[str, object],
    monitor: Monitor,
    *,
    deadline_s: float | None = None,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Run `module` on `request` and return its answer; `watch` is called while it runs.

    Raises WorkerError on failure ('network' when the deadline passes), and what `monitor.check`
    raises when the user cancels; the process has ended in any case.
    """
    with tempfile.TemporaryDirectory(prefix="augursql-") as folder:
        asked, answered = Path(folder, "request.json"), Path(folder, "answer.json")
        asked.write_text(json.dumps(request), encoding="utf-8")
        command = [sys.executable, "-m", module, str(asked), str(answered)]
        with Path(folder, "stderr").open("w+b") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # which ends when this process does
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=_environment(environment or {}),
                start_new_session=True,
            )
            try:
                _wait(process, monitor, deadline_s, watch)
            finally:
                process.kill()
                process.wait()
                process.stdin.close()  # type: ignore[union-attr]
            stderr.seek(0)
            complaint = stderr.read().decode("utf-8", "replace")
        return _answer(answered, complaint)


def answer(work: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The main function of a worker: answer the request that the command line names."""
    asked, answered = Path(sys.argv[1]), Path(sys.argv[2])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        result = work(json.loads(asked.read_text(encoding="utf-8")))
    except WorkerError as error:
        result = {"error": error.kind, "message": error.message}
    answered.write_text(json.dumps(result), encoding="utf-8")


def _end_with_parent() -> None:
    """A parent that was killed cannot end its worker, which would write beside the next one."""
    os.read(0, 1)
    os._exit(1)


def one_line(complaint: str) -> str:
    """The line of a traceback or log that says what happened, at most 300 characters."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    named = [line for line in lines if "Error" in line or "Exception" in line]
    return (named or lines or ["no message"])[-1][:300]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    root = str(Path(augursql.errors.__file__).absolute().parents[1])
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([root, inherited] if inherited else [root])
    return {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore", **extra}


def _wait(
    process: subprocess.Popen[bytes],
    monitor: Monitor,
    deadline_s: float | None,
    watch: Callable[[], None] | None,
) -> None:
    end = None if deadline_s is None else time.monotonic() + deadline_s
    while True:
        try:
            process.wait(_POLL_S)
            return
        except subprocess.TimeoutExpired:
            monitor.check()
        if watch is not None:
            watch()
        if end is not None and time.monotonic() > end:
            raise WorkerError("network", f"no answer within {deadline_s:.0f} s")


def _answer(answered: Path, complaint: str) -> dict[str, Any]:
    try:
        result = json.loads(answered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise WorkerError("failed", one_line(complaint)) from None
    if not isinstance(result, dict):
        raise ModelError("A worker process gave an answer that is not understood.")
    if "error" in result:
        raise WorkerError(str(result["error"]), str(result.get("message", "")))
    return result

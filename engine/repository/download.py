"""A download that can be interrupted: where its files lie until all are there, and their checks.

The folder of a download is named by repository and commit, so that the next attempt finds what the
last one got, also after `kill -9` or a power cut. A lock, which the system frees when its process
ends, keeps two processes from writing into it at once.
"""

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from augursql.engine.repository.store import Store, checksum
from augursql.errors import ModelError, StorageError
from augursql.types import Monitor

if TYPE_CHECKING:
    from filelock import BaseFileLock

_PREFIX, _LOCK = ".download-", ".lock"
KEPT_S = 7 * 24 * 3600
_POLL_S = 0.1
_PARTIAL = "*.incomplete"


class Download:
    """The files of one repository at one commit, as far as they have come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bytes(self) -> int:
        """How many bytes are there."""
        total = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # a part that was renamed while we looked
                total += path.stat().st_size if path.is_file() else 0
        return total

    def check(self, expected: Mapping[str, str], repo: str, monitor: Monitor) -> None:
        """Compare files with the hub's SHA-256. Raises ModelError; the bad file is gone then."""
        monitor.begin("Checking the download", None)
        try:
            for name, digest in expected.items():
                if checksum(self.folder / name, monitor) != digest:
                    (self.folder / name).unlink(missing_ok=True)
                    raise damaged(repo, name)
        finally:
            monitor.end()

    def drop_parts(self) -> None:
        """Remove files that have come in part."""
        for part in self.folder.rglob(_PARTIAL):
            part.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything: the model is in the store."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def download_folder(store: Store, repo: str, commit: str, monitor: Monitor) -> Iterator[Download]:
    """The folder of this download, ours alone; waits for another process that is at it.

    Raises StorageError when the store cannot be written, and what `monitor.check` raises.
    """
    name = f"{_PREFIX}{re.sub(r'[^A-Za-z0-9]+', '-', repo)}-{commit[:16]}"
    folder = store.root / name
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        _sweep(store.root, keep=name)
        lock = _acquired(folder, monitor)
    except OSError as error:
        why = error.strerror or error
        raise StorageError(f"The model store {store.root} cannot be written: {why}.") from error
    try:
        folder.mkdir(exist_ok=True)
        yield Download(folder)
    finally:
        lock.release()


def damaged(repo: str, name: str = "") -> ModelError:
    """The error of a file that did not arrive as the hub has it."""
    which = f"{name} of the model" if name else "A file of the model"
    return ModelError(
        f'{which} "{repo}" arrived damaged: its checksum or size is not the hub\'s.',
        hint="It was removed, nothing was stored. Run the statement again; what arrived well is "
        "kept. If it happens again, something on the way changes files.",
    )


def _acquired(folder: Path, monitor: Monitor) -> "BaseFileLock":
    from filelock import FileLock, Timeout

    lock = FileLock(f"{folder}{_LOCK}")
    while True:
        try:
            lock.acquire(timeout=_POLL_S)
            return lock
        except Timeout:
            monitor.check()


def _sweep(root: Path, keep: str) -> None:
    """Remove downloads that nobody went on with for a week."""
    from filelock import FileLock, Timeout

    for folder in root.glob(f"{_PREFIX}*"):
        if folder.name.startswith(keep):
            continue
        with suppress(OSError, Timeout):
            newest = max(p.stat().st_mtime for p in [folder, *folder.rglob("*")])
            if time.time() - newest < KEPT_S:
                continue
            if folder.is_file():
                folder.unlink()
                continue
            with FileLock(f"{folder}{_LOCK}", timeout=0):
                shutil.rmtree(folder, ignore_errors=True)

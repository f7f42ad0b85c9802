"""Plays one file in a process of its own, and reads what it wrote down."""

import os
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.sqllogic.player import Entry, Player, Skipped
from tests.sqllogic.script import read
from tests.sqllogic.sides import Side


def play(side: Side, root: Path, file: str, scratch: Path, transcript: Path) -> None:
    """Plays `file` of the folder `root` in the empty folder `scratch`.

    Files that a test writes beside itself land in `scratch`, which links to DuckDB's data.
    """
    for name in ("test", "data", "extension"):
        if (root / name).exists():
            (scratch / name).symlink_to(root / name)
    (scratch / "temp").mkdir()
    os.chdir(scratch)
    os.environ.update(HOME=str(scratch), AUGUR_HOME=str(scratch / "augur"))
    folders = {
        name: str(scratch / "temp") for name in ("TEST_DIR", "TEMP_DIR", "TEMP_DIR_ABSOLUTE")
    }
    variables = {
        **folders,
        "DATA_DIR": "data",
        "WORKING_DIRECTORY": str(scratch),
        "TEST_NAME": file,
        "BASE_TEST_NAME": file.replace("/", "_"),
        "BUILD_DIRECTORY": str(scratch / "build"),
    }
    with transcript.open("wb") as out:
        player = Player(side, out, variables)
        threading.Thread(target=player.watch, daemon=True).start()
        try:
            player.play(read((root / file).read_text(encoding="utf-8", errors="replace")))
        except (Skipped, ValueError, IndexError, OSError) as reason:
            pickle.dump(f"{reason}", out)
        finally:
            out.flush()
            player.close()


def transcript_of(path: Path) -> Iterator[Entry | str]:
    """What was written down: statements with their answers, at the end perhaps why it stopped."""
    begun: Entry | None = None
    with path.open("rb") as source:
        while True:
            try:
                item = pickle.load(source)
            except (EOFError, pickle.UnpicklingError):
                break
            if isinstance(item, Entry) and item.answer is None:
                begun = item
                continue
            begun = None
            yield item
    if begun is not None:
        yield begun

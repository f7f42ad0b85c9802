"""DuckDB's own extensions: those that are installed as Python packages, and those that are missing.

DuckDB downloads an extension when it is first needed. Where the packages `duckdb-extension-*` hold
it, it is loaded from there before that, so that no network is needed.
"""

import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import duckdb

from augursql.errors import SourceError
from augursql.planner.lexer import literal

# What a statement says when it needs one.
_NEEDED = {
    "postgres_scanner": r"\bpostgres",
    "mysql_scanner": r"\bmysql",
    "sqlite_scanner": r"\bsqlite|\.(?:sqlite|db)3?'",
    "httpfs": r"\b(?:s3a?|gcs|gs|r2|hf|https?)://|\btype\W+(?:s3|gcs|r2|http|huggingface)\b|httpfs",
    "delta": r"\bdelta",
    "iceberg": r"\biceberg",
}
# One of these stands in every such statement; looking for them costs plain SQL next to nothing.
_HINTS = ("postgres", "mysql", "sqlite", ".db", "://", "type", "httpfs", "delta", "iceberg")
_EACH = {name: re.compile(words, re.IGNORECASE) for name, words in _NEEDED.items()}
_ALSO = {"iceberg": ("avro", "httpfs"), "delta": ("httpfs",)}
_MISSING = re.compile(
    r'Failed to download extension "(\w+)"|(\w+)\.duckdb_extension" not found\.\s+Extension "'
)
# Published for DuckDB 1.5; there are others.
_PACKAGED = (*_NEEDED, "avro", "quack")


class Extensions:
    """Loads what statements need, each extension once; owned by a session."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._seen = set[str]()

    def make_ready(self, sql: str) -> None:
        """Loads the extensions that a statement seems to need, where a package has them."""
        text = sql.lower()
        if not any(hint in text for hint in _HINTS) or "adbc" in text:
            return
        for name, words in _EACH.items():
            if name not in self._seen and words.search(sql):
                for each in (*_ALSO.get(name, ()), name):
                    self._load(each)

    def _load(self, name: str) -> None:
        file = None if name in self._seen else packaged(name)
        self._seen.add(name)
        if file is not None:
            # What DuckDB may not load, it says itself when it needs it.
            with suppress(duckdb.Error):
                self._connection.execute(f"LOAD {literal(str(file))}").fetchall()


def packaged(name: str, version: str = duckdb.__version__) -> Path | None:
    """The file of an extension that is installed as a package for a version of DuckDB."""
    package = find_spec(f"duckdb_extension_{name}")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "extensions" / f"v{version}"
    file = folder / f"{name}.duckdb_extension"
    return file if file.exists() else None


def missing(message: str) -> SourceError | None:
    """What to do about a report of DuckDB's that it lacks an extension; None for other reports."""
    found = _MISSING.search(message)
    if found is None:
        return None
    name, version = found[1] or found[2], duckdb.__version__
    package = f"duckdb-extension-{name.replace('_', '-')}"
    hint = f"With a network, INSTALL {name} fetches it."
    if name in _PACKAGED and version.startswith("1."):
        hint += f" Without one: pip install {package}=={version}"
    elif name in _PACKAGED:
        hint += (
            f" As a package ({package}) it is published for DuckDB 1.5 only, not for "
            f"{version.rpartition('.')[0]}."
        )
    return SourceError(
        f"This needs DuckDB's extension {name}, which is not installed, and DuckDB could not "
        "download it.",
        hint=hint,
    )

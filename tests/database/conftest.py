"""What tests of calls to language models share, and those of definitions and plain clients."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from augursql.database import language_models
from augursql.frontends.dbapi.connection import Connection
from tests.database.portable import file_of, opened
from tests.database.speaking import DoubledModel
from tests.language_models import write_adapter, write_language_model

CONTEXT = 2_048
Deploy = Callable[..., None]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The folder of a tiny language model whose context has so many tokens."""
    made: dict[int, Path] = {}

    def folder(context: int) -> Path:
        if context not in made:
            path = tmp_path_factory.mktemp("tiny") / f"llm{context}"
            made[context] = write_language_model(path, max_position_embeddings=context)
        return made[context]

    return folder


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> DoubledModel:
    """What is loaded for every language model that is deployed."""
    double = DoubledModel()
    monkeypatch.setattr(language_models, "load", lambda *how: double)
    return double


@pytest.fixture
def deploy(tiny: Callable[[int], Path], llm: DoubledModel, tmp_path: Path) -> Deploy:
    """Deploys a language model with a context of its own; `polite` is an adapter of it."""

    def deployed(con: Connection, name: str = "llm", context: int = CONTEXT) -> None:
        con.execute(f"CREATE OR REPLACE MODEL {name} FROM '{tiny(context)}'")
        if name == "llm" and context == CONTEXT:
            adapter = tmp_path / "adapter"
            if not adapter.exists():
                write_adapter(adapter)
            con.execute(f"CREATE MODEL polite FROM '{adapter}' USING MODEL llm")

    return deployed


@pytest.fixture
def path(indexed_file: Path, tmp_path: Path) -> str:
    """A database of which this process has no session."""
    return str(shutil.copy(indexed_file, tmp_path / "portable.duckdb"))


@pytest.fixture
def session(path: str) -> Iterator[Connection]:
    with opened(path) as connection:
        yield connection


@pytest.fixture
def plain(session: Connection) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB's own connection to the database of `session`."""
    connection = duckdb.connect(file_of(session))
    yield connection
    connection.close()

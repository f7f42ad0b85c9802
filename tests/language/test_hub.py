"""The README's way: a model of the hub is deployed by its id, then answers for hotel reviews."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from augursql.frontends.dbapi import errors
from augursql.frontends.dbapi.connection import Connection
from tests.conftest import REVIEWS
from tests.hub import COMMIT, Hub, served

ID = "town/in-context"
MODEL = Path(__file__).parent / "icl" / "model"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    hub.folders[ID] = MODEL
    with served(hub, monkeypatch, tmp_path):
        yield hub


@pytest.fixture
def con(hub: Hub, tmp_path: Path) -> Iterator[Connection]:
    """The default encoder comes from the store of all tests, the language model from the hub."""
    with Connection(settings={"progress": "off"}) as connection:
        connection.execute(f"CREATE TABLE reviews AS FROM '{REVIEWS}' LIMIT 40")
        connection.execute("CREATE INDEX hotels ON reviews USING HNSW (review)")
        connection.execute(f"SET augur_home = '{tmp_path / 'home'}'")
        yield connection


def test_three_lines_deploy_a_model_and_classify_reviews(con: Connection, hub: Hub) -> None:
    con.execute(f"CREATE MODEL llm FROM '{ID}'")
    zero = con.execute("SELECT predict('rating', review USING MODEL llm) FROM reviews").fetchall()
    few = con.execute(
        "SELECT predict('rating', review USING MODEL llm USING INDEX hotels TOP 8) FROM reviews"
    ).fetchall()
    ratings = set(con.execute("SELECT DISTINCT rating FROM reviews").fetchall())
    assert len(zero) == len(few) == 40
    assert set(zero) <= ratings and set(few) <= ratings and zero != few
    row = con.execute("SELECT revision, dtype FROM (SHOW MODELS) WHERE name = 'llm'").fetchone()
    assert row == (COMMIT, "int8")


def test_a_model_that_was_deployed_needs_no_hub_again(con: Connection, hub: Hub) -> None:
    con.execute(f"CREATE MODEL llm FROM '{ID}'")
    hub.folders.clear()
    con.execute("SET augur_offline = true")
    con.execute(f"CREATE OR REPLACE MODEL llm FROM '{ID}'")
    assert con.execute("SELECT prompt('Hello' OPTIONS (max_tokens = 3))").fetchone()


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (lambda hub: hub.folders.clear(), "has no model"),
        (lambda hub: hub.gated.add(ID), "licence"),
        (lambda hub: setattr(hub, "corrupt", "model.safetensors"), "checksum"),
        (lambda hub: hub.server.server_close(), "not on this machine"),
    ],
)
def test_trouble_with_the_hub_is_told_and_leaves_no_model(
    con: Connection, hub: Hub, tmp_path: Path, trouble: object, message: str
) -> None:
    trouble(hub)  # type: ignore[operator]
    with pytest.raises(errors.OperationalError, match=message):
        con.execute(f"CREATE MODEL llm FROM '{ID}'")
    assert con.execute("SELECT name FROM (SHOW MODELS)").fetchall() == [("minilm",)]
    assert not list((tmp_path / "home").rglob("manifest.json"))

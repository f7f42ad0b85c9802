"""DuckDB's own extensions: loaded from packages, and what is said where one is missing."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

import augursql
from augursql.database.connectors import extensions
from augursql.frontends.dbapi.connection import Connection
from tests.database.connectors.conftest import PASSWORD, Server, needs

PREDICTED = "predict('rating', review USING INDEX hotels)"


def rows(con: Connection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


@pytest.fixture
def nowhere(tmp_path: Path) -> Connection:
    """A connection that finds no extension and downloads none."""
    config = {"extension_directory": str(tmp_path), "autoinstall_known_extensions": "false"}
    return Connection(settings={"progress": "off"}, config=config)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (f"ATTACH 'host=h password={PASSWORD}' AS pg (TYPE postgres)", "postgres_scanner"),
        ("FROM 's3://bucket/file.parquet'", "httpfs"),
        ("FROM delta_scan('somewhere')", "delta"),
        (f"CREATE SECRET (TYPE s3, SECRET '{PASSWORD}')", "httpfs"),
    ],
)
def test_a_missing_extension_is_named(
    nowhere: Connection, sql: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "packaged", lambda name: None)
    with nowhere, pytest.raises(augursql.OperationalError) as raised:
        nowhere.execute(sql)
    told = str(raised.value)
    assert f"extension {name}" in told and f"INSTALL {name}" in told
    assert "http" not in told.replace("httpfs", "") and PASSWORD not in told
    package = f"duckdb-extension-{name.replace('_', '-')}"
    if duckdb.__version__.startswith("1."):
        assert f"pip install {package}=={duckdb.__version__}" in told
    else:
        assert package in told and "for DuckDB 1.5 only" in told


def test_postgres(con: Connection, postgres: Server) -> None:
    needs("postgres_scanner")
    con.execute(
        f"CREATE SECRET pg (TYPE postgres, HOST '127.0.0.1', PORT {postgres.port}, USER 'augur', "
        f"PASSWORD '{PASSWORD}', DATABASE 'postgres')"
    )
    con.execute("ATTACH '' AS pg (TYPE postgres, SECRET pg)")
    assert not con._session.notices
    con.execute("CREATE TABLE pg.public.reviews AS SELECT hotel, review, rating FROM reviews")
    con.execute("CREATE INDEX hotels ON pg.public.reviews USING HNSW (review)")
    con.execute(f"CREATE TABLE pg.scored AS SELECT hotel, {PREDICTED} AS rating FROM pg.reviews")
    con.execute(f"INSERT INTO pg.public.scored SELECT 'new', {PREDICTED} FROM pg.reviews LIMIT 2")
    expected = rows(con, f"SELECT hotel, {PREDICTED} FROM reviews ORDER BY ALL")
    assert rows(con, "FROM pg.scored WHERE hotel <> 'new' ORDER BY ALL") == expected
    before = len(postgres.asked('"reviews"'))
    rows(con, f"SELECT {PREDICTED} FROM reviews LIMIT 1")
    assert len(postgres.asked('"reviews"')) == before
    assert PASSWORD not in str(rows(con, "FROM duckdb_databases()"))


def test_a_password_in_an_address_is_warned_of(con: Connection, postgres: Server) -> None:
    needs("postgres_scanner")
    con.execute(f"ATTACH '{postgres.string}' AS pg (TYPE postgres)")
    assert "CREATE SECRET" in con._session.notices[0].text
    with pytest.raises(augursql.OperationalError) as raised:
        con.execute(
            f"ATTACH '{postgres.string.replace(PASSWORD, 'wr0ngpass')}' AS p (TYPE postgres)"
        )
    assert "wr0ngpass" not in str(raised.value) and "authentication" in str(raised.value)


def test_sqlite(con: Connection, sqlite_file: Path) -> None:
    needs("sqlite_scanner")
    con.execute(f"ATTACH '{sqlite_file}' AS s (TYPE sqlite)")
    con.execute("CREATE TABLE s.reviews AS SELECT review, rating FROM reviews LIMIT 50")
    con.execute("CREATE INDEX hotels ON s.reviews USING HNSW (review)")
    con.execute(f"CREATE TABLE s.scored AS SELECT {PREDICTED} AS rating FROM s.reviews")
    con.execute("DETACH s")
    with closing(sqlite3.connect(sqlite_file)) as file:
        assert file.execute("SELECT count(*), count(rating) FROM scored").fetchall() == [(50, 50)]


def test_delta(con: Connection, tmp_path: Path) -> None:
    needs("delta")
    con.execute(
        f"COPY (SELECT review, rating::VARCHAR AS rating FROM reviews) TO '{tmp_path}/1.parquet'"
    )
    fields = [
        {"name": name, "type": "string", "nullable": True, "metadata": {}}
        for name in ("review", "rating")
    ]
    size = (tmp_path / "1.parquet").stat().st_size
    log = [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
        {"metaData": {"id": "b5a9c1c0-0000-4000-8000-000000000001", "partitionColumns": [],
                      "format": {"provider": "parquet", "options": {}}, "configuration": {},
                      "schemaString": json.dumps({"type": "struct", "fields": fields})}},
        {"add": {"path": "1.parquet", "partitionValues": {}, "size": size,
                 "modificationTime": 0, "dataChange": True}},
    ]  # fmt: skip
    (tmp_path / "_delta_log").mkdir()
    lines = "\n".join(json.dumps(entry) for entry in log)
    (tmp_path / "_delta_log" / f"{0:020}.json").write_text(lines)
    con.execute(f"ATTACH '{tmp_path}' AS lake (TYPE delta)")
    con.execute("CREATE INDEX hotels ON lake USING HNSW (review)")
    assert rows(con, f"SELECT count({PREDICTED}) FROM lake") == [(400,)]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_parquet_in_an_object_store(con: Connection, store: str) -> None:
    needs("httpfs")
    con.execute(
        "CREATE SECRET (TYPE s3, KEY_ID 'key-of-augur', SECRET 'secret-of-augur', "
        f"REGION 'us-east-1', ENDPOINT '{store}', URL_STYLE 'path', USE_SSL false)"
    )
    con.execute("COPY reviews TO 's3://hotels/reviews.parquet'")
    con.execute("CREATE VIEW stored AS FROM 's3://hotels/*.parquet'")
    con.execute("CREATE INDEX hotels ON stored USING HNSW (review)")
    con.execute(f"COPY (SELECT hotel, {PREDICTED} AS r FROM stored) TO 's3://hotels/out/r.parquet'")
    there = rows(con, "FROM 's3://hotels/out/r.parquet' ORDER BY ALL")
    assert there == rows(con, f"SELECT hotel, {PREDICTED} FROM reviews ORDER BY ALL")
    with pytest.raises(augursql.Error, match="404|not exist|No files") as raised:
        con.execute("FROM 's3://hotels/nothing.parquet'")
    assert "secret-of-augur" not in str(raised.value)

"""Passwords do not leave a session: in no error, notice, listing or plan."""

import logging

import pytest

import augursql
from augursql.frontends.dbapi.connection import Connection
from tests.database.connectors.conftest import PASSWORD, Server

SECRET = "hunter2-of-augur"
FAILING = [
    f"ATTACH 'postgresql://augur:{SECRET}@127.0.0.1:1/db' AS wh (TYPE adbc)",
    f"ATTACH 'postgresql://augur:{SECRET}@127.0.0.1:1/db' AS wh (TYPE adbc, OTHER",
    f"ATTACH 'nosuch://augur:{SECRET}@127.0.0.1:1/db' AS wh (TYPE adbc)",
    f"ATTACH 'snowflake://augur:{SECRET}@account/db' AS wh (TYPE adbc, DRIVER 'no_such_driver')",
    f"ATTACH 'postgresql://h/db' AS wh (TYPE adbc, PASSWORD '{SECRET}', DRIVER 'no_such_driver')",
    f"CREATE SECRET s (TYPE adbc, PASSWORD '{SECRET}') nonsense",
    f"CREATE PERSISTENT SECRET s (TYPE adbc, PASSWORD '{SECRET}')",
    f"CREATE SECRET s (TYPE adbc, PASSWORD '{SECRET}'",
    f"CREATE SECRET s (TYPE nosuch, PASSWORD '{SECRET}')",
    f"CREATE SECRET s (TYPE nosuch, PASSWORD '{SECRET}",
    f"CREATE SECRET {'s' * 70} (TYPE nosuch PASSWORD '{SECRET}', 1 2 3)",
    f"SELECT '{SECRET}' password FROM nosuch; CREATE SECRET s (TYPE x, SECRET '{SECRET}')",
    f"FROM nosuch('host=h password={SECRET}')",
    f"SELECT predict('rating', review USING INDEX nosuch) FROM r('password={SECRET}')",
]


@pytest.mark.parametrize("sql", FAILING)
def test_not_in_errors(con: Connection, sql: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(augursql.Error) as raised:
        con.execute(sql)
    error: BaseException | None = raised.value
    while error is not None:
        if "password FROM nosuch" not in sql or isinstance(error, augursql.Error):
            assert SECRET not in str(error) + repr(error)
        assert SECRET not in repr(getattr(error, "__dict__", {}))
        error = error.__cause__
    assert SECRET not in caplog.text


def test_not_in_what_a_session_tells(con: Connection, postgres: Server) -> None:
    con.execute(f"CREATE SECRET mine (TYPE adbc, USER 'augur', PASSWORD '{PASSWORD}')")
    told = [notice.text for notice in con._session.notices]
    address = f"postgresql://127.0.0.1:{postgres.port}/postgres"
    con.execute(f"ATTACH '{address}' AS wh (TYPE adbc, SECRET mine)")
    told += [notice.text for notice in con._session.notices]
    con.execute("CREATE TABLE wh.t AS SELECT review, rating FROM reviews LIMIT 40")
    con.execute("CREATE INDEX small ON wh.t USING HNSW (review)")
    query = (
        f"SELECT predict('rating', review USING INDEX small) FROM wh.t WHERE review <> '{PASSWORD}'"
    )
    con.execute(query).fetchall()
    listings = [
        "FROM augur_calls()",
        "SELECT path FROM duckdb_databases()",
        "SELECT sql FROM duckdb_views()",
        "FROM duckdb_secrets()",
        "SHOW INDEXES",
        "EXPLAIN (sql) SELECT predict('rating', review USING INDEX small) FROM wh.t",
    ]
    for listing in listings:
        told.append(str(con.execute(listing).fetchall()))
    assert told and all(PASSWORD not in text for text in told)


def test_explain_masks_what_a_query_says(indexed: Connection) -> None:
    call = "predict('rating', CASE WHEN 'password=x1y2z3' = review THEN '' END USING INDEX hotels)"
    [plan, *_] = indexed.execute(f"EXPLAIN (sql) SELECT {call} FROM reviews").fetchall()
    assert "x1y2z3" not in str(plan)
    indexed.execute(f"SELECT {call} FROM reviews LIMIT 1").fetchall()
    assert "x1y2z3" not in str(indexed.execute("FROM augur_calls()").fetchall())


def test_secrets_and_the_environment(
    con: Connection, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUGUR_TEST_PASSWORD", PASSWORD)
    attach = f"ATTACH 'postgresql://augur@127.0.0.1:{postgres.port}/postgres' AS wh "
    with pytest.raises(augursql.ProgrammingError, match="no secret"):
        con.execute(attach + "(TYPE adbc, SECRET mine)")
    con.execute("CREATE SECRET mine (TYPE adbc, PASSWORD '${AUGUR_TEST_PASSWORD}')")
    con.execute(attach + "(TYPE adbc, SECRET mine)")
    con.execute("DETACH wh")
    with pytest.raises(augursql.ProgrammingError, match="already"):
        con.execute("CREATE SECRET mine (TYPE adbc, PASSWORD 'x')")
    con.execute("CREATE OR REPLACE SECRET mine (TYPE adbc, PASSWORD '${AUGUR_NOT_SET}')")
    with pytest.raises(augursql.ProgrammingError, match="AUGUR_NOT_SET"):
        con.execute(attach + "(TYPE adbc, SECRET mine)")
    con.execute("DROP SECRET mine")
    with pytest.raises(augursql.Error):
        con.execute("DROP SECRET mine")


def test_where_nothing_else_may_be_opened_no_source_is_attached() -> None:
    settings: dict[str, object] = {"progress": "off"}
    with Connection(settings=settings, config={"enable_external_access": "false"}) as con:
        with pytest.raises(augursql.NotSupportedError, match="enable_external_access"):
            con.execute("ATTACH 'sqlite:any.sqlite' AS s (TYPE adbc)")

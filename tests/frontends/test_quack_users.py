"""Who may do what on a database that `augur serve` serves."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import augursql
from tests.frontends.quack import Shell, needs_quack, query, served

pytestmark = needs_quack

MAIN = "SELECT hotel, predict('rating', review USING INDEX hotels) AS rating FROM reviews"


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def users(
    shell: Shell, indexed_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The lines of ann, who may do everything, and of bob, who may read."""
    folder = tmp_path_factory.mktemp("users")
    path = shutil.copy(indexed_file, folder / "hotels.duckdb")
    file = folder / "users.toml"
    file.write_text(
        '[ann]\ntoken = "ann-has-a-long-token"\n'
        '[bob]\ntoken = "bob-has-a-long-token"\nread_only = true\nsettings = { max_rows = 5 }\n'
    )
    with served(str(path), "--users", str(file)) as (line, _):
        ann, bob = (line.replace("YOUR TOKEN", f"{n}-has-a-long-token") for n in ("ann", "bob"))
        assert "Authentication failed" in shell.run(line, "SELECT 1")[1]
        yield ann, bob


def test_users_by_token(shell: Shell, users: tuple[str, str]) -> None:
    ann, bob = users
    assert shell.run(ann, query("CREATE TABLE anns AS SELECT 1 AS a"))[1] == ""
    assert shell.run(ann, "INSERT INTO anns VALUES (2)")[1] == ""
    assert shell.run(bob, query(f"{MAIN} LIMIT 1"))[1] == ""
    assert shell.run(bob, "SELECT count(*) AS n FROM anns")[0].split() == ["n", "2"]
    assert "augur_max_rows" in shell.run(bob, query("SELECT embed(hotel || 'x') FROM reviews"))[1]
    for sql in ("SHOW INDEXES", "SET augur_seed = 3", f"EXPLAIN ANALYZE {MAIN} LIMIT 1"):
        assert shell.run(bob, query(sql))[1] == "", sql


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE bobs AS SELECT 1 AS a",
        "COPY reviews TO 'bobs.csv'",
        "DROP INDEX hotels",
        "REFRESH INDEX hotels",
        "CREATE MODEL bobs FROM 'bobs'",
        "SET threads = 1",
        "USE main; CREATE TABLE bobs AS SELECT 1",
        "/* c */ DELETE FROM reviews",
        "EXPLAIN ANALYZE CREATE TABLE bobs AS SELECT 1 AS a",
        "EXPLAIN (ANALYZE, FORMAT json) COPY (SELECT 1) TO 'bobs.csv'",
        "EXPLAIN ANALYZE WITH x AS (SELECT 1) DELETE FROM reviews",
        "WITH x AS (SELECT 1) DELETE FROM reviews",
        "EXPLAIN ANALYZE WITH x AS (SELECT 9 AS i) UPDATE reviews SET rating = "
        "predict('rating', review USING INDEX hotels) FROM x WHERE id = i",
        "PREPARE d AS DELETE FROM reviews",
        "CALL checkpoint()",
        "SELECT * FROM checkpoint()",
        "FROM enable_logging(storage = 'file', storage_path = 'bobs')",
        "FROM query('CREATE TABLE bobs AS SELECT 1')",
        "SELECT json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
        "FROM \"quack_stop\"('quack:localhost:1')",
        "SELECT augur_authorize_x('nobody', 'DROP INDEX hotels')",
        "SET augur_home = 'bobs'",
        "SET GLOBAL quack_authorization_function = 'quack_nop_authorization'",
        "ATTACH ':memory:' AS bobs",
        "PRAGMA enable_profiling",
    ],
)
def test_a_read_only_user_changes_nothing(shell: Shell, users: tuple[str, str], sql: str) -> None:
    ann, bob = users
    before = _everything(shell, ann)
    printed, complaints = shell.run(bob, query(sql))
    assert printed == "", sql
    assert '"bob" may read' in complaints or "server's" in complaints, complaints
    assert _everything(shell, ann) == before


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO reviews (id) VALUES (1000)",
        "INSERT INTO reviews (id) SELECT i FROM range(5000) r(i)",
        "CREATE TABLE bobs AS SELECT 1 AS a",
        "CREATE VIEW bobs AS SELECT 1 AS a",
    ],
)
def test_nor_by_the_attached_database(shell: Shell, users: tuple[str, str], sql: str) -> None:
    ann, bob = users
    before = _everything(shell, ann)
    assert shell.run(bob, sql)[1] != ""
    assert _everything(shell, ann) == before


def _everything(shell: Shell, line: str) -> str:
    """What a change would show in."""
    return shell.run(
        line,
        query("SELECT count(*), sum(rating), count(rating) FROM reviews")
        + query("SELECT table_name FROM duckdb_tables() ORDER BY ALL")
        + query("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL")
        + query("SHOW INDEXES"),
    )[0]


@pytest.mark.parametrize(
    ("users", "told"),
    [
        ("", "has no users"),
        ("[ann]", "token or token_sha256"),
        ('[ann]\ntoken = "short"', "too short"),
        ('[ann]\ntoken_sha256 = "12"', "no SHA-256"),
        ("[ann]\ntoken_sha256 = 12", "no SHA-256"),
        ('[ann]\ntoken = "0123456789abcdef"\nreadonly = true', "means nothing"),
        ('[ann]\ntoken = "0123456789abcdef"\nsettings = "x"', "is a table"),
        ('[ann]\ntoken = "0123456789abcdef"\nsettings = { max_row = 1 }', "augur_max_rows"),
        ('[ann]\ntoken = "0123456789abcdef"\n[bob]\ntoken = "0123456789abcdef"', "same token"),
        ("ann = 1", "is no user"),
        ("[ann", "no TOML"),
    ],
)
def test_a_wrong_file_of_users(tmp_path: Path, users: str, told: str) -> None:
    file = tmp_path / "users.toml"
    file.write_text(users)
    with pytest.raises(augursql.errors.AugurError, match=told):
        augursql.serve(users=file, port=0)

"""What .tables, .indexes, .models, .schema and .databases list."""

import shutil
from collections.abc import Sequence

from augursql.database.session import Session
from augursql.frontends.shell.arguments import Arguments
from augursql.frontends.shell.terminal import Terminal
from augursql.planner.lexer import literal, quoted

_TABLES = """
SELECT CASE WHEN database_name = current_database() AND schema_name IN (current_schema(), 'main')
            THEN name
            WHEN database_name = current_database() THEN schema_name || '.' || name
            ELSE database_name || '.' || schema_name || '.' || name END
FROM (SELECT database_name, schema_name, table_name AS name FROM duckdb_tables() WHERE NOT internal
      UNION ALL
      SELECT database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal)
WHERE schema_name <> 'augur' AND name ILIKE {pattern} ORDER BY ALL
"""
_DUCKDBS_INDEXES = """
SELECT index_name FROM duckdb_indexes() WHERE table_name ILIKE {pattern} AND schema_name <> 'augur'
"""
_SCHEMA = """
SELECT sql FROM (
    SELECT 0 AS rank, table_name AS name, table_name AS own, sql FROM duckdb_tables()
    WHERE NOT internal AND schema_name <> 'augur'
    UNION ALL SELECT 1, view_name, view_name, sql FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT 2, table_name, index_name, sql FROM duckdb_indexes()
    WHERE schema_name <> 'augur')
WHERE name ILIKE {pattern} OR own ILIKE {pattern} ORDER BY rank, own
"""


def tables(terminal: Terminal, arguments: Arguments) -> None:
    """.tables: tables and views of the user's."""
    _columns(terminal, _first(terminal.session, _TABLES, arguments))


def indexes(terminal: Terminal, arguments: Arguments) -> None:
    """.indexes: those of the language, and DuckDB's own."""
    names = _first(terminal.session, _DUCKDBS_INDEXES, arguments)
    pattern = _pattern(arguments)
    ours = terminal.session.execute(f"SELECT name FROM (SHOW INDEXES) WHERE {_about(pattern)}")
    _columns(terminal, sorted([*names, *(str(row[0]) for row in ours.fetchall())]))


def models(terminal: Terminal, arguments: Arguments) -> None:
    """.models: the encoders that can be named."""
    rows = terminal.session.execute("SELECT name FROM (SHOW MODELS) ORDER BY name").fetchall()
    _columns(terminal, [str(row[0]) for row in rows])


def schema(terminal: Terminal, arguments: Arguments) -> None:
    """.schema: CREATE statements, those of our indexes last."""
    pattern = _pattern(arguments)
    lines = _first(terminal.session, _SCHEMA, arguments)
    ours = terminal.session.execute(
        'SELECT name, "table", columns, model FROM (SHOW INDEXES) '
        f"WHERE name ILIKE {pattern} OR {_about(pattern)} ORDER BY name"
    ).fetchall()
    for name, table, columns, model in ours:
        listed = ", ".join(map(quoted, columns))
        lines.append(
            f"CREATE INDEX {quoted(name)} ON {table} USING HNSW ({listed}) "
            f"WITH (model = {literal(model)});"
        )
    terminal.put(f"{line}\n" for line in lines)


def databases(terminal: Terminal, arguments: Arguments) -> None:
    """.databases: name and file of each."""
    rows = terminal.session.execute(
        "SELECT database_name, coalesce(path, '') FROM duckdb_databases() WHERE NOT internal"
    ).fetchall()
    terminal.put(f"{name}: {path}\n" for name, path in rows)


def duckdb_version(session: Session) -> str:
    """For instance 'v2.0.0'."""
    return str(session.execute("SELECT version()").fetchall()[0][0])


def current_file(session: Session) -> str:
    """The file of the database that statements are about, or ':memory:'."""
    rows = session.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchall()
    return str((rows and rows[0][0]) or ":memory:")


def _pattern(arguments: Arguments) -> str:
    return literal(arguments.one() if arguments.text else "%")


def _first(session: Session, sql: str, arguments: Arguments) -> list[str]:
    rows = session.execute(sql.format(pattern=_pattern(arguments))).fetchall()
    return [str(row[0]) for row in rows]


def _columns(terminal: Terminal, names: Sequence[str]) -> None:
    """Names side by side where a person reads them, else one a line."""
    if not names:
        return
    if not terminal.output.watched:
        terminal.put(f"{name}\n" for name in names)
        return
    room = max(map(len, names)) + 2
    across = max(1, shutil.get_terminal_size().columns // room)
    down = -(-len(names) // across)
    terminal.put(
        "".join(f"{name:<{room}}" for name in names[row::down]).rstrip() + "\n"
        for row in range(down)
    )


def _about(pattern: str) -> str:
    """The condition that an index in SHOW INDEXES is on a table like that; `table` is a path of
    names in quotes.
    """
    name = """trim(regexp_extract("table", '("(?:[^"]|"")*"|[^".]+)$', 1), '"')"""
    return f'"table" ILIKE {pattern} OR {name} ILIKE {pattern}'

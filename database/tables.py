"""The name of a table, as a later session finds it whatever its search path is then."""

import duckdb

from augursql.database.catalog import quoted

FIND = """
SELECT database_name, schema_name, table_name FROM (
    SELECT database_name, schema_name, table_name FROM duckdb_tables()
    UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views())
WHERE lower(table_name) = lower(?)
  AND (? = '' OR lower(schema_name) = lower(?) OR lower(database_name) = lower(?))
  AND (? = '' OR lower(database_name) = lower(?))
ORDER BY database_name <> 'temp', database_name <> current_database(),
  schema_name <> current_schema()
"""


def qualified(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """`table`, as SQL text with its schema, and its database unless that is the current one.

    What is not a table or view of the catalog (a file, say) comes back as it is.
    """
    parts = _parts(table)
    if not 1 <= len(parts) <= 3:
        return table
    name = parts[-1]
    schema = parts[-2] if len(parts) > 1 else ""
    database = parts[0] if len(parts) == 3 else ""
    matches = connection.execute(FIND, [name, schema, schema, schema, database, database])
    found = next(iter(matches.fetchall()), None)
    if found is None:
        return table
    current = connection.execute("SELECT current_database()").fetchall()[0][0]
    names = found[1:] if found[0] == current else found
    return ".".join(quoted(str(part)) for part in names)


def database_of(table: str) -> str:
    """The database that a table's name begins with, '' where it names none."""
    parts = _parts(table)
    return parts[0] if len(parts) == 3 else ""


def _parts(table: str) -> list[str]:
    """The parts of a possibly quoted, dotted name; [] where the text is something else."""
    parts: list[str] = []
    rest = table.strip()
    while rest:
        if rest[0] == '"':
            end = 1
            while end < len(rest) and (rest[end] != '"' or rest[end : end + 2] == '""'):
                end += 2 if rest[end] == '"' else 1
            parts.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :].lstrip()
        else:
            word = rest.split(".", 1)[0].strip()
            if not word.replace("_", "a").replace("$", "a").isalnum():
                return []
            parts.append(word)
            rest = rest[len(rest.split(".", 1)[0]) :]
        if rest and rest[0] != ".":
            return []
        rest = rest[1:].lstrip()
    return parts

"""The Quack extension: found, loaded, and known to be the one whose hook rewrites statements."""

import duckdb

from augursql.database.connectors.extensions import packaged
from augursql.errors import UnsupportedError
from augursql.planner.lexer import literal

# Quack needs httpfs at both ends: the shell to speak HTTP, the server for its cryptography.
EXTENSIONS = ("httpfs", "quack")


def load(connection: duckdb.DuckDBPyConnection) -> None:
    """Loads the extensions from their wheels, or else those that DuckDB has installed.

    Raises UnsupportedError where there is none, or one whose authorization hook cannot rewrite.
    """
    version = duckdb.__version__
    for name in EXTENSIONS:
        file = packaged(name)
        try:
            connection.execute(f"LOAD {literal(str(file))}" if file else f"LOAD {name}")
        except duckdb.Error as error:
            raise UnsupportedError(
                f'The extension "{name}" of DuckDB {version}, which Quack needs, is not here.',
                hint="Install it with pip install 'augursql[quack]', which brings DuckDB 1.5.5, "
                f"or, with a network, run INSTALL {name} in DuckDB.",
            ) from error
    # The hook is not documented. It rewrites since 1.5.5, where its default gives back a text; a
    # hook that gives a BOOLEAN only admits and refuses.
    hooks = connection.execute(
        "SELECT return_type FROM duckdb_functions() WHERE function_name = 'quack_nop_authorization'"
    ).fetchall()
    if hooks != [("VARCHAR",)]:
        raise UnsupportedError(
            f"The Quack extension of DuckDB {version} does not let a server rewrite statements.",
            hint="Use the one that AugurSQL is tested with: pip install 'augursql[quack]'.",
        )

"""Other databases and files, under a name of this one.

DuckDB attaches PostgreSQL, MySQL, SQLite, lakes and object stores with extensions of its own;
`extensions` finds those that came as Python packages, and says how to get one that is missing.

What DuckDB has no extension for is attached by ADBC, the standard for drivers that speak Arrow.
`drivers` turns an ATTACH into a driver and its options, `remote` holds the connections and knows
the tables. Each table is a `scan`, which DuckDB takes for a dataset of pyarrow's: it is asked for
columns and a filter, and answers with batches as the source sends them. `conditions` reads the
filter, and `planner.remote` makes the source's SQL of both. `sources` belongs to the session: it
makes a catalog of views over these tables, and carries out the statements that write to them.
"""

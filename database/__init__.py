"""An open database: the session, its catalog, and the statements that change them.

The life of a statement. `session` takes the text; a cheap scan sends plain SQL to DuckDB untouched,
as if the user's own code did (`callers`). Otherwise `planner` parses it, and `interpreter` runs
what it found. A statement such as CREATE INDEX is carried out by `statements`, which writes through
`catalog` and `indexing` in one transaction. `queries` binds a query against `catalog`, makes each
of its calls a vectorised function (`calls`), lets the planner's rules rewrite the text, and hands
it to DuckDB, all at once or in one of the other ways of `execution`; DuckDB finds a `door` in place
of each function, which the session's `desk` rules. `explain` tells about it instead.
`encoders`, `indexed` and `predictors` hold what the calls need in memory: sessions of models, an
index's vectors and graph, fitted predictors. `cache` keeps what the models compute, through a
connection of its own.

Views, macros and plain connections call functions with stable names instead: `portable` registers
them, `answers` prepares what they need on a connection of its own, `macros` gives them the names of
the language.

`connectors` attaches other databases, by DuckDB's extensions and by ADBC.

The database file is the only truth: everything learned from the user's rows lives in tables of the
schema `augur` in the user's own database. Graphs beside it are caches. This room parses no SQL and
runs no model.
"""

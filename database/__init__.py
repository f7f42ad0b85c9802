"""An open database: the session, its catalog, and the statements that change them.

The life of a statement. `session` takes the text; a cheap scan sends plain SQL to DuckDB
untouched. Otherwise `planner` parses it. A statement such as CREATE INDEX is carried out by
`statements`, which writes through `catalog` and `indexing` in one transaction. A query is bound
against `catalog`, each of its calls becomes a vectorised function (`calls`), and the text with the
calls replaced goes to DuckDB. `encoders`, `indexed` and `predictors` hold what the calls need in
memory: sessions of models, an index's vectors and graph, fitted predictors.

Views, macros and plain connections call functions with stable names instead: `portable` registers
them, `answers` prepares what they need on a connection of its own, `macros` gives them the names of
the language.

The database file is the only truth: everything learned from the user's rows lives in tables of the
schema `augur` in the user's own database. Graphs beside it are caches. This room parses no SQL and
runs no model.
"""

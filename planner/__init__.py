"""SQL text to plain DuckDB SQL: symbolic, without I/O, arrays or models.

The life of a statement through this room:

1. `scan.speaks_augur` looks for our words with one regular expression. A text without them never
   comes here: the database sends it to DuckDB as it is.
2. `parse.parse` cuts the text into tokens (`lexer`), pairs their brackets (`sentence`) and splits
   at semicolons. `statements` reads those that are ours as a whole. In every other, `sites` finds
   the calls, told from the columns, tables and macros that only share their names by the clause
   they stand in (`scopes`); `arguments`, `calls` and `clauses` read their grammar, `dialect` what
   their expressions are (a sqlglot tree with our calls as `nodes`). What has nothing of ours comes
   back `Verbatim`; the rest as values of `plan`, all of them frozen and checked.
3. `bind.bind` asks the database's `Catalog` what the names mean and works out each call's type.
4. `emit.emit` puts DuckDB functions in the places of the calls, and the names that the user would
   expect on output columns (`headings`). Every other character stays as it was written. In
   views, macros and what plain clients send, `portable` puts functions with stable names there.

5. Between binding and emitting, `rules` make a query ask less of its models. A rule reads it
   (`reading`: its `blocks`, calls and conditions by token; `items` and `parting`: select items and
   what is to be computed below them) and answers with edits of places in the user's text, which
   `render` puts together. What a statement asks can be foreseen from its `source`, and EXPLAIN
   (`explaining`) tells all of it.

Beside that, `source_statements` reads the statements about sources that are attached by ADBC, and
`remote` writes what such a source is asked.

What it does not do: it opens no file and no connection, knows no table's columns but those that
the catalog tells, and does not check DuckDB's own syntax (DuckDB does, and reports it).
"""

"""The only bridge between SQL and models: one DuckDB function per file.

The life of a chunk. DuckDB calls a function with Arrow columns of at most 2,048 rows, from several
threads at once. `embedder` makes vectors of the distinct texts, taking those that an index, the
session's memo or a store (`stored`) already has; the function asks the engine for neighbours,
scores or similarities of the whole chunk in one call, and `results` shapes the answer as an Arrow
column in the rows' order. A NULL input gives NULL and costs nothing. `tally` counts what was asked
and what was computed, and `tolerance` finds the inputs that make a batch fail. This room plans
nothing, opens no database and keeps no state beyond the session's memo.
"""

"""From vectors to neighbours, a whole batch at a time.

The life of a search: the caller holds an index, whose entries are distinct texts with one vector
each (entry id = row of the vector matrix). `choose` says, from the number of entries, whether
`exact` (one matrix product) or `hnsw` (a graph) is faster. Either is a `Retriever`: queries go in
as one matrix, `Neighbours` come out. `random` draws entries instead of searching. `graphfile` keeps
a graph on disk, as a cache: missing or wrong, it is built again from the vectors.

This room does not know texts, labels, SQL or where vectors are kept.
"""

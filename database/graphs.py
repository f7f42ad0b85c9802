"""HNSW graphs beside the database file: a cache, checked when read and rebuilt when wrong."""

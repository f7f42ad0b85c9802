"""Ibis's way in: its DuckDB backend over a session of ours, as `ibis.augur`."""

from augursql.frontends.ibis.backend import Backend

__all__ = ["Backend"]

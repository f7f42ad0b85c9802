"""Harlequin's way in: `harlequin -a augur hotels.duckdb`."""

from augursql.frontends.harlequin.adapter import Adapter

__all__ = ["Adapter"]

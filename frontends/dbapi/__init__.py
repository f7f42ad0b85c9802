"""Python's way in: PEP 249 connections and cursors over a session."""

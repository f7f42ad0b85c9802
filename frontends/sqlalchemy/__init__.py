"""SQLAlchemy's way in: the dialect `augur`, DuckDB's with our connections.

What SQLAlchemy writes and reflects is the business of duckdb-sqlalchemy; this room opens our
connections, takes part in their transactions, and keeps our own tables out of what is listed.
"""

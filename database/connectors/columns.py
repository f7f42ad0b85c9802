"""How the columns of a source appear here: the Arrow type of each, and what the source casts."""

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from augursql.planner.lexer import literal, quoted
from augursql.planner.remote import Column, RemoteTable, Unknown, select_sql

_DECIMAL_DIGITS = 38
# PostgreSQL compares all other types that arrive as strings (enums, blank-padded ones) differently.
_PLAIN_TEXT = ("text", "varchar", "name")
# SQLite keeps a type with each value; its driver takes a column's from the first rows. A row of
# constants before them says what the column was declared as.
_OF_KIND: dict[str, tuple[pa.DataType, str]] = {
    "int": (pa.int64(), "0"),
    "bool": (pa.bool_(), "0"),
    "char": (pa.string(), "''"),
    "clob": (pa.string(), "''"),
    "text": (pa.string(), "''"),
    "json": (pa.string(), "''"),
    "blob": (pa.binary(), "x''"),
    "real": (pa.float64(), "0.0"),
    "floa": (pa.float64(), "0.0"),
    "doub": (pa.float64(), "0.0"),
    "num": (pa.float64(), "0.0"),
    "dec": (pa.float64(), "0.0"),
}


@dataclass(frozen=True, slots=True)
class Described:
    """A table of a source: its name and columns there, its columns here, and, by column, the
    constants of a row that is to come first, if one is."""

    table: RemoteTable
    schema: pa.Schema
    constants: tuple[tuple[str, str], ...] = ()

    def first(self, columns: list[str]) -> str:
        """The SELECT of the row that comes before a table's own, '' where none does."""
        known = dict(self.constants)
        if not known:
            return ""
        return "SELECT " + ", ".join(f"{known[name]} AS {quoted(name)}" for name in columns)


def described(cursor: Any, parts: tuple[str, ...], dialect: str) -> Described:
    """A table as its source describes it; raises the driver's errors."""
    if dialect == "sqlite":
        return _of_sqlite(cursor, parts)
    everything = RemoteTable(parts, ())
    cursor.execute(select_sql(everything, [], Unknown(), dialect, some=False))
    reader = cursor.fetch_record_batch()
    reader.close()
    shown = [_shown(field) for field in reader.schema]
    columns = [Column(f.name, t[1]) for f, t in zip(reader.schema, shown, strict=True)]
    fields = [pa.field(f.name, t[0]) for f, t in zip(reader.schema, shown, strict=True)]
    return Described(RemoteTable(parts, tuple(columns)), pa.schema(fields))


def _shown(field: pa.Field) -> tuple[pa.DataType, str]:
    """A column's type here, and what the source is to cast it to, '' for nothing."""
    declared = (field.metadata or {}).get(b"POSTGRESQL:type", b"text").decode()
    if pa.types.is_string(field.type) and declared not in _PLAIN_TEXT:
        return pa.string(), "text"
    if not isinstance(field.type, pa.BaseExtensionType):
        return field.type, ""
    if getattr(field.type, "type_name", "") != "numeric":
        return pa.string(), "text"
    # PostgreSQL's typmod of numeric(p, s) is (p << 16 | s) + 4, and -1 of numeric.
    mode = int((field.metadata or {}).get(b"POSTGRESQL:typmod", b"-1")) - 4
    digits, scale = mode >> 16, mode & 0x7FF
    if mode < 0 or digits > _DECIMAL_DIGITS or scale > digits:
        return pa.float64(), "double"
    return pa.decimal128(digits, scale), ""


def fitted(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows as a source sent them, with the types of `schema`. Raises ArrowInvalid."""
    stored = [
        pa.field(f.name, f.type.storage_type) if isinstance(f.type, pa.BaseExtensionType) else f
        for f in rows.schema
    ]
    return rows.cast(pa.schema(stored)).cast(schema)


def _of_sqlite(cursor: Any, parts: tuple[str, ...]) -> Described:
    cursor.execute(f"SELECT name, type FROM pragma_table_info({literal(parts[-1])})")
    columns, fields, constants = list[Column](), list[pa.Field](), list[tuple[str, str]]()
    for name, declared in cursor.fetchall():
        kind = re.search("|".join(_OF_KIND), str(declared or "").lower())
        type_, constant = _OF_KIND[kind.group()] if kind else (pa.string(), "''")
        columns.append(Column(name, "" if kind else "text"))
        fields.append(pa.field(name, type_))
        constants.append((name, constant))
    return Described(RemoteTable(parts, tuple(columns)), pa.schema(fields), tuple(constants))

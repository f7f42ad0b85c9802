"""What functions with stable names share: one call per chunk or several, and answers as JSON."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

_LARGEST = 2**63 - 1


def by_arguments(
    columns: Sequence[pa.ChunkedArray], constants: int, compute: Callable[..., pa.Array]
) -> pa.Array:
    """Calls `compute(arguments, *columns)` for each distinct set of the leading `constants`
    columns, which hardly ever differ within a chunk, and puts the answers into the rows' order.
    """
    once = [column.unique() for column in columns[:constants]]
    if all(len(values) == 1 for values in once):
        return compute(tuple(values[0].as_py() for values in once), *columns[constants:])
    leading = list(zip(*(column.to_pylist() for column in columns[:constants]), strict=True))
    parts, rows = list[pa.Array](), list[int]()
    for arguments in dict.fromkeys(leading):
        chosen = [i for i, given in enumerate(leading) if given == arguments]
        parts.append(compute(arguments, *(c.take(pa.array(chosen)) for c in columns[constants:])))
        rows += chosen
    place = {row: position for position, row in enumerate(rows)}
    return pa.concat_arrays(parts).take(pa.array([place[row] for row in range(len(rows))]))


def as_json(column: pa.Array) -> pa.Array:
    """Each value as JSON text that DuckDB's from_json() reads back without loss; NULL stays."""
    if not pa.types.is_nested(column.type) and not pa.types.is_dictionary(column.type):
        encoded = column.dictionary_encode()
        return _json(encoded.dictionary).take(encoded.indices)
    return _json(column)


def _json(column: pa.Array) -> pa.Array:
    plain = [
        None if value is None else json.dumps(_plain(value, column.type), ensure_ascii=False)
        for value in column.to_pylist()
    ]
    return pa.array(plain, pa.string())


def _plain(value: Any, type_: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(type_):
        return {field.name: _plain(value[field.name], field.type) for field in type_}
    if pa.types.is_map(type_):
        return {_key(key): _plain(item, type_.item_type) for key, item in value}
    if pa.types.is_list(type_):
        return [_plain(item, type_.value_type) for item in value]
    exact = isinstance(value, Decimal | date) or (isinstance(value, int) and abs(value) > _LARGEST)
    return str(value) if exact else value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)

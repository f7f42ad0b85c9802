"""A filter as DuckDB hands it to a dataset, read as a condition that can be said to a source.

pyarrow shows nobody what an expression consists of, but it pickles as an Arrow file: the calls are
key-value pairs of its schema in prefix order, the constants its columns. The pairs repeat their
keys, which pyarrow's own view of metadata does not allow for; the Arrow C data interface does.
"""

import ctypes
import struct
from typing import Any, TypeAlias

import pyarrow as pa

from augursql.planner import remote
from augursql.planner.remote import Condition, Unknown

_OPERATORS: dict[str, remote.Operator] = {
    "equal": "=",
    "not_equal": "<>",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
}
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
# A condition, a column's name, or a constant or a function's options, which are Arrow scalars.
_Part: TypeAlias = Any


def condition_of(filter: Any, schema: pa.Schema) -> Condition:
    """The condition that a pyarrow expression on columns of `schema` is, if there is one.

    What cannot be said to a source, or is written in a way that is not known here, is `Unknown`.
    """
    if filter is None:
        return Unknown()
    try:
        reader = pa.ipc.open_file(filter.__reduce__()[1][0])
        found = _Reading(_pairs(reader.schema), reader.get_batch(0), schema).part()
    except (pa.ArrowException, LookupError, TypeError, ValueError):
        return Unknown()
    return _condition(found)


def columns_of(filter: Any, schema: pa.Schema) -> list[str]:
    """The columns of `schema` that a pyarrow expression reads; all where that cannot be told."""
    try:
        pairs = _pairs(pa.ipc.open_file(filter.__reduce__()[1][0]).schema)
    except (pa.ArrowException, LookupError, TypeError, ValueError):
        return list(schema.names)
    named = {value for key, value in pairs if key == "field_ref"}
    return [name for name in schema.names if name in named]


class _Reading:
    """Reads one expression from its pairs; `constants` has one row."""

    def __init__(
        self, pairs: list[tuple[str, str]], constants: pa.RecordBatch, schema: pa.Schema
    ) -> None:
        self._pairs = pairs
        self._at = 0
        self._constants = constants
        self._schema = schema

    def part(self) -> _Part:
        """The next part of the expression, with everything in it."""
        key, value = self._pairs[self._at]
        self._at += 1
        if key == "field_ref":
            return value
        if key in ("literal", "options"):
            return self._constants.column(int(value))[0]
        if key == "nested_field_ref":
            self._at += int(value)
            return Unknown()
        if key != "call":
            raise ValueError(key)
        parts = list[_Part]()
        while self._pairs[self._at] != ("end", value):
            parts.append(self.part())
        self._at += 1
        return self._call(value, parts)

    def _call(self, name: str, parts: list[_Part]) -> Condition:
        match name, parts:
            case ("and_kleene" | "and", [left, right]):
                return remote.Both(_condition(left), _condition(right))
            case ("or_kleene" | "or", [left, right]):
                return remote.Either(_condition(left), _condition(right))
            case ("invert", [inner]):
                return remote.Negated(_condition(inner))
            case ("is_valid", [str(column)]):
                return remote.IsNull(column, negated=True)
            case ("is_null", [str(column), pa.Scalar() as options]):
                return Unknown() if options.as_py()["nan_is_null"] else remote.IsNull(column)
            case ("is_in", [str(column), pa.Scalar() as options]):
                return self._among(column, options)
            case ("if_else", [_, then, pa.Scalar() as otherwise]) if not otherwise.is_valid:
                # DuckDB's IN, which is NULL of NULL.
                return _condition(then)
            case (operator, [str(column), pa.Scalar() as constant]) if operator in _OPERATORS:
                value = self._value(column, constant)
                if value is not None:
                    return remote.Compare(column, _OPERATORS[operator], value)
        return Unknown()

    def _among(self, column: str, options: pa.Scalar) -> Condition:
        found = options["value_set"].values
        values = [self._value(column, constant) for constant in found]
        known = tuple(value for value in values if value is not None)
        return remote.Among(column, known) if len(known) == len(values) else Unknown()

    def _value(self, column: str, constant: pa.Scalar) -> remote.Value | None:
        """A constant that means in every source what it means here; None for others."""
        if not constant.is_valid or not _is_common(self._schema.field(column).type):
            return None
        value: remote.Value = constant.as_py()
        return value


def _is_common(type_: pa.DataType) -> bool:
    """Whether comparisons with constants of this type are the same everywhere."""
    kinds = pa.types
    whole = kinds.is_integer(type_) or kinds.is_boolean(type_) or kinds.is_decimal(type_)
    text = kinds.is_string(type_) or kinds.is_large_string(type_)
    day = kinds.is_date32(type_) or (kinds.is_timestamp(type_) and type_.unit != "ns")
    return bool(whole or text or day or kinds.is_float64(type_))


def _condition(part: _Part) -> Condition:
    return part if isinstance(part, Condition) else Unknown()


def _pairs(schema: pa.Schema) -> list[tuple[str, str]]:
    """The metadata of a schema, with all its pairs and in their order.

    An ArrowSchema of the C data interface begins with three pointers: format, name and metadata,
    which is int32 counts and lengths with the bytes between them.
    """
    capsule = schema.__arrow_c_schema__()
    address = _capsule_pointer(capsule, b"arrow_schema")
    metadata = ctypes.cast(address, ctypes.POINTER(ctypes.c_void_p))[2]
    if not metadata:
        raise ValueError("no metadata")
    at, texts = int(metadata), list[str]()
    (count,) = struct.unpack("=i", ctypes.string_at(at, 4))
    at += 4
    for _ in range(2 * count):
        (length,) = struct.unpack("=i", ctypes.string_at(at, 4))
        texts.append(ctypes.string_at(at + 4, length).decode())
        at += 4 + length
    return list(zip(texts[::2], texts[1::2], strict=True))

"""SHOW and DESCRIBE of our own things, as SQL text that yields their rows."""

from collections.abc import Iterable, Sequence

from augursql.database.catalog import IndexRow, ModelRow
from augursql.engine.inference.encoder import Encoder
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.sizing import BYTES_PER_PARAMETER, Size, gigabytes, memory_needed
from augursql.engine.repository.store import Artifact
from augursql.settings import PREFIX, Settings
from augursql.settings import names as setting_names
from augursql.settings import value as setting_value
from augursql.udfs.tally import Counts, Failure

Row = Sequence[object]

INDEX_COLUMNS = {
    "name": "VARCHAR",
    "table": "VARCHAR",
    "columns": "VARCHAR[]",
    "model": "VARCHAR",
    "version": "INTEGER",
    "rows": "BIGINT",
    "texts": "BIGINT",
}
MODEL_COLUMNS = {
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "source": "VARCHAR",
    "revision": "VARCHAR",
    "dimensions": "INTEGER",
    "parameters": "BIGINT",
    "context": "INTEGER",
    "dtype": "VARCHAR",
    "bytes": "BIGINT",
    "base": "VARCHAR",
}
EXPLAIN_COLUMNS = {"explain_key": "VARCHAR", "explain_value": "VARCHAR"}
NOTICE_COLUMNS = {"notice": "VARCHAR"}
PROPERTY_COLUMNS = {"property": "VARCHAR", "value": "VARCHAR"}
SETTING_COLUMNS = {"name": "VARCHAR", "value": "VARCHAR"}
CALL_COLUMNS = {
    "statement": "BIGINT",
    "call": "VARCHAR",
    "rung": "VARCHAR",
    "model": "VARCHAR",
    "rows": "BIGINT",
    "inputs": "BIGINT",
    "evaluated": "BIGINT",
    "cached": "BIGINT",
    "truncated": "BIGINT",
    "seconds": "DOUBLE",
}

ERROR_COLUMNS = {
    "statement": "BIGINT",
    "call": "VARCHAR",
    "input": "VARCHAR",
    "error": "VARCHAR",
}


def table_sql(columns: dict[str, str], rows: Iterable[Row]) -> str:
    """A parenthesised SELECT that yields `rows`; an empty one where there are none."""
    heads = ", ".join(f'"{name}"' for name in columns)
    types = columns.values()
    listed = [f"({', '.join(map(_item, row, types))})" for row in rows]
    if listed:
        # One cast for a column: one for each value would take DuckDB ten times as long to read.
        cast = ", ".join(
            f'CAST("{name}" AS {type_}) AS "{name}"' for name, type_ in columns.items()
        )
        return f"(SELECT {cast} FROM (VALUES {', '.join(listed)}) AS listed({heads}))"
    nothing = ", ".join(f'CAST(NULL AS {type_}) AS "{name}"' for name, type_ in columns.items())
    return f"(SELECT {nothing} WHERE false)"


def _item(value: object, type_: str) -> str:
    """A value as a literal that agrees with the others of its column before they are cast."""
    return literal(value if value is None or type_ != "VARCHAR" else str(value))


def literal(value: object) -> str:
    """A Python value as an SQL literal, to be cast to its type."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return repr(value)
    if isinstance(value, float):
        return f"'{value!r}'"  # A bare one would be a DECIMAL, and lose its last digits.
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return "'" + str(value).replace("'", "''") + "'"


def indexes_sql(indexes: Iterable[IndexRow]) -> str:
    """SHOW INDEXES."""
    return table_sql(
        INDEX_COLUMNS,
        [
            (i.name, i.source, i.text_columns, i.model, i.version, i.rows, i.entries)
            for i in indexes
        ],
    )


def index_sql(index: IndexRow, search: str, lacking: str, predictors: Iterable[Row]) -> str:
    """DESCRIBE INDEX: how it is searched, what it lacks, and the predictors fitted on it."""
    rows: list[Row] = [
        ("name", index.name),
        ("table", index.source),
        ("columns", ", ".join(index.text_columns)),
        ("version", index.version),
        ("rows", index.rows),
        ("distinct texts", index.entries),
        ("rows lacking", lacking),
        ("model", f"{index.model} ({index.dtype}, {index.dimensions} dimensions)"),
        ("metric", index.metric),
        ("search", search),
    ]
    rows += [(f"predictor of {target}", f"{kind}: {why}") for target, kind, why in predictors]
    return table_sql(PROPERTY_COLUMNS, rows)


def models_sql(models: Iterable[tuple[ModelRow, Manifest | None]]) -> str:
    """SHOW MODELS, each with its manifest where its files are on this machine."""
    return table_sql(MODEL_COLUMNS, [_model_line(row, known) for row, known in models])


def _model_line(row: ModelRow, known: Manifest | None) -> Row:
    """What is not known of a model before it was fetched, or does not apply, is NULL."""
    return (
        row.name,
        row.kind,
        row.source,
        (known.revision if known else row.revision) or None,
        (known.dimensions if known else row.dimensions) or None,
        known.parameters or None if known else None,
        known.max_tokens or None if known else None,
        row.options.get("dtype", "auto") if row.kind == "language" else None,
        known.weight_bytes or None if known else None,
        row.base or None,
    )


def language_model_sql(row: ModelRow, artifact: Artifact) -> str:
    """DESCRIBE MODEL of a language model or an adapter."""
    manifest = artifact.manifest
    variants = ", ".join(sorted(d for d, v in manifest.variants.items() if v.sha256))
    rows: list[Row] = [
        ("name", row.name),
        ("kind", row.kind),
        ("source", manifest.source),
        ("revision", manifest.revision),
        ("digest", artifact.digest),
        ("license", manifest.license),
        ("architecture", manifest.architecture),
        ("parameters", f"{manifest.parameters:,}" if manifest.parameters else "not known"),
        ("weights", gigabytes(manifest.weight_bytes)),
    ]
    if row.kind == "adapter":
        rows += [("base", row.base), ("trained on", manifest.base or "not known")]
        return table_sql(PROPERTY_COLUMNS, rows)
    rows += [
        ("context", f"{manifest.max_tokens:,} tokens"),
        ("files", manifest.graph or "safetensors"),
        ("dtype", row.options.get("dtype", "auto")),
        ("variants", variants),
    ]
    size = Size.of(manifest)
    for dtype in () if size.graph else BYTES_PER_PARAMETER:
        rows.append((f"memory in {dtype}", gigabytes(memory_needed(size, dtype))))
    if size.graph:
        rows.append(("memory", gigabytes(memory_needed(size, ""))))
    return table_sql(PROPERTY_COLUMNS, rows)


def encoder_sql(name: str, manifest: Manifest, encoder: Encoder) -> str:
    """DESCRIBE MODEL of an encoder: where it comes from and how it runs on this machine."""
    variants = ", ".join(
        f"{dtype} (cosine {variant.cosine:.4f})"
        for dtype, variant in sorted(manifest.variants.items())
    )
    return table_sql(
        PROPERTY_COLUMNS,
        [
            ("name", name),
            ("kind", "encoder"),
            ("source", manifest.source),
            ("revision", manifest.revision),
            ("digest", encoder.digest),
            ("license", manifest.license),
            ("architecture", manifest.architecture),
            ("dimensions", manifest.dimensions),
            ("longest input", f"{manifest.max_tokens} tokens"),
            ("pooling", manifest.pooling + (", normalized" if manifest.normalize else "")),
            ("variants", variants),
            ("dtype", encoder.dtype),
            ("provider", encoder.provider),
            ("threads", encoder.threads),
        ],
    )


def settings_sql(settings: Settings) -> str:
    """FROM augur_settings()."""
    return table_sql(
        SETTING_COLUMNS,
        [(name, shown(getattr(settings, name.removeprefix(PREFIX)))) for name in setting_names()],
    )


def setting_sql(settings: Settings, name: str) -> str:
    """SHOW augur_..., also in FROM. Raises NameNotFoundError."""
    return table_sql({name: "VARCHAR"}, [(shown(setting_value(settings, name)),)])


def shown(value: object) -> str:
    """A setting's value as DuckDB shows its own."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def calls_sql(records: Iterable[tuple[int, str, str, str, Counts]]) -> str:
    """FROM augur_calls(): what the calls of this session's statements asked for and cost."""
    return table_sql(
        CALL_COLUMNS,
        [
            (n, call, rung, model, c.rows, c.inputs, c.evaluated, c.cached, c.truncated, c.seconds)
            for n, call, rung, model, c in records
        ],
    )


def errors_sql(failures: Iterable[tuple[int, str, Failure]]) -> str:
    """FROM augur_errors(): the inputs that gave NULL because of ON ERROR NULL, and why."""
    return table_sql(
        ERROR_COLUMNS, [(n, call, failure.input, failure.error) for n, call, failure in failures]
    )

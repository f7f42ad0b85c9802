"""Names in a call, looked up; errors carry the place of the name and list what exists."""

from collections.abc import Sequence

from augursql.errors import (
    AugurError,
    InvalidValueError,
    NameNotFoundError,
    UnsupportedError,
    candidates,
)
from augursql.planner.catalog import Catalog, IndexInfo, ModelInfo
from augursql.planner.plan import Call

MOST_NEIGHBOURS = 1_000
_DEPLOY = "CREATE MODEL name FROM 'hub id or folder' deploys one."
_IS = {
    "encoder": "an encoder, which makes vectors",
    "language": "a language model",
    "adapter": "an adapter of a language model",
}


def named_index(call: Call, catalog: Catalog) -> IndexInfo:
    """The index of a call that names one. Raises NameNotFoundError; checks TOP as well."""
    name = str(call.index)
    index = catalog.index(name)
    if index is None:
        raise NameNotFoundError(
            f'There is no index "{name}".',
            hint=candidates(name, catalog.index_names()),
            span=call.place("index"),
        )
    if call.top is not None and not 1 <= call.top <= MOST_NEIGHBOURS:
        raise InvalidValueError(
            f"From 1 to {MOST_NEIGHBOURS:,} rows can be asked for, not {call.top:,}.",
            span=call.place("top"),
        )
    return index


def named_model(call: Call, name: str, catalog: Catalog, *, speaks: bool | None) -> ModelInfo:
    """A model that is an encoder, or one that `speaks`; None: either.

    Raises NameNotFoundError, InvalidValueError for one of the other kind, and UnsupportedError
    for a version, which neither has.
    """
    model = catalog.model(name)
    if model is None:
        raise NameNotFoundError(
            f'There is no model "{name}".',
            hint=_able(catalog, speaks, name),
            span=call.place("model"),
        )
    if speaks is not None and model.speaks != speaks:
        needs = "a language model" if speaks else "an encoder"
        raise InvalidValueError(
            f'"{name}" is {_IS[model.kind]}: {call.kind}() needs {needs} here.',
            hint=_able(catalog, speaks, name),
            span=call.place("model"),
        )
    if call.version is not None:
        raise UnsupportedError(
            f'"{name}" is {_IS[model.kind]}, and has no versions.',
            hint="Leave out VERSION.",
            span=call.place("version"),
        )
    return model


def default_language_model(call: Call, catalog: Catalog) -> ModelInfo:
    """The only language model there is. Raises NameNotFoundError where there is none, or a choice.

    Adapters are no choice: a prompt that wants one names it.
    """
    able = [m for name in catalog.language_names() if (m := catalog.model(name)) is not None]
    models = [model for model in able if model.kind == "language"]
    if len(models) == 1:
        return models[0]
    some = "Several language models are deployed" if models else "No language model is deployed"
    names = ", ".join(f"USING MODEL {model.name}" for model in able)
    raise NameNotFoundError(
        f"{some}: {call.kind}() does not know which one to ask.",
        hint=f"Say which: {names}." if models else _DEPLOY,
        span=call.span,
    )


def _names(catalog: Catalog, speaks: bool | None) -> Sequence[str]:
    language = set(catalog.language_names())
    if speaks:
        return sorted(language)
    return [name for name in catalog.model_names() if speaks is None or name not in language]


def _able(catalog: Catalog, speaks: bool | None, name: str) -> str:
    """A hint that names the models that could answer."""
    names = _names(catalog, speaks)
    if not names:
        return f"No language model is deployed: {_DEPLOY}"
    return candidates(name, names)


def nothing_trained(call: Call, catalog: Catalog) -> AugurError:
    """predict() without a model and an index."""
    target = str(call.target)
    able = [
        name
        for name in catalog.index_names()
        if (index := catalog.index(name)) is not None
        and any(column.lower() == target.lower() for column, _ in index.columns)
    ]
    listed = ", ".join(f"USING INDEX {name}" for name in able)
    none = "There is no index with such a column; CREATE INDEX ... USING HNSW makes one."
    return NameNotFoundError(
        f'No predictor is trained for "{target}".',
        hint=f"Say which labelled rows to learn from: {listed}." if able else none,
        span=call.place("target"),
    )


def target_column(call: Call, index: IndexInfo) -> tuple[str, str]:
    """The column of the index that is predicted, and its type. Raises NameNotFoundError."""
    column = next((c for c in index.columns if c[0].lower() == str(call.target).lower()), None)
    if column is None:
        raise NameNotFoundError(
            f'The index "{index.name}" has no column "{call.target}" to predict.',
            hint=candidates(str(call.target), [name for name, _ in index.columns]),
            span=call.place("target"),
        )
    return column

"""CREATE MODEL: brings a model to this machine, checks it, and describes it for the catalog."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from augursql.database.catalog import ModelRow
from augursql.database.encoders import Encoders
from augursql.engine.generation.options import LanguageOptions
from augursql.engine.repository.machine import this_machine
from augursql.engine.repository.request import Request
from augursql.engine.repository.sizing import Size, gigabytes, memory_needed, precision
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import (
    AugurError,
    InvalidValueError,
    NameNotFoundError,
    candidates,
)
from augursql.planner.plan import CreateModel
from augursql.settings import Settings

MODEL_OPTIONS = ("dtype", "file", "revision")


class Deployment:
    """Deploys encoders, language models and adapters."""

    def __init__(self, encoders: Encoders, notice: Callable[[str], None]) -> None:
        self.encoders = encoders
        self._artifacts = encoders.artifacts
        self._notice = notice

    def deploy(self, statement: CreateModel, settings: Settings) -> tuple[ModelRow, str]:
        """Brings the source to this machine and tries it; its row, and what it is in words.

        Raises NameNotFoundError and InvalidValueError for options and the base, ModelError,
        StorageError.
        """
        options = _options(statement)
        base = self._base(statement, settings)
        request = Request(
            revision=options.get("revision", ""),
            dtype=options.get("dtype", "auto"),
            file=options.get("file", ""),
            base=base,
            machine=this_machine(),
        )
        try:
            artifact = self._artifacts.fetched(statement.source, settings, request)
        except AugurError as error:
            error.span = error.span or statement.place("source")
            raise
        manifest = artifact.manifest
        row = ModelRow(
            statement.name,
            manifest.source,
            manifest.revision,
            artifact.digest,
            manifest.dimensions,
            manifest.kind,
            statement.base or "",
            options,
        )
        if manifest.kind == "encoder":
            encoder = self.encoders.load(artifact, settings)
            return row, f"an encoder of {encoder.dimensions} dimensions"
        if base is not None:
            self._warn_of_another_base(statement, artifact, base)
            return row, f'an adapter of "{statement.base}"'
        dtype = self._prepared(artifact, request, settings)
        if manifest.graph:
            return row, _described(artifact, manifest.graph)
        return replace(row, options={**options, "dtype": dtype}), _described(artifact, dtype)

    def _prepared(self, artifact: Artifact, request: Request, settings: Settings) -> str:
        """Makes the graph that will run and compares it with the source; its precision."""
        # Conversion is not needed to speak of other models.
        from augursql.engine.generation.preparing import prepare

        dtype = request.dtype
        if dtype == "auto":
            chosen = precision(dtype, artifact.manifest.parameters, request.machine)
            dtype = dtype if chosen == "int8" else chosen
        options = LanguageOptions(dtype=dtype, threads=settings.threads)
        return prepare(artifact, Store(settings.store), options, self._artifacts.watch)[1]

    def _base(self, statement: CreateModel, settings: Settings) -> Artifact | None:
        if statement.base is None:
            return None
        known = self._artifacts.names()
        if statement.base.lower() not in (name.lower() for name in known):
            raise NameNotFoundError(
                f'There is no model "{statement.base}".',
                hint=candidates(statement.base, known),
                span=statement.place("model"),
            )
        what = self._artifacts.what_is(statement.base)
        if what != "a language model":
            raise InvalidValueError(
                f'The base of an adapter is a language model; "{statement.base}" is {what}.',
                span=statement.place("model"),
            )
        return self._artifacts.of(statement.base, settings)

    def _warn_of_another_base(
        self, statement: CreateModel, adapter: Artifact, base: Artifact
    ) -> None:
        trained_on, given = adapter.manifest.base, base.manifest.source
        if trained_on and Path(trained_on).name.lower() != Path(given).name.lower():
            self._notice(
                f'The adapter "{statement.name}" was trained on "{trained_on}"; the sizes of '
                f'"{statement.base}" fit, but it comes from "{given}".'
            )


def _options(statement: CreateModel) -> dict[str, str]:
    for name, value in statement.options:
        place = statement.place(f"option:{name}")
        if name not in MODEL_OPTIONS:
            raise NameNotFoundError(
                f'A model has no option "{name}".',
                hint=candidates(name, MODEL_OPTIONS),
                span=place,
            )
        if not isinstance(value, str) or not value:
            raise InvalidValueError(f"{name} is a string, not {value}.", span=place)
    given = {name: str(value) for name, value in statement.options}
    return given | ({"dtype": given["dtype"].lower()} if "dtype" in given else {})


def _described(artifact: Artifact, chosen: str) -> str:
    manifest = artifact.manifest
    told = [f"{manifest.parameters / 1e6:,.1f} million parameters"] if manifest.parameters else []
    told.append(f"context of {manifest.max_tokens:,} tokens")
    told.append(chosen)
    memory = gigabytes(memory_needed(Size.of(manifest), chosen))
    return f"a language model of {', '.join(told)}, about {memory} of memory"

"""Statements of models that go beyond a name: training, versions, export.

This version trains nothing. Its statements are read and their names looked up, so that what is
wrong in them is told, before they are refused.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import duckdb

from augursql.database.artifacts import Artifacts
from augursql.database.catalog import Catalog, first_line, quoted
from augursql.errors import (
    InvalidValueError,
    NameExistsError,
    NameNotFoundError,
    StorageError,
    UnsupportedError,
    candidates,
)
from augursql.planner.lexer import Span
from augursql.planner.plan import AlterModel, ConfigureModel, ExportModel, TrainModel
from augursql.planner.scan import speaks_augur
from augursql.settings import Settings

ADAPTERS = ("head", "lora", "full", "prompt")
NO_TRAINING = "This version cannot train models."
INSTEAD = "predict() learns from the labelled rows of an index: CREATE INDEX ... USING HNSW."


class Models:
    """CREATE MODEL ... PREDICT and FROM CONFIG, ALTER MODEL, EXPORT MODEL."""

    def __init__(self, catalog: Catalog, artifacts: Artifacts) -> None:
        self._catalog = catalog
        self._artifacts = artifacts

    def train(self, statement: TrainModel) -> NoReturn:
        """Checks every name, then raises UnsupportedError.

        Raises NameExistsError, NameNotFoundError and InvalidValueError, with their places.
        """
        self._check_new(statement.name, statement.place("name"))
        self._check_columns(statement)
        if statement.model is not None:
            self._check_known(statement.model, statement.place("model"))
        if statement.index is not None and self._catalog.index(statement.index) is None:
            raise NameNotFoundError(
                f'There is no index "{statement.index}".',
                hint=candidates(statement.index, [i.name for i in self._catalog.indexes()]),
                span=statement.place("index"),
            )
        adapter = dict(statement.options).get("adapter", "head")
        if str(adapter).lower() not in ADAPTERS:
            raise InvalidValueError(
                f"adapter is one of {', '.join(ADAPTERS)}, not {adapter}.",
                span=statement.place("option:adapter"),
            )
        raise UnsupportedError(NO_TRAINING, hint=INSTEAD, span=statement.place("target"))

    def configure(self, statement: ConfigureModel) -> NoReturn:
        """Checks that the file is there, then raises UnsupportedError."""
        self._check_new(statement.name, statement.place)
        if not Path(statement.file).expanduser().is_file():
            raise StorageError(f"There is no file {statement.file}.", span=statement.place)
        raise UnsupportedError(NO_TRAINING, hint=INSTEAD, span=statement.place)

    def alter(self, statement: AlterModel) -> NoReturn:
        """Raises NameNotFoundError, or UnsupportedError: only trained models have versions."""
        self._check_known(statement.name, statement.place)
        what = self._artifacts.what_is(statement.name)
        raise UnsupportedError(
            f'"{statement.name}" is {what}, which has no versions.',
            hint=f"{NO_TRAINING} CREATE OR REPLACE MODEL puts another model in its place.",
            span=statement.place,
        )

    def export(self, statement: ExportModel, settings: Settings) -> str:
        """Copies the files of a model into a new folder.

        Raises NameNotFoundError, and StorageError where the folder holds something or cannot be
        written: then nothing is left in it.
        """
        self._check_known(statement.name, statement.place)
        folder = Path(statement.folder).expanduser()
        names = self._artifacts.export(statement.name, folder, settings)
        return f'Model "{statement.name}": {len(names)} files in {folder}.'

    def _check_new(self, name: str, span: Span) -> None:
        """The name of a deployed model is not one that a trained model can have."""
        if name.lower() in (known.lower() for known in self._artifacts.names()):
            raise NameExistsError(
                f'The model "{name}" exists already, and is {self._artifacts.what_is(name)}.',
                hint="Choose another name.",
                span=span,
            )

    def _check_known(self, name: str, span: Span) -> None:
        known = self._artifacts.names()
        if name.lower() not in (model.lower() for model in known):
            raise NameNotFoundError(
                f'There is no model "{name}".', hint=candidates(name, known), span=span
            )

    def _check_columns(self, statement: TrainModel) -> None:
        if speaks_augur(statement.source):
            return  # DuckDB alone cannot tell the columns of a query with predictions.
        columns = self._columns(statement)
        wanted = {"target": statement.target}
        wanted |= {f"input:{n}": name for n, name in enumerate(statement.inputs)}
        for part, name in wanted.items():
            if name.lower() not in (column.lower() for column in columns):
                raise NameNotFoundError(
                    f"{statement.source} has no column {quoted(name)}.",
                    hint=candidates(name, columns),
                    span=statement.place(part),
                )
            if part != "target" and name.lower() == statement.target.lower():
                raise InvalidValueError(
                    f'"{name}" cannot be predicted from itself.', span=statement.place(part)
                )

    def _columns(self, statement: TrainModel) -> Sequence[str]:
        try:
            return [name for name, _ in self._catalog.columns(statement.source)]
        except duckdb.Error as error:
            raise NameNotFoundError(
                f"{statement.source} cannot be read: {first_line(error)}",
                span=statement.place("source"),
            ) from error

"""The files of a session's models: a name becomes what the store has, fetched if need be."""

import re
from pathlib import Path

from augursql.database.catalog import Catalog, ModelRow
from augursql.database.memory import Memory
from augursql.database.watch import Watch
from augursql.engine.repository.manifest import Manifest
from augursql.engine.repository.obtain import ALIASES, obtain
from augursql.engine.repository.request import Request
from augursql.engine.repository.store import Artifact, Store, copy_out
from augursql.errors import ModelError, NameNotFoundError, candidates
from augursql.settings import Settings

DEFAULT = "minilm"
KINDS = {"encoder": "an encoder", "language": "a language model", "adapter": "an adapter"}
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Artifacts:
    """Finds models of all kinds by the names of this session's database."""

    def __init__(self, catalog: Catalog, watch: Watch, memory: Memory) -> None:
        self._catalog = catalog
        self.watch = watch
        self._found: dict[str, Artifact] = memory.artifacts
        self._lock = memory.lock

    def names(self, kind: str = "") -> list[str]:
        """The default encoder and the deployed models, all or those of one kind."""
        deployed = {row.name for row in self._catalog.models() if kind in ("", row.kind)}
        return sorted(deployed | ({DEFAULT} if kind in ("", "encoder") else set()))

    def encoders(self) -> str:
        """A hint that names the encoders."""
        return f"Encoders: {', '.join(self.names('encoder'))}."

    def what_is(self, name: str) -> str:
        """'an encoder', 'a language model' or 'an adapter'."""
        row = self._catalog.model(name)
        return KINDS[row.kind if row is not None else "encoder"]

    def known(self, name: str, settings: Settings) -> Manifest | None:
        """The manifest of a model that is on this machine; fetches nothing."""
        row, store = self._catalog.model(name), Store(settings.store)
        if row is None:
            found = store.find(ALIASES.get(name.lower(), name))
        else:
            found = store.get(row.digest)
        return None if found is None else found.manifest

    def of(self, name: str, settings: Settings) -> Artifact:
        """The files of the model of that name, fetched if they are not here.

        Raises NameNotFoundError, ModelError where what its source has now is another, StorageError.
        """
        row = self._catalog.model(name)
        if row is None and name.lower() != DEFAULT:
            raise NameNotFoundError(
                f'There is no model "{name}".',
                hint=f"{candidates(name, self.names())} "
                f"Deploy one with CREATE MODEL {name} FROM 'hub id or folder'.",
            )
        with self._lock:
            key = DEFAULT if row is None else row.digest
            if key not in self._found:
                self._found[key] = self._sought(row, settings)
            return self._found[key]

    def fetched(self, source: str, settings: Settings, request: Request) -> Artifact:
        """What a source gives now. Raises as `engine.repository.obtain` does."""
        store = Store(settings.store)
        return obtain(source, store, offline=settings.offline, monitor=self.watch, request=request)

    def export(self, name: str, folder: Path, settings: Settings) -> list[str]:
        """Copies a model's files into a new folder, and returns their names.

        Raises StorageError; then there is nothing in the folder.
        """
        return copy_out(self.of(name, settings), folder)

    def _sought(self, row: ModelRow | None, settings: Settings) -> Artifact:
        if row is None:
            return self.fetched(DEFAULT, settings, Request())
        found = Store(settings.store).get(row.digest)
        if found is None:
            try:
                found = self.fetched(row.source, settings, self._as_before(row, settings))
            except NameNotFoundError as error:
                raise ModelError(
                    f'The files of model "{row.name}" are gone: they are neither in '
                    f'{settings.store} nor at "{row.source}".',
                    hint=f"Bring them back, or deploy it again: CREATE OR REPLACE MODEL {row.name} "
                    "FROM 'hub id or folder'.",
                ) from error
        if found.digest != row.digest:
            raise ModelError(
                f'The files of model "{row.name}" are gone, and "{row.source}" has others now.',
                hint=f"Deploy it again: CREATE OR REPLACE MODEL {row.name} FROM '{row.source}'.",
            )
        return found

    def _as_before(self, row: ModelRow, settings: Settings) -> Request:
        """What was asked for when the model was deployed, at the commit that was written down."""
        return Request(
            revision=row.revision if _COMMIT.fullmatch(row.revision) else "",
            dtype=row.options.get("dtype", "auto"),
            file=row.options.get("file", ""),
            base=self.of(row.base, settings) if row.base else None,
        )

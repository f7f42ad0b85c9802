"""The indexes that a session has in memory, with their graphs, which are caches on disk."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import duckdb

from augursql.database.catalog import Catalog, IndexRow
from augursql.database.indexed import LoadedIndex, Vectors, load_vectors
from augursql.database.memory import Memory
from augursql.engine.retrieval import graphfile, hnsw
from augursql.engine.retrieval.choose import Choice, choose
from augursql.engine.retrieval.exact import ExactRetriever
from augursql.engine.retrieval.neighbours import Retriever, metric_named
from augursql.errors import StorageError
from augursql.settings import Settings
from augursql.types import Monitor

Key = tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class GraphFile:
    """Where an index's graph is cached: beside the database file."""

    path: Path
    index_id: str


class Indexes:
    """Loads an index once per version; one version of an index is in memory at a time."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        catalog: Catalog,
        monitor: Monitor,
        memory: Memory,
    ) -> None:
        self._connection = connection
        self._catalog = catalog
        self._monitor = monitor
        self._lock = memory.lock
        self._loaded: dict[Key, LoadedIndex] = memory.indexes

    def load(self, row: IndexRow, settings: Settings) -> LoadedIndex:
        """The index, ready for search. Builds and saves its graph where there is none.

        Raises StorageError when embeddings are missing, InterruptedStatementError on a cancel.
        """
        key = (row.schema, row.id, row.version, settings.exact_below)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._read(row, settings)
                for other in [k for k in self._loaded if k[:2] == key[:2] and k != key]:
                    del self._loaded[other]
            return self._loaded[key]

    def _read(self, row: IndexRow, settings: Settings) -> LoadedIndex:
        vectors, entry_of = load_vectors(self._connection, row)
        retriever: Retriever
        if self.choice(row, settings).method == "exact":
            retriever = ExactRetriever(vectors, metric_named(row.metric))
        else:
            retriever = self._graph(row, vectors, settings)
        return LoadedIndex(row, vectors, entry_of, retriever)

    def of_encoder(self, digest: str, dtype: str) -> list[LoadedIndex]:
        """The indexes in memory whose vectors this encoder made."""
        found = list(self._loaded.values())
        return [i for i in found if i.row.digest == digest and i.row.dtype == dtype]

    def forget(self) -> None:
        """Lets go of everything; what is needed next is read again."""
        self._loaded.clear()

    def choice(self, row: IndexRow, settings: Settings) -> Choice:
        """Which search serves the index, and why."""
        return choose(row.entries, settings.exact_below)

    def remove_graphs(self, row: IndexRow) -> None:
        """Deletes the graph files of an index that was dropped or has a newer version."""
        file = self._file(row)
        if file is None:
            return
        for path in file.path.parent.glob(f"index-{row.id}-v*.hnsw"):
            if path != file.path or self._catalog.graph(row) is None:
                path.unlink(missing_ok=True)

    def _graph(self, row: IndexRow, vectors: Vectors, settings: Settings) -> Retriever:
        options = hnsw.GraphOptions(
            metric_named(row.metric), row.m, row.ef_construction, settings.seed, settings.threads
        )
        file, digest = self._file(row), self._catalog.graph(row)
        if file is not None and digest is not None:
            stamp = graphfile.GraphStamp(
                file.index_id,
                row.version,
                row.entries,
                row.dimensions,
                options.metric,
                row.m,
                row.ef_construction,
                digest,
            )
            found = graphfile.load(file.path, stamp, settings.threads)
            if found is not None:
                return found
        graph = hnsw.build(vectors, row.entries, options, self._monitor)
        if file is not None:
            self._save(graph, file, row)
        return graph

    def _save(self, graph: hnsw.HnswRetriever, file: GraphFile, row: IndexRow) -> None:
        try:
            stamp = graphfile.save(graph, file.path, file.index_id, row.version)
            self._catalog.put_graph(row, stamp.sha256)
        except StorageError as error:
            warnings.warn(f"{error} The graph is built again in the next session.", stacklevel=2)

    def _file(self, row: IndexRow) -> GraphFile | None:
        database = self._catalog.file
        if database is None or self._catalog.read_only:
            return None
        name = f"index-{row.id}-v{row.version}.hnsw"
        path = Path(f"{database}.augur") / "graphs" / name
        return GraphFile(path, f"{self._catalog.database_id(row.schema)}/{row.id}")

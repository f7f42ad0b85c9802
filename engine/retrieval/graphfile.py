"""A graph on disk: a cache that is right or is not used.

The file is written under a temporary name, flushed to the disk and renamed; its stamp, which the
caller keeps with the index (in the catalog, inside its transaction), says what the file must be.
`load` verifies the checksum before hnswlib sees a byte, because hnswlib trusts what it reads.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from augursql.engine.retrieval import hnsw
from augursql.engine.retrieval.neighbours import METRICS, Metric
from augursql.errors import StorageError

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class GraphStamp:
    """What a graph file must be: of which index and version, and of what shape.

    `sha256` (hex) is over these values and the file's bytes, so that no other file, and no other
    description of this file, passes.
    """

    index_id: str
    version: int
    count: int
    dimensions: int
    metric: Metric
    m: int
    ef_construction: int
    sha256: str


def save(graph: hnsw.HnswRetriever, path: Path, index_id: str, version: int) -> GraphStamp:
    """Writes the graph at `path`, wholly or not at all, and returns its stamp.

    Raises StorageError when the folder or the disk does not take it.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    stamp = GraphStamp(
        index_id,
        version,
        graph.count,
        graph.dimensions,
        graph.metric,
        graph.m,
        graph.ef_construction,
        "",
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        graph.write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        stamp = replace(stamp, sha256=_digest(temporary, stamp))
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except (OSError, RuntimeError) as error:
        raise StorageError(
            f"The graph could not be written to {path}: {error}",
            hint="Check free space and permissions; predictions go on without the file.",
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return stamp


def load(path: Path, stamp: GraphStamp, threads: int = 0) -> hnsw.HnswRetriever | None:
    """The graph of that stamp, or None where the file is missing, damaged or another's.

    Never raises for a bad file: the caller builds the graph again.
    """
    if not hnsw.available() or stamp.metric not in METRICS:
        return None
    try:
        if _digest(path, stamp) != stamp.sha256:
            return None
        return hnsw.opened(path, stamp.dimensions, stamp.metric, threads)
    except (OSError, RuntimeError):
        return None


def _digest(path: Path, stamp: GraphStamp) -> str:
    described = json.dumps(asdict(replace(stamp, sha256="")), sort_keys=True)
    digest = sha256(described.encode())
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

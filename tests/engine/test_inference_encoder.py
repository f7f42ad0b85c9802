"""The encoder: any number of texts, in order, from several threads, until done or cancelled."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from augursql.engine.inference.encoder import Encoder, EncoderOptions, Encoding, load_encoder
from augursql.engine.inference.tokenizer import Tokenizer
from augursql.engine.repository.store import Artifact, Store
from augursql.engine.runtime.sessions import MemoryExhaustedError, load_runtime
from augursql.errors import InterruptedStatementError, ModelError, StorageError
from augursql.types import SilentMonitor

QUIET = SilentMonitor()
TEXTS = [" ".join(f"w{(i * 7 + j) % 1900}" for j in range(i % 90)) for i in range(1500)]


def _encoder(artifact: Artifact, store: Store, dtype: str = "fp32", **options: int) -> Encoder:
    return load_encoder(artifact, store, EncoderOptions("cpu", dtype, **options), QUIET)


def test_shapes_and_types(artifact: Artifact, store: Store) -> None:
    encoder = _encoder(artifact, store, threads=3)
    assert (encoder.name, encoder.digest) == (artifact.manifest.source, artifact.digest)
    assert (encoder.dimensions, encoder.max_tokens, encoder.threads) == (32, 64, 3)
    assert (encoder.dtype, encoder.provider) == ("fp32", "CPUExecutionProvider")
    for size in (0, 1, 5, 700):
        encoding = encoder.encode(TEXTS[:size], QUIET)
        assert encoding.vectors.shape == (size, 32)
        kinds = [a.dtype for a in (encoding.vectors, encoding.tokens, encoding.truncated)]
        assert kinds == [np.float32, np.int32, np.bool_]


@pytest.mark.parametrize("dtype", ["fp32", "int8", "fp16"])
def test_a_text_has_one_vector_whatever_surrounds_it(
    artifact: Artifact, store: Store, dtype: str
) -> None:
    encoder = _encoder(artifact, store, dtype, threads=2, batch_tokens=200)
    together = encoder.encode(TEXTS, QUIET)
    alone = [encoder.encode([text], QUIET) for text in TEXTS[:200]]
    tolerance = 1e-3 if dtype == "fp16" else 1e-6
    assert np.abs(np.concatenate([e.vectors for e in alone]) - together.vectors[:200]).max() < (
        tolerance
    )
    assert together.tokens.tolist() == [i % 90 + 2 for i in range(1500)]
    assert together.truncated.tolist() == [i % 90 + 2 > 64 for i in range(1500)]
    assert np.allclose(np.linalg.norm(together.vectors, axis=1), 1, atol=1e-5)


def test_the_vectors_are_the_graphs(artifact: Artifact, store: Store) -> None:
    """Against the same arithmetic in NumPy."""
    import onnx

    graph = onnx.load(str(artifact.onnx("fp32"))).graph
    value = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    states = value["table"][[1, 5, 9, 2]]
    states = np.maximum(states @ value["first"] + value["bias"], 0) @ value["second"]
    expected = states.mean(axis=0) / np.linalg.norm(states.mean(axis=0))
    found = _encoder(artifact, store).encode(["w1 w5"], QUIET).vectors[0]
    assert np.abs(found - expected).max() < 1e-5


def test_several_threads_at_once(artifact: Artifact, store: Store) -> None:
    encoder = _encoder(artifact, store, threads=2)
    expected = encoder.encode(TEXTS, QUIET).vectors
    results: list[Encoding] = []
    threads = [
        threading.Thread(target=lambda: results.append(encoder.encode(TEXTS, QUIET)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(np.abs(r.vectors - expected).max() < 1e-6 for r in results)


def test_progress_is_reported_in_texts(
    artifact: Artifact, store: Store, counting: Callable[..., Any]
) -> None:
    for size in (0, 1, 1500):
        monitor = counting()
        _encoder(artifact, store).encode(TEXTS[:size], monitor)
        assert monitor.advanced == size


def test_cancelling_stops_between_batches(
    artifact: Artifact, store: Store, counting: Callable[..., Any]
) -> None:
    encoder = _encoder(artifact, store, threads=2)
    before = threading.active_count()
    monitor = counting(100)
    with pytest.raises(InterruptedStatementError):
        encoder.encode(TEXTS, monitor)
    assert monitor.advanced < 500
    assert threading.active_count() == before
    with pytest.raises(InterruptedStatementError):
        encoder.encode(["w1"], counting(0))
    assert len(encoder.encode(TEXTS, QUIET).vectors) == 1500


class Cramped:
    """A network whose memory holds `most` tokens, whose vectors are the first ids."""

    def __init__(self, most: int, failure: Exception) -> None:
        self.most, self.failure = most, failure
        self.sizes: list[int] = []

    def run(self, ids: list[list[int]], options: object = None) -> NDArray[np.float32]:
        size = len(ids) * max(len(i) for i in ids)
        self.sizes.append(size)
        if size > self.most:
            raise self.failure
        return np.array([[i[1]] * 32 for i in ids], dtype=np.float32)

    def run_options(self) -> Any:
        return type("Options", (), {"terminate": False})()


def _cramped(artifact: Artifact, network: Cramped) -> Encoder:
    runtime = load_runtime(artifact.path, "cpu", 1)
    parts: Any = (Tokenizer(artifact), network)
    return Encoder(artifact, runtime, parts, "fp32", 512)


def test_out_of_memory_halves_the_budget(artifact: Artifact) -> None:
    network = Cramped(100, MemoryExhaustedError("Failed to allocate memory"))
    encoder = _cramped(artifact, network)
    texts = [f"w{i}" for i in range(600)]
    assert encoder.encode(texts, QUIET).vectors[:, 0].tolist() == [i + 4 for i in range(600)]
    assert encoder.budget <= 128
    network.sizes.clear()
    encoder.encode(texts, QUIET)
    assert max(network.sizes) <= 128


@pytest.mark.parametrize("failure", [MemoryExhaustedError("bad_alloc"), MemoryError()])
def test_a_text_that_never_fits(artifact: Artifact, failure: Exception) -> None:
    encoder = _cramped(artifact, Cramped(10, failure))
    with pytest.raises(ModelError, match="A text of 64 tokens needs more memory"):
        encoder.encode(["w1", " ".join(["w2"] * 80)], QUIET)


def test_an_error_in_a_batch_reaches_the_caller(artifact: Artifact) -> None:
    encoder = _cramped(artifact, Cramped(0, ModelError("broken")))
    with pytest.raises(ModelError, match="broken"):
        encoder.encode(TEXTS, QUIET)


def test_a_damaged_model_is_not_run(artifact: Artifact, store: Store) -> None:
    file = artifact.onnx("fp32")
    file.write_bytes(file.read_bytes()[:-1] + b"\0")
    with pytest.raises(StorageError, match="damaged"):
        _encoder(artifact, store)

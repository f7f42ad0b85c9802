"""An encoder: texts to vectors, in batches, by several threads, until done or cancelled."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.inference.batching import SLICE, pack, slices
from augursql.engine.inference.network import Network
from augursql.engine.inference.precision import resolve
from augursql.engine.inference.tokenizer import Tokenizer, Tokens
from augursql.engine.repository.store import Artifact, Store
from augursql.engine.runtime.sessions import MemoryExhaustedError, Runtime, load_runtime
from augursql.engine.runtime.speed import Speed
from augursql.errors import ModelError
from augursql.types import Monitor

_CPU_BUDGET, _GPU_BUDGET = 512, 32_768
_INLINE_TOKENS = 512
_POLL_S = 0.1
_TRIAL_TEXTS = 32


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How to run: processor ('auto', 'cpu', 'cuda'), precision ('auto', 'fp32', 'int8', 'fp16'),
    batches at the same time (0: one per core), and padded tokens per batch (0: by processor)."""

    provider: str = "auto"
    dtype: str = "auto"
    threads: int = 0
    batch_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Encoding:
    """What n texts became, in their order.

    `vectors` float32 [n, dimensions]; `tokens` int32 [n], before truncation; `truncated` bool [n].
    """

    vectors: NDArray[np.float32]
    tokens: NDArray[np.int32]
    truncated: NDArray[np.bool_]


def load_encoder(
    artifact: Artifact, store: Store, options: EncoderOptions, monitor: Monitor
) -> "Encoder":
    """Load a model for the processor that `options` choose; a variant is made when it is missing.

    Raises ModelError and StorageError.
    """
    runtime = load_runtime(store.root.parent, options.provider, options.threads)
    artifact.verify()
    tokenizer = Tokenizer(artifact)
    artifact, dtype = resolve(artifact, store, options.dtype, (runtime, tokenizer), monitor)
    artifact.verify(dtype)
    network = Network(runtime.open(artifact.onnx(dtype)), artifact.manifest, tokenizer.pad_id)
    budget = options.batch_tokens or (_GPU_BUDGET if runtime.on_gpu else _CPU_BUDGET)
    return Encoder(artifact, runtime, (tokenizer, network), dtype, budget)


class Encoder:
    """A loaded model. `encode` may be called by several threads at once.

    `dtype` and `provider` are what was chosen; `threads` batches run at the same time.
    """

    def __init__(
        self,
        artifact: Artifact,
        runtime: Runtime,
        parts: tuple[Tokenizer, Network],
        dtype: str,
        budget: int,
    ) -> None:
        manifest = artifact.manifest
        self.name = manifest.source
        self.digest = artifact.digest
        self.dimensions = manifest.dimensions
        self.max_tokens = manifest.max_tokens
        self.dtype = dtype
        self.provider = runtime.provider
        self.threads = runtime.threads
        self._tokenizer, self._network = parts
        self._budget = budget
        # All callers together run as many batches as there are threads, and one more, which on a
        # CPU fills the moments in which another batch is put together; on a GPU exactly one.
        self._speed = Speed()
        self._seats = threading.BoundedSemaphore(runtime.threads + (not runtime.on_gpu))

    def encode(self, texts: Sequence[str], monitor: Monitor) -> Encoding:
        """The vectors of `texts`, any number of them, the empty string included.

        Reports finished texts to `monitor` and stops within a batch when it is cancelled. Raises
        ModelError when a single text needs more memory than there is.
        """
        size = len(texts)
        encoding = Encoding(
            np.zeros((size, self.dimensions), dtype=np.float32),
            np.zeros(size, dtype=np.int32),
            np.zeros(size, dtype=np.bool_),
        )
        if size:
            started = time.perf_counter()
            _Run(self, self._tokenizer, self._network, encoding, monitor).go(texts)
            tokens = int(np.minimum(encoding.tokens, self.max_tokens).sum())
            self._speed.add(tokens, time.perf_counter() - started)
        return encoding

    def count_tokens(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """How many tokens each text would send to the model, int32 [n]."""
        counts = self._tokenizer.tokenize(texts).counts
        return np.minimum(counts, self.max_tokens).astype(np.int32)

    def tokens_per_second(self) -> float:
        """The throughput measured so far; of a trial batch where nothing has run yet."""
        if not self._speed.known:
            trial = sorted(self._tokenizer.random_ids(_TRIAL_TEXTS, seed=0), key=len)
            self.run(trial[:1], self._network.run_options())
            started = time.perf_counter()
            self.run(trial, self._network.run_options())
            self._speed.add(sum(map(len, trial)), time.perf_counter() - started)
        return self._speed.tokens_per_second

    @property
    def budget(self) -> int:
        """Padded tokens per batch; it shrinks when memory ran out."""
        return self._budget

    def run(self, ids: list[list[int]], options: Any) -> NDArray[np.float32]:
        """The vectors of one batch, in halves where memory does not suffice. Raises ModelError."""
        try:
            with self._seats:
                return self._network.run(ids, options)
        except (MemoryExhaustedError, MemoryError) as error:
            if len(ids) == 1:
                raise ModelError(
                    f"A text of {len(ids[0])} tokens needs more memory than there is.",
                    hint="Close other programs, or SET augur_threads = 1.",
                ) from error
        half = len(ids) // 2
        self._budget = max(1, min(self._budget, half * len(ids[0])))
        return np.concatenate([self.run(ids[:half], options), self.run(ids[half:], options)])


class _Run:
    """One call of `encode`."""

    def __init__(
        self,
        encoder: Encoder,
        tokenizer: Tokenizer,
        network: Network,
        encoding: Encoding,
        monitor: Monitor,
    ) -> None:
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._network = network
        self._encoding = encoding
        self._monitor = monitor
        self._running: dict[Future[int], Any] = {}

    def go(self, texts: Sequence[str]) -> None:
        """Encode all of them; a small batch runs right here, without any thread."""
        self._monitor.check()
        if len(texts) <= SLICE:
            everything = np.arange(len(texts))
            tokens = self._tokenize(texts, everything)
            batches = pack(tokens.lengths, self._encoder.budget)
            if len(batches) == 1 and sum(tokens.lengths) <= _INLINE_TOKENS:
                self._monitor.advance(self._batch(tokens.ids, everything, batches[0], None))
                return
        with ThreadPoolExecutor(self._encoder.threads + 1, "augursql-encode") as pool:
            try:
                self._pipeline(texts, pool)
            except BaseException:
                self._cancel()
                raise

    def _pipeline(self, texts: Sequence[str], pool: ThreadPoolExecutor) -> None:
        """Tokenise one slice ahead of the slice that runs."""
        parts = slices(texts, max(SLICE, self._encoder.budget // 8))
        ahead = pool.submit(self._tokenize, texts, parts[0])
        for number, places in enumerate(parts):
            while not ahead.done():
                self._collect(ahead)
            tokens = ahead.result()
            if number + 1 < len(parts):
                ahead = pool.submit(self._tokenize, texts, parts[number + 1])
            for batch in pack(tokens.lengths, self._encoder.budget):
                self._monitor.check()
                options = self._network.run_options()
                future = pool.submit(self._batch, tokens.ids, places, batch, options)
                self._running[future] = options
                while len(self._running) > self._encoder.threads:
                    self._collect()
        while self._running:
            self._collect()

    def _tokenize(self, texts: Sequence[str], places: NDArray[np.intp]) -> Tokens:
        tokens = self._tokenizer.tokenize([texts[i] for i in places])
        self._encoding.tokens[places] = tokens.counts
        self._encoding.truncated[places] = tokens.counts > self._encoder.max_tokens
        return tokens

    def _batch(
        self, ids: list[list[int]], places: NDArray[np.intp], batch: list[int], options: Any
    ) -> int:
        vectors = self._encoder.run([ids[i] for i in batch], options)
        self._encoding.vectors[places[batch]] = vectors
        return len(batch)

    def _collect(self, *others: Future[Any]) -> None:
        """Wait a moment for a running batch, or one of `others`, and report what finished."""
        done, _ = wait((*self._running, *others), _POLL_S, FIRST_COMPLETED)
        for future in done.difference(others):
            del self._running[future]
            self._monitor.advance(future.result())
        self._monitor.check()

    def _cancel(self) -> None:
        for future, options in self._running.items():
            future.cancel()
            options.terminate = True

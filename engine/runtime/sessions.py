"""ONNX Runtime: which build is loaded, on which processor it runs, and one session.

The only importer of onnxruntime. Its CPU and GPU wheels install into the same folder and overwrite
one another, so the GPU build is kept out of site-packages, in a folder of its own below the home of
AugurSQL (see `gpu`); where it is there, it is imported instead.
"""

import importlib
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augursql.engine.runtime.cores import available_cores
from augursql.engine.runtime.gpu import gpu_folder, installed_builds
from augursql.errors import ModelError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_NAME = "onnxruntime"
_TYPES: dict[str, type] = {
    "tensor(int32)": np.int32,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(bool)": np.bool_,
}
_MEMORY_WORDS = ("failed to allocate", "bad_alloc", "out of memory", "alloc_failed")


class MemoryExhaustedError(Exception):
    """A run needed more memory than there is; a smaller batch may not."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A loaded ONNX Runtime and what it will run on.

    `provider` is the execution provider; `threads` is how many batches run at the same time.
    """

    module: Any
    provider: str
    threads: int

    @property
    def on_gpu(self) -> bool:
        """Whether sessions run on a GPU."""
        return self.provider == CUDA

    def open(self, path: Path, threads: int = 1) -> "Session":
        """A session for the ONNX file, of which `threads` share each run. Raises ModelError."""
        return Session(self, path, threads)


def load_runtime(home: Path, provider: str = "auto", threads: int = 0) -> Runtime:
    """Load ONNX Runtime; `home` is the folder that may hold the GPU build.

    `provider` is 'cpu', 'cuda' or 'auto' (CUDA where it works); `threads` 0 means one per core.
    Raises ModelError when 'cuda' was asked for and does not work, or nothing is installed.
    """
    module = _imported(home if provider != "cpu" else None)
    usable = provider != "cpu" and CUDA in module.get_available_providers() and _cuda_works(module)
    if provider == "cuda" and not usable:
        raise _no_cuda(module, home)
    chosen = CUDA if usable else CPU
    workers = 1 if usable else threads or available_cores()
    return Runtime(module, chosen, workers)


class Session:
    """One model, loaded. `run` may be called by several threads at once."""

    def __init__(self, runtime: Runtime, path: Path, threads: int) -> None:
        self._runtime = runtime
        options = runtime.module.SessionOptions()
        # Where a thread of ours runs a whole batch, no time is lost on splitting and joining.
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._errors = _error_classes(runtime.module)
        try:
            self._session = runtime.module.InferenceSession(
                str(path), options, providers=_providers(runtime.provider)
            )
        except self._errors as error:
            raise ModelError(f"ONNX Runtime cannot load {path}: {_first_line(error)}") from error

    @property
    def inputs(self) -> dict[str, type]:
        """The names of the inputs, and the NumPy type of each."""
        return {i.name: _TYPES.get(i.type, np.int64) for i in self._session.get_inputs()}

    @property
    def outputs(self) -> dict[str, int]:
        """The names of the outputs, and the number of axes of each."""
        return {o.name: len(o.shape) for o in self._session.get_outputs()}

    @property
    def input_sizes(self) -> dict[str, list[Any]]:
        """The sizes of each input's axes; names stand for those that vary."""
        return {i.name: list(i.shape) for i in self._session.get_inputs()}

    def run(
        self, feeds: Mapping[str, NDArray[Any]], output: str, options: Any = None
    ) -> NDArray[np.float32]:
        """The value of `output`; `options` come from `run_options`.

        Raises MemoryExhaustedError and ModelError.
        """
        with self._translated():
            if self._runtime.on_gpu:
                result = self._run_bound(feeds, output, options)
            else:
                result = self._session.run([output], dict(feeds), options)[0]
        return np.asarray(result, dtype=np.float32)

    def run_all(
        self, feeds: Mapping[str, NDArray[Any]], outputs: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """The values of several outputs. Raises MemoryExhaustedError and ModelError."""
        with self._translated():
            values = self._session.run(list(outputs), dict(feeds))
        return [np.asarray(value, dtype=np.float32) for value in values]

    def binding(self) -> "Binding":
        """For runs that read and write memory of ours in place."""
        return Binding(self._runtime.module, self._session, self._translated)

    def run_options(self) -> Any:
        """Options of one run; setting their `terminate` ends it early."""
        return self._runtime.module.RunOptions()

    def _run_bound(self, feeds: Mapping[str, NDArray[Any]], output: str, options: Any) -> Any:
        binding = self._session.io_binding()
        for name, value in feeds.items():
            binding.bind_cpu_input(name, value)
        binding.bind_output(output, "cuda")
        self._session.run_with_iobinding(binding, options)
        return binding.copy_outputs_to_cpu()[0]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            text = str(error).lower()
            if isinstance(error, MemoryError) or any(word in text for word in _MEMORY_WORDS):
                raise MemoryExhaustedError(_first_line(error)) from error
            raise ModelError(f"ONNX Runtime failed: {_first_line(error)}") from error


class Binding:
    """Inputs and outputs of a session that stay bound from run to run. For one thread."""

    def __init__(self, module: Any, session: Any, translated: Any) -> None:
        self._module = module
        self._session = session
        self._translated = translated
        self._binding = session.io_binding()
        self._held: dict[str, Any] = {}

    def share(self, name: str, output: str, memory: NDArray[Any]) -> None:
        """Lets the input `name` and the output `output` be the same memory, which is contiguous."""
        self.hold(name, memory)
        self._binding.bind_ortvalue_output(output, self._held[name][1])

    def hold(self, name: str, memory: NDArray[Any]) -> None:
        """Lets the input `name` have this value, contiguous, in every run."""
        value = self._module.OrtValue.ortvalue_from_numpy(memory)
        self._held[name] = memory, value
        self._binding.bind_ortvalue_input(name, value)

    def run(self, feeds: Mapping[str, NDArray[Any]], output: str) -> NDArray[Any]:
        """The value of `output`. Raises MemoryExhaustedError and ModelError."""
        for name, value in feeds.items():
            self._binding.bind_cpu_input(name, np.ascontiguousarray(value))
        self._binding.bind_output(output, "cpu")
        with self._translated():
            self._session.run_with_iobinding(self._binding)
        found = self._binding.get_outputs()
        names = self._session.get_outputs()
        for described, value in zip(names, found, strict=True):
            if described.name == output:
                result: NDArray[Any] = value.numpy()
                return result
        raise ModelError(f"The graph has no output {output}.")


def _imported(home: Path | None) -> Any:
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    if home is not None and (module := _from_folder(gpu_folder(home))) is not None:
        return module
    try:
        return importlib.import_module(_NAME)
    except ImportError as error:
        raise ModelError(
            f"ONNX Runtime cannot be loaded: {error}", hint="pip install onnxruntime"
        ) from error


def _from_folder(folder: Path) -> Any:
    package = folder / _NAME
    spec = spec_from_file_location(
        _NAME, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if not (package / "__init__.py").is_file() or spec is None or spec.loader is None:
        return None
    before = set(sys.modules)
    module = module_from_spec(spec)
    sys.modules[_NAME] = module
    try:
        spec.loader.exec_module(module)
    except (ImportError, OSError):  # built for another system: the CPU build must still work
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == _NAME:
                del sys.modules[name]
        return None
    return module


def _cuda_works(module: Any) -> bool:
    """Whether a session really lands on the GPU: a missing library shows only then."""
    import onnx

    with redirect_stdout(io.StringIO()):  # it prints what it does not find
        if hasattr(module, "preload_dlls"):
            module.preload_dlls()
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    shapes = [value(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([node], "probe", shapes[:1], shapes[1:])
    opsets = [onnx.helper.make_opsetid("", 17)]
    probe = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    options = module.SessionOptions()
    options.log_severity_level = 4
    try:
        session = module.InferenceSession(
            probe.SerializeToString(), options, providers=_providers(CUDA)
        )
    except _error_classes(module):
        return False
    return CUDA in session.get_providers()


def _providers(provider: str) -> Sequence[Any]:
    if provider == CPU:
        return [CPU]
    options = {"arena_extend_strategy": "kSameAsRequested", "use_tf32": "0"}
    return [(CUDA, options), CPU]


def _no_cuda(module: Any, home: Path) -> ModelError:
    builds = installed_builds()
    inside = Path(module.__file__ or "").is_relative_to(gpu_folder(home))
    if CUDA in module.get_available_providers():
        why = "the GPU build of ONNX Runtime finds no GPU, or not the CUDA and cuDNN it needs"
        hint = "Check nvidia-smi; `augur gpu` installs matching libraries."
    elif len(builds) > 1:
        why = f"{' and '.join(builds)} are both installed, and overwrote one another"
        hint = f"pip uninstall -y {' '.join(builds)}; pip install onnxruntime; augur gpu"
    elif not inside and (gpu_folder(home) / _NAME).is_dir():
        why = "the CPU build of ONNX Runtime was loaded earlier in this process"
        hint = "Start again, and import augursql before other users of ONNX Runtime."
    else:
        why = "the GPU build of ONNX Runtime is not installed"
        hint = "Run `augur gpu` once, or SET augur_provider = 'auto'."
    return ModelError(f"CUDA cannot be used: {why}.", hint=hint)


def _error_classes(module: Any) -> tuple[type[Exception], ...]:
    state = importlib.import_module(f"{module.__name__}.capi.onnxruntime_pybind11_state")
    own = [c for c in vars(state).values() if isinstance(c, type) and issubclass(c, Exception)]
    return (*own, RuntimeError, MemoryError, ValueError)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

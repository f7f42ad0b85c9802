"""Which build of ONNX Runtime is loaded, and what is said when it cannot do what was asked."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from augursql.engine.runtime.gpu import gpu_folder, install_gpu_runtime
from augursql.engine.runtime.sessions import CUDA, load_runtime
from augursql.errors import ModelError, StorageError

no_gpu = pytest.mark.skipif(
    CUDA in onnxruntime.get_available_providers(), reason="the GPU build is installed"
)


def test_cpu_and_threads(tmp_path: Path) -> None:
    runtime = load_runtime(tmp_path, "cpu", 3)
    assert (runtime.provider, runtime.threads, runtime.on_gpu) == ("CPUExecutionProvider", 3, False)
    assert load_runtime(tmp_path, "cpu").threads >= 1


@no_gpu
def test_cuda_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_runtime(tmp_path, "auto").on_gpu
    with pytest.raises(ModelError, match="not installed") as caught:
        load_runtime(tmp_path, "cuda")
    assert "augur gpu" in caught.value.hint
    (gpu_folder(tmp_path) / "onnxruntime").mkdir(parents=True)
    with pytest.raises(ModelError, match="loaded earlier in this process"):
        load_runtime(tmp_path, "cuda")
    builds = ["onnxruntime", "onnxruntime-gpu"]
    monkeypatch.setattr("augursql.engine.runtime.sessions.installed_builds", lambda: builds)
    with pytest.raises(ModelError, match="overwrote one another") as caught:
        load_runtime(tmp_path, "cuda")
    assert "pip uninstall -y onnxruntime onnxruntime-gpu" in caught.value.hint


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 64)
    with pytest.raises(ModelError, match="cannot load"):
        load_runtime(tmp_path, "cpu").open(tmp_path / "model.onnx")


def _load_in_a_new_process(home: Path, provider: str) -> str:
    program = (
        "import sys, pathlib; from augursql.engine.runtime.sessions import load_runtime;"
        "r = load_runtime(pathlib.Path(sys.argv[1]), sys.argv[2], 1); print(r.module.__file__)"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "ignore", "-c", program, str(home), provider]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_gpu_build_in_its_own_folder_is_preferred(tmp_path: Path) -> None:
    package = gpu_folder(tmp_path) / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def get_available_providers(): return []\n")
    assert _load_in_a_new_process(tmp_path, "auto") == str(package / "__init__.py")
    assert _load_in_a_new_process(tmp_path, "cpu") == onnxruntime.__file__


def test_a_gpu_build_that_does_not_load_leaves_the_cpu_build(tmp_path: Path) -> None:
    package = gpu_folder(tmp_path) / "onnxruntime"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import onnxruntime.capi_of_another_python\n")
    assert _load_in_a_new_process(tmp_path, "auto") == onnxruntime.__file__


class Pip:
    """Stands in for pip: writes what the wheel would, and remembers the commands."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **options: Any) -> SimpleNamespace:
        self.commands.append(command)
        target = Path(command[command.index("--target") + 1])
        (target / "onnxruntime").mkdir(parents=True, exist_ok=True)
        (target / "onnxruntime" / "__init__.py").write_text("")
        info = target / "onnxruntime_gpu-9.9.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 9.9\nRequires-Dist: numpy\n"
            'Requires-Dist: nvidia-cudnn-cu12~=9.0; extra == "cudnn"\n'
        )
        return SimpleNamespace(returncode=self.status, stderr="noise\nERROR: no such wheel\n")


def test_installing_the_gpu_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    monkeypatch.setattr("augursql.engine.runtime.gpu.subprocess.run", pip)
    for _ in range(2):
        folder = install_gpu_runtime(tmp_path, "9.9")
        assert folder == gpu_folder(tmp_path)
        assert (folder / "onnxruntime" / "__init__.py").is_file()
    assert "onnxruntime-gpu==9.9" in pip.commands[0] and "--no-deps" in pip.commands[0]
    assert pip.commands[1][-1] == "nvidia-cudnn-cu12~=9.0"
    assert list(folder.parent.iterdir()) == [folder]


def test_installing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augursql.engine.runtime.gpu.subprocess.run", Pip(1))
    with pytest.raises(ModelError, match="ERROR: no such wheel"):
        install_gpu_runtime(tmp_path)
    assert not gpu_folder(tmp_path).exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        install_gpu_runtime(tmp_path / "file")

"""The GPU build of ONNX Runtime, in a folder of its own so that it cannot clash with the CPU's.

Both wheels own the folder `onnxruntime/` of site-packages: whichever pip wrote last wins, and
uninstalling one breaks the other. So the GPU build never goes there.
"""

import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from augursql.errors import ModelError, StorageError

_DISTRIBUTION = "onnxruntime-gpu"
_LIBRARY_EXTRAS = ('extra == "cuda"', 'extra == "cudnn"')


def gpu_folder(home: Path) -> Path:
    """Where the GPU build for this Python lives below `home`."""
    return home / "runtime" / _DISTRIBUTION / str(sys.implementation.cache_tag)


def installed_builds() -> list[str]:
    """The distributions in site-packages that own the folder `onnxruntime/`."""
    owners = metadata.packages_distributions().get("onnxruntime", [])
    return sorted(set(owners))


def install_gpu_runtime(home: Path, version: str = "") -> Path:
    """Install the GPU build, and the CUDA libraries it names, with pip; return its folder.

    `version` '' means the newest up to that of the CPU build. The folder appears only when all of
    it is there. Raises ModelError when pip fails, StorageError when `home` cannot be written.
    """
    target = gpu_folder(home)
    requirement = f"{_DISTRIBUTION}=={version}" if version else _DISTRIBUTION
    if not version and _cpu_version():
        # GPU builds appear later than CPU builds of the same version, or never.
        requirement = f"{_DISTRIBUTION}<={_cpu_version()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tmp-") as scratch:
            staged = Path(scratch, "packages")
            _pip(staged, [requirement], "--no-deps")
            libraries = _libraries(staged)
            if libraries:
                _pip(staged, libraries)
            if target.exists():
                target.rename(Path(scratch, "old"))
            staged.rename(target)
    except OSError as error:
        raise StorageError(
            f"The GPU runtime cannot be written to {target}: {error.strerror or error}.",
            hint="Free some space, or choose another folder with AUGUR_HOME.",
        ) from error
    return target


def _cpu_version() -> str:
    try:
        return metadata.version("onnxruntime")
    except metadata.PackageNotFoundError:
        return ""


def _libraries(folder: Path) -> list[str]:
    """The NVIDIA wheels that the GPU build names as its extras."""
    names = []
    for found in metadata.distributions(path=[str(folder)]):
        for requirement in found.requires or []:
            name, _, marker = requirement.partition(";")
            if marker.strip() in _LIBRARY_EXTRAS:
                names.append(name.strip())
    return names


def _pip(target: Path, requirements: list[str], *flags: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary", ":all:", "--target", str(target), *flags, *requirements]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
    shutil.rmtree(target, ignore_errors=True)
    raise ModelError(
        f"pip could not install {' '.join(requirements)}: {lines[-1][:300]}",
        hint="Check the network and that this Python has pip (python -m ensurepip).",
    )

"""`augur gpu`: the CUDA build of ONNX Runtime, in a folder of its own."""

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Installs it; returns the exit status. Raises ModelError when pip cannot get it."""
    from augursql import settings as setting
    from augursql.engine.runtime.gpu import install_gpu_runtime

    store = setting.initial({}).store
    print(
        f"Installed {install_gpu_runtime(store.parent)}. Use it with SET augur_provider = 'cuda'."
    )
    return 0

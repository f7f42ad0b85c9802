"""The worker that talks to the model hub: what a repository holds, and the download of its files.

A process of its own, because a resolver without network can block for long, and because its
timeouts and progress bars are set by environment variables that are not ours to change.
"""

import errno
import importlib
from typing import Any

from augursql.engine.repository.worker import WorkerError, answer

_REFUSALS = {
    "GatedRepoError": "gated",
    "RepositoryNotFoundError": "missing",
    "RevisionNotFoundError": "revision",
    "DisabledRepoError": "missing",
    "EntryNotFoundError": "missing",
    "RemoteEntryNotFoundError": "missing",
    "HFValidationError": "missing",
}
# Asked for what comes behind a part that is longer than the file is.
_NOT_SATISFIABLE = 416


def _work(request: dict[str, Any]) -> dict[str, Any]:
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise WorkerError("dependency", "huggingface_hub") from error
    tasks = {"list": _list, "download": _download, "cached": _cached}
    try:
        return tasks[request["work"]](hub, request)
    except Exception as error:  # the boundary of the process: the hub's errors have many bases
        raise _told(error) from error


def _told(error: Exception) -> WorkerError:
    name = type(error).__name__
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        kind = "space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "failed"
        return WorkerError(kind, f"{name}: {error.strerror}")
    if status == _NOT_SATISFIABLE or "Consistency check failed" in str(error):
        return WorkerError("damaged", name)
    told = name if status is None else f"{name}, status {status}"
    return WorkerError(_REFUSALS.get(name, "network"), told)


def _list(hub: Any, request: dict[str, Any]) -> dict[str, Any]:
    info = hub.HfApi().model_info(
        request["repo"], revision=request["revision"], timeout=4.0, files_metadata=True
    )
    # The client writes a file wherever its name leads, and a mirror may say any name.
    files = [file for file in info.siblings or [] if _is_inside(file.rfilename)]
    return {
        "commit": info.sha,
        "sizes": {f.rfilename: f.size or 0 for f in files},
        "sha256": {f.rfilename: f.lfs.sha256 for f in files if f.lfs},
        "parameters": info.safetensors.total if info.safetensors else 0,
    }


def _is_inside(name: str) -> bool:
    return not {"", ".", ".."} & set(name.replace("\\", "/").split("/"))


def _download(hub: Any, request: dict[str, Any]) -> dict[str, Any]:
    for name in request["names"]:
        hub.hf_hub_download(
            request["repo"],
            name,
            revision=request["revision"],
            local_dir=request["target"],
            etag_timeout=4.0,
        )
    return {}


def _cached(hub: Any, request: dict[str, Any]) -> dict[str, Any]:
    folder = hub.snapshot_download(
        request["repo"], revision=request["revision"], local_files_only=True
    )
    return {"folder": str(folder)}


if __name__ == "__main__":
    answer(_work)

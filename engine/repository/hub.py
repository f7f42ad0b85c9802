"""Models from the hub: only the files that are wanted, at a commit that is written down."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augursql.engine.repository.folder import admit, file_names
from augursql.engine.repository.layout import choose_files
from augursql.engine.repository.store import Artifact, Store
from augursql.engine.repository.worker import WorkerError, run_worker
from augursql.errors import ModelError
from augursql.types import Monitor

_ANSWER_S = 8.0
_ENVIRONMENT = {
    "HF_HUB_ETAG_TIMEOUT": "4",
    "HF_HUB_DOWNLOAD_TIMEOUT": "15",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


class HubUnreachableError(Exception):
    """There is no network, or no answer in time; the message says which."""


def from_hub(repo: str, revision: str, store: Store, monitor: Monitor) -> Artifact:
    """Download the model `repo` at `revision` (a commit, or a branch that is resolved to one).

    Raises HubUnreachableError within some seconds without network, ModelError when the hub refuses
    or the model cannot be used, StorageError.
    """
    listed = _ask({"work": "list", "repo": repo, "revision": revision}, monitor)
    sizes: dict[str, int] = listed["sizes"]
    commit = str(listed["commit"])
    layout = choose_files(repo, sizes)
    with store.scratch() as scratch:
        request = {"repo": repo, "revision": commit, "names": layout.names, "target": str(scratch)}
        _download(request, sum(sizes[name] for name in layout.names), monitor)
        return admit(scratch, layout, (repo, commit), store, monitor)


def from_hub_cache(repo: str, revision: str, store: Store, monitor: Monitor) -> Artifact | None:
    """The model from the hub client's own cache on this machine, None when it is not there."""
    try:
        request = {"work": "cached", "repo": repo, "revision": revision}
        folder = Path(_ask(request, monitor)["folder"])
        layout = choose_files(repo, file_names(folder))
    except (HubUnreachableError, ModelError):
        return None
    return admit(folder, layout, (repo, folder.name), store, monitor)


def is_offline() -> bool:
    """Whether the environment forbids the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "on", "yes")


def _download(request: Mapping[str, object], total: int, monitor: Monitor) -> None:
    """Run the download and report megabytes, which are read off the growing files."""
    megabytes, folder = 0, Path(str(request["target"]))

    def watch() -> None:
        nonlocal megabytes
        done = _bytes_below(folder) >> 20
        if done > megabytes:
            monitor.advance(done - megabytes)
            megabytes = done

    monitor.begin(f"Downloading {request['repo']} (MB)", max(1, total >> 20))
    try:
        run = {"work": "download", **request}
        run_worker(_WORKER, run, monitor, environment=_ENVIRONMENT, watch=watch)
    except WorkerError as error:
        raise _explained(error, str(request["repo"])) from error
    finally:
        monitor.end()


_WORKER = "augursql.engine.repository.hub_worker"


def _ask(request: Mapping[str, object], monitor: Monitor) -> dict[str, Any]:
    try:
        return run_worker(_WORKER, request, monitor, deadline_s=_ANSWER_S, environment=_ENVIRONMENT)
    except WorkerError as error:
        raise _explained(error, str(request["repo"])) from error


def _explained(error: WorkerError, repo: str) -> Exception:
    if error.kind == "missing":
        return ModelError(
            f'The model hub has no model "{repo}" that you may read.',
            hint="Check its name; for a private model set the environment variable HF_TOKEN.",
        )
    if error.kind == "gated":
        return ModelError(
            f'The model "{repo}" is behind a licence that its owner asks you to accept.',
            hint=f"Accept it at https://huggingface.co/{repo}, then set HF_TOKEN.",
        )
    if error.kind == "failed":
        return ModelError(f'The model "{repo}" could not be downloaded: {error.message}')
    return HubUnreachableError(error.message)


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # a part that was renamed while we looked
            continue
    return total

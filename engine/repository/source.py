"""A source: the files of a model, wherever they are, and what its configuration says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from augursql.engine.repository.kinds import kind_of
from augursql.engine.repository.manifest import Kind
from augursql.engine.repository.profile import read_object


@dataclass(frozen=True, slots=True)
class Source:
    """A model's files: its `name` and `revision`, the `folder` where they lie (or will lie, once
    they are downloaded), and their sizes in bytes. Its configuration is there already.

    `parameters` is 0 where nobody has told. `link`: the folder is on the store's disk, and ours.
    """

    name: str
    revision: str
    folder: Path
    sizes: Mapping[str, int]
    parameters: int = 0
    link: bool = False

    @classmethod
    def of_folder(cls, folder: Path, name: str, revision: str = "") -> "Source":
        """The files of a folder on this machine."""
        sizes = {file: (folder / file).stat().st_size for file in file_names(folder)}
        return cls(name, revision, folder, sizes)

    @property
    def kind(self) -> Kind:
        """What kind of model it is. Raises ModelError when its configuration is not readable."""
        return kind_of(self.config, self.sizes)

    @property
    def config(self) -> dict[str, object]:
        """Its config.json, {} where there is none. Raises ModelError."""
        return read_object(self.folder / "config.json")


def file_names(folder: Path) -> list[str]:
    """The files of a model's folder, one level of subfolders included."""
    found = [*folder.glob("*"), *folder.glob("*/*")]
    return [p.relative_to(folder).as_posix() for p in found if p.is_file()]

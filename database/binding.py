"""What the planner may ask of an open database: its `Catalog` protocol, answered."""

from collections.abc import Sequence

from augursql.database.catalog import Catalog, IndexRow
from augursql.database.encoders import Encoders
from augursql.errors import NameNotFoundError
from augursql.planner.bind import IndexInfo, ModelInfo
from augursql.settings import Settings


class BindingCatalog:
    """Names as one statement sees them; keeps the rows of the indexes it resolved."""

    def __init__(self, catalog: Catalog, encoders: Encoders, settings: Settings) -> None:
        self._catalog = catalog
        self._encoders = encoders
        self._settings = settings
        self._indexes = {index.name.lower(): index for index in catalog.indexes()}
        # Ten calls ask for the same names ten times, and each answer is a query of the catalog.
        self._infos: dict[str, IndexInfo] = {}
        self._models: dict[str, ModelInfo | None] = {}

    def row(self, info: IndexInfo) -> IndexRow:
        """The catalog's row of an index that was bound."""
        return self._indexes[info.name.lower()]

    def index(self, name: str) -> IndexInfo | None:
        row = self._indexes.get(name.lower())
        if row is None:
            return None
        if row.name not in self._infos:
            columns = tuple(self._catalog.columns(row.rows_table))
            self._infos[row.name] = IndexInfo(
                row.id, row.name, row.version, row.text_columns, columns, row.model, row.rows
            )
        return self._infos[row.name]

    def index_names(self) -> Sequence[str]:
        return [index.name for index in self._indexes.values()]

    def model(self, name: str) -> ModelInfo | None:
        if name not in self._models:
            self._models[name] = self._described(name)
        return self._models[name]

    def _described(self, name: str) -> ModelInfo | None:
        try:
            manifest = self._encoders.manifest(name, self._settings)
        except NameNotFoundError:
            return None
        return ModelInfo(name, "encoder", manifest.dimensions)

    def model_names(self) -> Sequence[str]:
        return self._encoders.names()

    def default_encoder(self) -> str:
        return self._settings.encoder

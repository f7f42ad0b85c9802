"""What SHOW, DESCRIBE and the tables `augur_...()` show, as SQL."""

import duckdb

from augursql import settings as setting
from augursql.database import listings
from augursql.database.artifacts import DEFAULT
from augursql.database.calls import Calls
from augursql.database.catalog import Catalog, ModelRow
from augursql.database.encoders import Encoders
from augursql.database.indexing import Source, missing_rows
from augursql.database.prompts import Prompts
from augursql.database.running import COLUMNS as RUNNING_COLUMNS
from augursql.database.state import State
from augursql.engine.repository.obtain import ALIASES
from augursql.errors import NameNotFoundError, UnsupportedError, candidates
from augursql.planner import plan, prompts
from augursql.planner.emit import document_sql_for_columns


class Shown:
    """Reads what a session knows."""

    def __init__(self, state: State, catalog: Catalog, encoders: Encoders, calls: Calls) -> None:
        self._state = state
        self._catalog = catalog
        self._encoders = encoders
        self._calls = calls
        self._prompts = Prompts(state.connection, catalog)

    def listing(self, listing: plan.Listing) -> str:
        """What SHOW and DESCRIBE show, as a parenthesised SELECT."""
        settings = self._state.settings
        match listing.kind:
            case "indexes":
                return listings.indexes_sql(self._catalog.indexes())
            case "models":
                return self._models()
            case "setting":
                return listings.setting_sql(settings, str(listing.name))
            case "value":
                return listings.literal(setting.value(settings, str(listing.name)))
            case "settings":
                return listings.settings_sql(settings)
            case "calls":
                return listings.calls_sql(
                    (r.statement, r.call, r.rung, r.model, r.counts) for r in self._calls.records
                )
            case "errors":
                return listings.errors_sql(self._calls.failures.listed(self._calls.records))
            case "running":
                return listings.table_sql(RUNNING_COLUMNS, self._state.memory.running.rows())
            case "model":
                return self._described_model(str(listing.name))
            case "index":
                return self._described_index(str(listing.name))
            case "prompts":
                return self._prompts.listed()
            case "prompt":
                return self._prompts.described(str(listing.name))

    def _models(self) -> str:
        rows = self._catalog.models()
        if not any(row.name.lower() == DEFAULT for row in rows):
            rows.append(ModelRow(DEFAULT, ALIASES[DEFAULT], "", "", 0))
        settings, artifacts = self._state.settings, self._encoders.artifacts
        return listings.models_sql((row, artifacts.known(row.name, settings)) for row in rows)

    def _described_model(self, name: str) -> str:
        settings = self._state.settings
        artifact = self._encoders.artifacts.of(name, settings)
        row = self._catalog.model(name)
        if row is None or artifact.manifest.kind == "encoder":
            encoder = self._encoders.encoder(name, settings)
            return listings.encoder_sql(name, artifact.manifest, encoder)
        return listings.language_model_sql(row, artifact)

    def _described_index(self, name: str) -> str:
        index = self._catalog.index(name)
        if index is None:
            known = [i.name for i in self._catalog.indexes()]
            raise NameNotFoundError(f'There is no index "{name}".', hint=candidates(name, known))
        source = Source(index.source, document_sql_for_columns(index.text_columns))
        try:
            lacking = f"{missing_rows(self._state.connection, index, source):,}"
        except duckdb.Error:
            lacking = "its table is gone or has other columns"
        choice = self._calls.indexes.choice(index, self._state.settings)
        return listings.index_sql(
            index, f"{choice.method}: {choice.why}", lacking, self._catalog.predictors(index)
        )


def listed(statement: plan.Statement) -> plan.Listing:
    """SHOW and DESCRIBE as statements are the listings that also stand in FROM."""
    match statement:
        case plan.ShowIndexes():
            return plan.Listing("indexes", None, statement.span)
        case plan.ShowModels():
            return plan.Listing("models", None, statement.span)
        case plan.ShowSetting():
            return plan.Listing("setting", statement.name, statement.span)
        case plan.DescribeIndex():
            return plan.Listing("index", statement.name, statement.span)
        case plan.DescribeModel():
            return plan.Listing("model", statement.name, statement.span)
        case prompts.ShowPrompts():
            return plan.Listing("prompts", None, statement.span)
        case prompts.DescribePrompt():
            return plan.Listing("prompt", statement.name, statement.span)
    raise UnsupportedError("This statement is not supported yet.", span=statement.span)

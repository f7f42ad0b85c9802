"""What the tests of calls to language models share."""

import pytest

from augursql.database import languages
from tests.database.speaking import DoubledModel, DoubledModels


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> DoubledModels:
    """The language models of every session that is opened after this."""
    deployed = DoubledModels()
    monkeypatch.setattr(languages, "language_models", lambda state, catalog: deployed)
    return deployed


@pytest.fixture
def llm(models: DoubledModels) -> DoubledModel:
    """The one that is called `llm`."""
    return models.llm

"""What the language adds to Harlequin's catalog and to its completions."""

from collections.abc import Iterator, Sequence

from harlequin.autocomplete.completion import HarlequinCompletion
from harlequin.catalog import CatalogItem

from augursql import settings
from augursql.database.macros import NAMES
from augursql.database.session import Session
from augursql.planner.lexer import quoted

_WORDS = (
    *("PREDICT", "EVALUATE", "GIVEN", "USING INDEX", "USING MODEL", "USING HNSW", "ON ERROR NULL"),
    *("WITH CONFIDENCE", "WITH PROBABILITIES", "WITH EXPLANATION", "WITH METADATA", "OPTIONS"),
    *("CREATE INDEX", "REFRESH INDEX", "DROP INDEX", "SHOW INDEXES", "DESCRIBE INDEX"),
    *("CREATE MODEL", "DROP MODEL", "SHOW MODELS", "DESCRIBE MODEL", "EXPORT MODEL"),
    *("PROMPT", "CREATE PROMPT", "DROP PROMPT", "SHOW PROMPTS", "DESCRIBE PROMPT", "RETURNS"),
)
# As Harlequin orders them: reserved words 100, names of the catalog 500.
_FIRST, _NAMED = 100, 500


def branches(session: Session) -> list[CatalogItem]:
    """Two items for the top of the catalog: the indexes with their columns, and the models."""
    indexes = session.execute('SELECT name, "table", columns FROM (SHOW INDEXES)').fetchall()
    models = session.execute("SELECT name, kind FROM (SHOW MODELS)").fetchall()
    return [
        _branch("indexes", [_index(*row) for row in indexes]),
        _branch("models", [_item(f"models.{name}", name, "mod", kind) for name, kind in models]),
    ]


def completions(ours: Sequence[CatalogItem]) -> Iterator[HarlequinCompletion]:
    """Our functions, words and settings, and the names in our branches of the catalog."""
    for function in NAMES:
        yield HarlequinCompletion(function, "fn", function, _FIRST)
    for word in _WORDS:
        yield HarlequinCompletion(word.lower(), "kw", word, _FIRST)
    for name in settings.names():
        yield HarlequinCompletion(name, "set", name, 2 * _NAMED)
    for branch in ours:
        for item in branch.children:
            yield HarlequinCompletion(item.label, item.type_label, item.query_name, _NAMED)


def _branch(label: str, children: list[CatalogItem]) -> CatalogItem:
    return CatalogItem(f"augur.{label}", f"SHOW {label.upper()}", label, "", children)


def _index(name: str, table: str, columns: list[str]) -> CatalogItem:
    item = _item(f"indexes.{name}", name, "idx", f"index on {table}")
    item.children = [_item(f"{item.qualified_identifier}.{c}", c, "s") for c in columns]
    return item


def _item(path: str, name: str, kind: str, described: str | None = None) -> CatalogItem:
    return CatalogItem(f"augur.{path}", quoted(name), name, kind, type_name=described)

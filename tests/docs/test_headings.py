"""Every function, statement, clause, option, setting and error has its heading in docs/."""

import re
from pathlib import Path

import pytest

from augursql import errors, settings
from augursql.database.deployment import MODEL_OPTIONS
from augursql.database.statements import INDEX_OPTIONS
from augursql.frontends.dbapi.errors import as_pep249
from augursql.planner import kinds, plan, prompts, sources
from augursql.planner.heads import VERBS
from augursql.planner.options import OPTIONS

CONFIGURED = "CREATE MODEL ... FROM CONFIG"
DOCS = Path(__file__).parents[2] / "docs"


def text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def headings(name: str) -> list[str]:
    """The headings of a document, without those inside of code blocks."""
    prose = re.sub(r"^```.*?^```", "", text(name), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", prose, re.MULTILINE)


def section(name: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text(name), re.M | re.S)
    assert found is not None, f"{name} has no heading {heading}"
    return found[1]


def statements() -> list[str]:
    """The statements of the plan as one writes them: CreateIndex is CREATE INDEX."""
    kinds = {
        kind
        for module in (plan, prompts, sources)
        for kind in vars(module).values()
        if isinstance(kind, type)
    }
    ours = [kind.__name__ for kind in kinds if issubclass(kind, plan.Statement)]
    ours = [name for name in ours if name not in ("Statement", "Verbatim", "Query", "GivenQuery")]
    words = [re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).upper() for name in ours]
    named = {"TRAIN MODEL": "CREATE MODEL ... PREDICT", "CONFIGURE MODEL": CONFIGURED}
    named["WRITE SOURCE"] = "INSERT INTO a source"
    return sorted(named.get(word, word).removesuffix(" SETTING") for word in words)


def error_classes() -> list[type[Exception]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in found if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", kinds.INPUTS)
def test_functions(kind: str) -> None:
    assert "```sql" in section("language.md", f"{kind}()")


@pytest.mark.parametrize("statement", statements())
def test_statements(statement: str) -> None:
    assert "```sql" in section("language.md", statement)


@pytest.mark.parametrize("verb", VERBS)
def test_statements_with_given(verb: str) -> None:
    assert "```sql" in section("language.md", f"{verb.upper()} ... GIVEN")


@pytest.mark.parametrize("function", ["augur_calls()", "augur_errors()", "augur_settings()"])
def test_table_functions(function: str) -> None:
    assert function.removesuffix("()") in section("language.md", function)


def test_clauses_and_options() -> None:
    wanted = [f"WITH {detail.upper()}" for detail in plan.DETAILS]
    wanted += [f"OPTIONS ({option})" for option in OPTIONS]
    wanted += ["USING INDEX", "TOP", "SEMANTIC", "RANDOM", "RETURNS", "ON ERROR"]
    assert set(wanted) <= set(headings("language.md"))
    created = section("language.md", "CREATE INDEX")
    assert all(f"`{option}`" in created for option in INDEX_OPTIONS)
    created = section("language.md", "CREATE MODEL")
    assert all(f"`{option}`" in created for option in MODEL_OPTIONS)


@pytest.mark.parametrize("name", settings.names())
def test_settings(name: str) -> None:
    key = name.removeprefix(settings.PREFIX)
    described = section("settings.md", name)
    assert f"`AUGUR_{key.upper()}`" in described
    default = str(getattr(settings.Settings(), key))
    shown = f"`{default.lower()}`" if default else "empty"
    assert f"Default {shown}" in described
    assert all(f"`{choice}`" in described for choice in settings.CHOICES.get(key, ()))


def test_no_setting_is_described_that_is_not_there() -> None:
    described = [h for h in headings("settings.md") if h.startswith(settings.PREFIX)]
    assert described == settings.names()


@pytest.mark.parametrize("kind", error_classes(), ids=lambda kind: kind.__name__)
def test_errors(kind: type[Exception]) -> None:
    described = section("errors.md", kind.__name__)
    if issubclass(kind, errors.AugurError):
        assert f"`{kind.sqlstate}`" in described
        assert f"`{type(as_pep249(kind('x'))).__name__}`" in described

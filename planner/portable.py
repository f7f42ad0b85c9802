"""Calls that last: in views and macros, and for clients that know DuckDB's own grammar only.

A stored definition outlives the session, so its calls are those of a few functions with stable
names that every session registers. What the user's clauses say goes with them as the
JSON of named arguments, `'{"index": "hotels", "top": 5}'`; the answer comes back as JSON, which
`from_json` gives the type that was known when the definition was made. On the other side `query_of`
makes a call from such arguments again.
"""

import json
from collections.abc import Sequence
from dataclasses import fields, replace

from augursql.errors import InvalidValueError, UnsupportedError
from augursql.planner.bound import BoundCall, BoundQuery
from augursql.planner.emit import asking_sql, call_document, search_sql, texts_sql, values_sql
from augursql.planner.kinds import ASKING, CallKind
from augursql.planner.lexer import literal, tokenize
from augursql.planner.parse import parse
from augursql.planner.plan import Query
from augursql.planner.render import Renderer

# What a call says elsewhere than in its named arguments.
_APART = frozenset(
    "kind span sql inputs target labels places with_ order options top template stored"
    " stored_version".split()
)
_SHAPES: dict[str, str] = {
    "predict": "SELECT predict({about}, x{named})",
    "classify": "SELECT classify(x, x{named})",
    "embed": "SELECT embed(x{named})",
    "similarity": "SELECT similarity(x, x{named})",
    "search": "FROM search({about}, x{named})",
    "prompt": "SELECT prompt({about}{named})",
    "extract": "SELECT extract(x{named})",
    "summarize": "SELECT summarize(x{named})",
    "matches": "SELECT matches(x, x{named})",
    "rerank": "SELECT rerank(x, x{named})",
    "summarize_agg": "SELECT summarize_agg(texts := x{named})",
    "prompt_agg": "SELECT prompt_agg({about}, texts := x{named})",
}


def check_storable(query: Query) -> None:
    """Raises UnsupportedError for a definition that could not be opened again everywhere."""
    words = [token.text.lower() for token in tokenize(query.text[:400]) or []]
    if words[:1] == ["create"] and not {"trigger", "index"} & set(words[1:5]):
        return
    raise UnsupportedError(
        "A prediction cannot be kept in this kind of definition.",
        hint="A view, a macro or CREATE TABLE ... AS SELECT can hold it.",
        span=query.calls[0].span if query.calls else query.span,
    )


def portable(bound: BoundQuery, listings: Sequence[str] = ()) -> str:
    """DuckDB's SQL for the query that calls nothing but the functions with stable names.

    `listings`: a parenthesised SELECT per listing. Raises UnsupportedError for a call that means
    nothing without the table it reads.
    """

    def write(position: int, inputs: Sequence[str], labels: str | None) -> str:
        return _call_sql(bound.calls[position], inputs, labels)

    return Renderer(bound, (), write, bound.query.insertions, listings).text()


def structure(result_type: str) -> str:
    """A type as from_json() takes it."""
    return json.dumps(result_type)


def query_of(kind: CallKind, about: str, named: str) -> Query:
    """A query with the one call that stable arguments describe.

    `about` is the target of predict(), the index of search() or what a prompt is told, '' for
    others; `named` the JSON of the named arguments, of which NULLs are left out.

    Raises StatementError and InvalidValueError, without a place: the user did not write this text.
    """
    try:
        given = json.loads(named or "{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise InvalidValueError(f"{named!r} is not a JSON object of named arguments.")
    arguments = [f", {name} := {_sql(value)}" for name, value in given.items() if value is not None]
    text = _SHAPES[kind].format(about=literal(about), named="".join(arguments))
    [query] = parse(text)
    if not isinstance(query, Query):
        raise InvalidValueError(f"{kind}() cannot be called with {named}.")
    return query


def _call_sql(bound: BoundCall, inputs: Sequence[str], labels: str | None) -> str:
    call = bound.call
    named = literal(json.dumps(_named(bound), ensure_ascii=False))
    match call.kind:
        case "predict":
            about, document = literal(str(call.target)), call_document(bound, inputs)
            answer = f"augur_predict({about}, {named}, {document})"
        case "classify":
            answer = f"augur_classify({named}, {texts_sql(inputs, labels)})"
        case "embed":
            return f"CAST(augur_embed({named}, {texts_sql(inputs)}) AS {bound.result_type})"
        case "similarity":
            return f"augur_similarity({named}, {texts_sql(inputs)})"
        case "search":
            index = literal(str(call.index))
            hits = f"augur_search({index}, {named}, {texts_sql(inputs)})"
            # The query of the rows leaves out what search() itself calls similarity and rank.
            return search_sql(replace(bound, index=None), hits, f"query(augur_rows({index}))")
        case "prompt":
            answer = f"augur_prompt({literal(str(call.template))}, {named}, {values_sql(inputs)})"
        case "prompt_agg":
            told = literal(str(call.template))
            answer = f"augur_prompt_agg({told}, {named}, {asking_sql(bound, inputs)})"
        case kind if kind in ASKING:
            answer = f"augur_{kind}({named}, {asking_sql(bound, inputs)})"
    return f"from_json({answer}, {literal(structure(bound.result_type))})"


def _named(bound: BoundCall) -> dict[str, object]:
    """The named arguments that say what the call's clauses do; the default model by its name."""
    call = bound.call
    named = {f.name: getattr(call, f.name) for f in fields(call) if f.name not in _APART}
    if call.kind == "search":
        del named["index"]
    if bound.model is not None and (call.index is None or bound.speaks):
        named["model"] = bound.model.name
    named["k" if call.kind == "search" else "top"] = call.top
    named["random"] = None if call.order is None else call.order == "random"
    named["with"] = list(call.with_) or None
    named["on_error"] = None if call.on_error == "fail" else call.on_error
    named.update(call.options)
    if call.kind == "predict" and bound.speaks and call.index is None:
        named["labels"] = _labels(bound)
    return {name: value for name, value in named.items() if value is not None}


def _labels(bound: BoundCall) -> list[object]:
    """The labels that the table of the query has now, which the definition keeps."""
    if bound.labels is None:
        raise UnsupportedError(
            "A prediction that a language model writes freely cannot be kept in a definition.",
            hint="Give it labels, or an index: OPTIONS (labels = [...]) or USING INDEX.",
            span=bound.call.place("target"),
        )
    if bound.target_type == "BOOLEAN":
        return [label == "true" for label in bound.labels]
    whole = str(bound.target_type).endswith(("INT", "INTEGER"))
    return [int(label) if whole else label for label in bound.labels]


def _sql(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_sql(item) for item in value)}]"
    return str(value) if isinstance(value, int | float) else literal(str(value))

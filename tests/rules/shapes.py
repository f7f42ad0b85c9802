"""Random queries, one function for each shape: all the places in which a call can stand."""

from collections.abc import Callable
from random import Random

from tests.rules.cases import Case
from tests.rules.expressions import Maker, Scope, t_scope, u_scope
from tests.rules.templates import call, optional

Shape = Callable[[Maker], Case]


def source(m: Maker, alias: str = "") -> str:
    """Something like `t` to stand in FROM, whose rows have an order where t's have."""
    made = m.pick(
        *("t", "t", "t", "tv", "rows_of(1)", "rows_of(2)"),
        "(FROM t)",
        "(SELECT * FROM t WHERE id % 2 = 0)",
        "(SELECT * FROM tv)",
        "(FROM t WHERE k IN (SELECT k FROM u))",
        "(SELECT * FROM t ORDER BY id LIMIT 40)",
    )
    named = alias or ("s0" if made.startswith("(") else "")
    return f"{made} AS {named}" if named else made


def simple(m: Maker) -> Case:
    """One table; its rows come in the order in which they were inserted."""
    within = t_scope()
    frm = f"FROM {source(m)}"
    items, where = m.items(within), m.where(within)
    order = m.pick("", "", " ORDER BY ALL", f" ORDER BY {m.pick('k', 'x', 'd', 'g')}, id")
    order += m.pick(" DESC", " NULLS FIRST", " NULLS LAST", "") if order else ""
    if order and m.left > 0 and m.chance(0.5):
        order = f" ORDER BY {m.call(m.kind(), within)}{m.pick(' DESC', '')}, id"
    head = f"SELECT {items} {frm}" if m.chance(0.85) else f"{frm} SELECT {items}"
    return Case("simple", f"{head}{where}{order}{m.limit()}", "exact")


def ordered(m: Maker) -> Case:
    """ORDER BY in all its ways, and a LIMIT."""
    within = t_scope()
    c = m.value(within)
    order = m.pick("2, 1", "answer, id", "answer DESC NULLS LAST, id", "ALL", "id DESC", "k, id")
    where = m.where(within, 0.3)
    text = f"SELECT id, {c} AS answer FROM {source(m)}{where} ORDER BY {order}{m.limit()}"
    return Case("ordered", text, "exact")


def limited(m: Maker) -> Case:
    """The nearest rows, where nobody says which of those with equal similarity come."""
    text, k = m.pick("'w3'", "'w7'", "'é'", "'unheard'"), m.random.choice((1, 3, 10, 500))
    c = call("pair", m.pick("text", "text", "coalesce(text, 'w1')"), text)
    frm = m.pick("labelled", "labelled", "labelled AS l", "t", "(FROM labelled WHERE id > 9)")
    items = f"{c} AS near, id, {m.value(t_scope() if frm == 't' else _labelled())} AS other"
    where = optional(f" WHERE {m.pick('id > 20', 'note IS NOT NULL', 'near > 0', 'true')}")
    if frm.startswith("("):
        frm += " AS s0"
    every = f"SELECT {items} FROM {frm}{where if 'near' not in where else ''}"
    order = m.pick("near DESC", "near DESC NULLS LAST", f"{c} DESC", f"{c} DESC NULLS LAST", "1")
    text = f"SELECT {items} FROM {frm}{where} ORDER BY {order} LIMIT {k}"
    return Case("limited", text, "limited", unlimited=every, determined=(0,))


def early(m: Maker) -> Case:
    """A few rows for which a model says so."""
    within = t_scope()
    where, k = f" WHERE {m.condition(within)}", m.random.randint(1, 6)
    order = m.pick("", "", " ORDER BY id", " ORDER BY k DESC, id")
    text = f"SELECT {m.items(within, 1)} FROM {source(m)}{where}{order} LIMIT {k}"
    return Case("early", text, "exact")


def joined(m: Maker) -> Case:
    """Two tables, joined in every way that DuckDB has."""
    a, b = t_scope("a"), u_scope("b")
    both, order = a | b, "bag"
    on, how = "a.id = b.tid", m.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
    if m.chance(0.35):
        on = m.pick(
            f"a.id = b.tid AND {m.calling(m.random.choice((a, b)))}",
            f"a.k = b.k AND {m.call('text', a)} = b.label",
            f"a.id = b.tid AND {m.call('text', a)} = {m.call('text', b)}",
            f"a.k < b.k AND a.id % 5 = b.uid % 5 AND {m.calling(both)}",
            f"{m.call('text', a)} = b.label AND a.k = 2",
        )
    kind = m.pick("on", "on", "on", "semi", "cross", "comma", "using", "self", "lateral", "asof")
    where, tail = "", ""
    if kind == "on":
        frm = f"{source(m, 'a')} {how} u AS b ON {on}"
    elif kind == "semi":
        frm, both = f"{source(m, 'a')} {m.pick('SEMI', 'ANTI')} JOIN u AS b ON {on}", a
    elif kind == "cross":
        frm = f"(FROM t WHERE k = 1) AS a {m.pick('CROSS JOIN', 'POSITIONAL JOIN')} u AS b"
    elif kind == "comma":
        frm, where = f"{source(m, 'a')}, u AS b", f" WHERE {on} AND {m.cheap(both)}"
    elif kind == "using":
        join = m.pick("JOIN u AS b USING (k)", "NATURAL JOIN (SELECT k, uid, words FROM u) AS b")
        frm, both = f"t AS a {join}", Scope({"text": ("a.text", "words"), "int": ("k", "id")}, "k")
        both.columns["float"] = ("a.x",)
    elif kind == "self":
        frm, both = f"t AS a JOIN {source(m, 'b')} ON a.id = b.predict", a | t_scope("b")
    elif kind == "lateral":
        c = m.call("text", a)
        frm = f"t AS a, LATERAL (SELECT uid, words, label, tid, k, x, {c} AS c FROM u WHERE"
        frm += f" u.tid = a.id AND {m.cheap(a)}) AS b"
    else:
        frm = f"t AS a ASOF {m.pick('JOIN', 'LEFT JOIN')} u AS b ON a.d >= b.d"
        frm += m.pick("", " AND a.k = b.k")
    items = m.items(both)
    if not where:
        where = m.where(both, 0.7)
    if m.chance(0.5):
        tail, order = f" ORDER BY ALL{m.limit()}", "exact"
    text = f"SELECT {items} FROM {frm}{where}{tail}"
    return Case(f"joined {kind}", text, "exact" if order == "exact" else "bag")


def semantic_join(m: Maker) -> Case:
    """Rows that belong together by what a model says of both."""
    a, b = t_scope("a"), u_scope("b")
    left, right = m.pick("a.text", "a.similarity"), m.pick("b.words", "b.words", "b.label")
    same = f"{call('label', left)} = {call('label', right)}"
    on = m.pick(
        f"{call('pair', left, right)} > {m.pick('0.3', '0.7', '-2')}",
        f"{call('pair', right, left)} >= 0.5",
        same,
        same,
        f"{call('label', left)} = {call('topic', right)}",
        f"{call('score', left)} < {call('score', right)}",
    )
    on += optional(f" AND {m.cheap(a | b)}") if m.chance(0.5) else ""
    frm = f"(FROM t WHERE id % 3 = 0) AS a {m.pick('', 'LEFT ', 'SEMI ')}JOIN u AS b"
    items = "a.id, a.text" if "SEMI" in frm else "a.id, a.text, b.uid"
    return Case("semantic join", f"SELECT {items} FROM {frm} ON {on}")


def searched(m: Maker) -> Case:
    """search() in FROM, by itself and beside a table."""
    items = f"s.id, s.text, s.similarity, s.rank, {m.value(_labelled('s'))} AS more"
    if m.chance(0.4):
        word = m.pick("'w3'", "'none'", "'é'")
        text = f"SELECT {items} FROM {call('found', word)} AS s ORDER BY s.rank"
        return Case("searched", text, "exact")
    frm = f"(FROM t WHERE {m.cheap(t_scope())}) AS a, LATERAL {call('found', 'a.text')} AS s"
    where = optional(f" WHERE {m.cheap(t_scope('a'))}") if m.chance(0.5) else ""
    return Case("searched", f"SELECT a.id AS aid, {items} FROM {frm}{where} ORDER BY ALL", "exact")


def _labelled(alias: str = "") -> Scope:
    prefix = f"{alias}." if alias else ""
    columns = {"text": ("text", "note"), "int": ("id", "score")}
    named = {kind: tuple(prefix + name for name in names) for kind, names in columns.items()}
    return Scope({**named, "float": (f"{prefix}score",)}, f"{prefix}id")


def random_case(random: Random, shapes: dict[Shape, int]) -> Case:
    """A case of one of the shapes, each with its weight."""
    shape = random.choices(list(shapes), list(shapes.values()))[0]
    return shape(Maker(random, random.randint(1, 4)))

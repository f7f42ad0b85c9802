"""More shapes of random queries: groups, windows, set operations, and queries inside of queries."""

from tests.rules.cases import Case
from tests.rules.expressions import Maker, t_scope, u_scope
from tests.rules.shapes import source
from tests.rules.templates import call, optional


def grouped(m: Maker) -> Case:
    """GROUP BY with a call as the key, inside of an aggregate, in FILTER and in HAVING."""
    within = t_scope()
    kind = m.pick("text", "text", "int", "bool")
    key = m.pick(m.call(kind, within), "k", "k, g")
    aggregates = [
        "count(*) AS n",
        f"count({m.call('text', within)}) AS n",
        f"max({m.call('text', within)}) AS most",
        f"sum({m.call('int', within)}) AS total",
        f"count(DISTINCT {m.call('text', within)}) AS kinds",
        f"count(*) FILTER (WHERE {m.calling(within)}) AS n",
        f"list({m.call('text', within)} ORDER BY id) AS listed",
        f"string_agg(coalesce({m.call('text', within)}, '-'), ',' ORDER BY id) AS listed",
        f"bool_or({m.calling(within)}) AS one",
        f"max(id) FILTER (WHERE {m.cheap(within)}) AS n",
    ]
    items = f"{key}, {m.random.choice(aggregates)}" + optional(f", {m.random.choice(aggregates)}2")
    group = m.pick(key, "ALL", f"GROUPING SETS (({key}), ())", f"ROLLUP ({key})")
    if m.chance(0.3) and key != "k, g":
        items, group = f"{key} AS answer, {m.random.choice(aggregates)}", m.pick("answer", "1", key)
    having = m.pick("", "", " HAVING count(*) > 2", f" HAVING max({m.call('int', within)}) > 3")
    where, tail = m.where(within, 0.3), m.pick("", f" ORDER BY ALL{m.limit()}")
    text = f"SELECT {items} FROM {source(m)}{where} GROUP BY {group}{optional(having)}{tail}"
    return Case("grouped", text, "exact" if tail else "bag")


def whole(m: Maker) -> Case:
    """Aggregates over everything: one row, also of nothing; calls that nobody reads."""
    within = t_scope()
    c = m.call("text", within)
    inner = f"SELECT id, k, {c} AS answer, {m.value(within)} AS unread FROM {source(m)}"
    inner += m.where(within, 0.4)
    outer = m.pick("count(*)", "count(answer), min(k)", "max(id)", "count(*), max(answer), sum(k)")
    return Case("whole", f"SELECT {outer} FROM ({inner}) AS sub{m.pick('', ' WHERE k > 1')}", "bag")


def windowed(m: Maker) -> Case:
    """Windows over calls, and QUALIFY."""
    within = t_scope()
    window = m.pick(
        "(PARTITION BY k ORDER BY id)",
        "(ORDER BY k, id)",
        f"(PARTITION BY {m.call('text', within)} ORDER BY id)",
        f"(ORDER BY {m.call('float', within)}, id)",
        "(PARTITION BY k ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
    )
    function = m.pick("row_number()", "count(*)", f"lag({m.call('text', within)})", "rank()")
    over = f"{function} OVER {window} AS w"
    qualify = m.pick(
        "",
        " QUALIFY w IS NOT NULL",
        " QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) <= 2",
        f" QUALIFY row_number() OVER (ORDER BY id) <= 9 AND {m.calling(within)}",
    )
    items = f"id, {over}" + optional(f", {m.value(within)} AS answer")
    tail = m.pick("", f" ORDER BY ALL{m.limit()}", f" ORDER BY id{m.limit()}")
    text = f"SELECT {items} FROM {source(m)}{m.where(within, 0.4)}{optional(qualify)}{tail}"
    return Case("windowed", text, "exact" if tail else "bag")


def distinct(m: Maker) -> Case:
    """DISTINCT and DISTINCT ON."""
    within = t_scope()
    if m.chance(0.5):
        tail = m.pick("", f" ORDER BY ALL{m.limit()}")
        c = m.value(within)
        text = f"SELECT DISTINCT {c}, k FROM {source(m)}{m.where(within, 0.4)}{tail}"
        return Case("distinct", text, "exact" if tail else "bag")
    on = m.pick("k", "k", "k, g", m.call("text", within))
    items, where = m.items(within), m.where(within, 0.4)
    text = f"SELECT DISTINCT ON ({on}) {items} FROM {source(m)}{where} ORDER BY {on}, id{m.limit()}"
    return Case("distinct on", text, "exact")


def combined(m: Maker) -> Case:
    """UNION, EXCEPT and INTERSECT."""
    a, b = t_scope(), u_scope()
    kind = m.pick("text", "int")
    one = f"SELECT {m.call(kind, a)} AS answer, k FROM {source(m)}{m.where(a, 0.4)}"
    other = f"SELECT {m.call(kind, b)}, k FROM u{m.where(b, 0.4)}"
    if m.chance(0.3):
        other = f"SELECT {'label' if kind == 'text' else 'tid'}, k FROM u"
    how = m.pick("UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL", "UNION ALL BY NAME")
    tail = m.pick("", f" ORDER BY ALL{m.limit()}", " ORDER BY answer, k")
    return Case("combined", f"{one} {how} {other}{tail}", "exact" if "ALL" in tail else "bag")


def common(m: Maker) -> Case:
    """CTEs, materialised or not, read once or twice, and recursive ones."""
    within = t_scope()
    if m.chance(0.25):
        word = m.call("text", within)
        text = (
            f"WITH RECURSIVE r AS (SELECT 1 AS n, id, {word} AS word FROM t WHERE k = 2 UNION ALL "
            f"SELECT n + 1, id, {call('label', m.pick('word', 'word || n', 'upper(word)'))} "
            f"FROM r WHERE n < 3) SELECT n, word, count(*) FROM r GROUP BY ALL"
        )
        return Case("recursive", text)
    how = m.pick("", "MATERIALIZED ", "NOT MATERIALIZED ")
    c = m.value(within)
    cte = f"WITH c AS {how}(SELECT id, k, text, {c} AS answer FROM {source(m)}"
    cte += f"{m.where(within, 0.4)}) "
    main = m.pick(
        "SELECT * FROM c WHERE k = 1",
        "SELECT id, k FROM c WHERE id % 2 = 0",
        f"SELECT id, answer, {call('label', 'text')} AS again FROM c WHERE k = 1",
        "SELECT a.id, b.answer FROM c AS a JOIN c AS b ON a.id = b.k",
        "SELECT count(*), (SELECT max(id) FROM c WHERE k = 2) FROM c",
        "FROM c WHERE id IN (SELECT max(id) FROM c GROUP BY k)",
        f"SELECT id, answer FROM c ORDER BY k DESC, id{m.limit()}",
    )
    return Case("common", cte + main, "exact" if "ORDER" in main else "bag")


def nested(m: Maker) -> Case:
    """Subqueries in FROM, SELECT and WHERE, correlated and not, with calls in and around them."""
    a, b = t_scope("a"), u_scope("b")
    c = m.call("text", b)
    value = m.pick(
        f"(SELECT max({c}) FROM u AS b WHERE b.tid = a.id)",
        f"(SELECT count(*) FROM u AS b WHERE {c} = {m.call('text', a)})",
        f"EXISTS (SELECT 1 FROM u AS b WHERE b.k = a.k AND {m.calling(b)})",
        # IS TRUE: DuckDB 2.0 may give NULL for false where such a subquery has a volatile function.
        f"({m.call('text', a)} IN (SELECT {c} FROM u AS b WHERE b.k = a.k)) IS TRUE",
        f"(a.k IN (SELECT b.k FROM u AS b WHERE {m.calling(a | b)})) IS TRUE",
        f"(SELECT {c} FROM u AS b WHERE b.k = a.k ORDER BY b.uid LIMIT 1)",
        f"a.id > ALL (SELECT {m.call('int', b)} FROM u AS b)",
    )
    kind = m.pick("item", "where", "from", "from")
    if kind == "item":
        text = f"SELECT a.id, {value} AS v FROM {source(m, 'a')}{m.where(a, 0.5)}"
    elif kind == "where":
        where = f"{value} IS NOT NULL AND {m.cheap(a)}" if "(SELECT" in value[:8] else value
        text = f"SELECT {m.items(a)} FROM {source(m, 'a')} WHERE {where}"
    else:
        inner = (
            f"SELECT *, {m.value(t_scope())} AS answer FROM {source(m)}{m.where(t_scope(), 0.3)}"
        )
        outer = m.pick("answer IS NOT NULL", "a.k = 1", "a.id % 3 = 0 AND a.k > 0", m.calling(a))
        text = f"SELECT a.id, a.answer FROM ({inner}) AS a WHERE {outer}"
    return Case(f"nested {kind}", f"{text} ORDER BY ALL{m.limit()}", "exact")


def aliased(m: Maker) -> Case:
    """An alias of a call in WHERE, GROUP BY, HAVING, ORDER BY and in other items."""
    within = t_scope()
    kind = m.pick("text", "int", "float", "bool")
    c, name = m.call(kind, within), m.pick("answer", '"Answer 1"', "label", "prompt")
    test = {"text": f"{name} = 'a'", "int": f"{name} > 3", "float": f"{name} > 0", "bool": name}
    if m.chance(0.3):
        text = f"SELECT {c} AS {name}, count(*) AS n FROM {source(m)}{m.where(within, 0.3)} "
        return Case("aliased", f"{text}GROUP BY {name} HAVING {test[kind]} OR n > 2")
    where = m.pick(test[kind], f"k = 1 AND {test[kind]}", f"{test[kind]} OR k = 1", "k = 1")
    more = optional(f", {name} AS again") + optional(f", {m.value(within)} AS other")
    order = m.pick("", f" ORDER BY {name}, id", " ORDER BY id", " ORDER BY k, id DESC")
    text = f"SELECT id, {c} AS {name}{more} FROM {source(m)} WHERE {where}{order}{m.limit()}"
    return Case("aliased", text, "exact")


def starred(m: Maker) -> Case:
    """Stars with EXCLUDE, REPLACE and RENAME, and COLUMNS."""
    within, c = t_scope(), m.call("text", t_scope())
    star = m.pick(
        "*",
        "* EXCLUDE (text, x)",
        f"* REPLACE ({c} AS text)",
        "* RENAME (text AS answer)",
        f"* EXCLUDE (x, d) REPLACE ({c} AS g)",
        "t.*",
        "COLUMNS('^(id|k|g)$')",
    )
    where, tail = m.where(within, 0.6), m.pick("", f" ORDER BY id{m.limit()}")
    text = f"SELECT {star}, {m.value(within)} AS answer FROM t{where}{tail}"
    return Case("starred", text, "exact")


def unguarded(m: Maker) -> Case:
    """Conditions and items that would fail on rows that another condition keeps away."""
    within, number = t_scope(), "CAST(num AS INTEGER)"
    test = m.pick(f"{number} > 0", f"{number} IN (1, 2, 3)", f"{number} % 2 = 0")
    kept = m.pick(
        "k = 1", "k = 1", "id IN (SELECT id FROM t WHERE k = 1)", "num SIMILAR TO '-?\\d+'"
    )
    calling = m.calling(within)
    kind = m.pick("where", "sub", "case", "item", "cte")
    c = m.value(within)
    if kind == "where":
        text = f"SELECT id, {c} AS c FROM t WHERE {kept} AND {test} AND {calling}"
    elif kind == "sub":
        text = f"SELECT id, {number}, {c} AS c FROM (FROM t WHERE {kept}) AS s WHERE {calling}"
    elif kind == "case":
        text = f"SELECT id FROM t WHERE CASE WHEN {kept} THEN {test} AND {calling} END"
    elif kind == "item":
        text = f"SELECT id, CASE WHEN {kept} THEN {number} END AS n, {c} AS c FROM t"
    else:
        text = f"WITH s AS MATERIALIZED (FROM t WHERE {kept}) SELECT id, {c} AS c FROM s "
        text += f"WHERE {test} AND {calling}"
    return Case("unguarded", f"{text} ORDER BY id", "exact")


def listed(m: Maker) -> Case:
    """VALUES, generated rows, UNNEST, PIVOT, and queries without a table."""
    column = m.pick("word", "upper(word)", "word || n", "coalesce(word, 'w1')")
    c = call(m.pick("label", "topic", "near", "sure"), column)
    text = m.pick(
        f"SELECT n, {c} AS c FROM (VALUES (1, 'w1'), (2, NULL), (3, ''), (3, 'é')) AS v(n, word)",
        f"SELECT {c} AS c, n FROM (SELECT n, 'w' || n % 5 AS word FROM range(3000) AS r(n))",
        f"SELECT id AS n, {c} AS c FROM (SELECT id, id AS n, unnest(tags) AS word FROM t)",
        f"SELECT {call('label', m.pick(chr(39) + 'w1' + chr(39), 'NULL'))}, {m.pick('1', 'pi()')}",
        f"VALUES (1, {call('label', repr('w1'))}), (2, {call('topic', repr('w2'))})",
        f"SELECT * FROM (SELECT id % 3 AS n, {call('label', 'text')} AS c FROM t) "
        "PIVOT (count(*) FOR c IN ('a', 'b', 'c'))",
        f"SELECT n, {c} AS c "
        "FROM (SELECT k AS n, text AS word FROM t UNION SELECT k, words FROM u)",
    )
    return Case("listed", text)

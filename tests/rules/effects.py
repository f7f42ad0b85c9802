"""Shapes with parameters, prepared statements, and statements that write."""

from tests.rules.cases import Case, Parameters
from tests.rules.expressions import Maker, t_scope
from tests.rules.shapes import source
from tests.rules.templates import call, optional

_TARGET = ("CREATE OR REPLACE TABLE target AS FROM t",)


def parameterised(m: Maker) -> Case:
    """Parameters in all three ways, in and around calls."""
    within = t_scope()
    word, number = m.pick("w1", "w3", "é", ""), m.random.randint(0, 4)
    given: Parameters
    style = m.pick("?", "$", "$name")
    if style == "$name":
        one, two, given = "$word", "$number", {"word": word, "number": number}
    else:
        one, two = ("?", "?") if style == "?" else ("$1", "$2")
        given = [word, number]
    c = m.pick(
        call("pair", "text", one),
        call("label", f"coalesce(text, {one})"),
        call("topic", f"CAST({one} AS VARCHAR)"),
        f"{call('label', 'text')} || CAST({one} AS VARCHAR)",
    )
    where = f"k = {two} AND {m.calling(within)}" if m.chance(0.6) else f"k >= {two}"
    text = f"SELECT id, {c} AS c{optional(f', {m.value(within)}')} FROM {source(m)} WHERE {where}"
    text += m.pick("", " ORDER BY id", " ORDER BY c, id")
    return Case("parameterised", text, "exact", parameters=given)


def prepared(m: Maker) -> Case:
    """PREPARE once, EXECUTE with two parameters."""
    within = t_scope()
    c = m.value(within)
    where = m.pick("k = $1", f"k = $1 AND {m.calling(within)}", f"{m.calling(within)} OR k < $1")
    tail = m.pick("ORDER BY id", "ORDER BY k DESC, id LIMIT 5", "ORDER BY c, id")
    text = f"PREPARE q AS SELECT id, {c} AS c FROM {source(m)} WHERE {where} {tail}"
    return Case("prepared", text, after=("EXECUTE q(1)", "EXECUTE q(3)", "DEALLOCATE q"))


def created(m: Maker) -> Case:
    """CREATE TABLE AS, with the types that the table gets."""
    within = t_scope()
    inner = f"SELECT id, {m.value(within)} AS c, {m.value(within)} AS e FROM {source(m)}"
    text = f"CREATE OR REPLACE TABLE target AS {inner}{m.where(within)}"
    text += m.pick("", " ORDER BY id LIMIT 9", " ORDER BY k, id")
    return Case("created", text, after=("FROM target", "DESCRIBE target"))


def inserted(m: Maker) -> Case:
    """INSERT ... SELECT, with RETURNING and ON CONFLICT."""
    before = "CREATE OR REPLACE TABLE target (id INTEGER PRIMARY KEY, c VARCHAR, e INTEGER)"
    within = t_scope()
    kind = m.pick("text", "int", "float", "bool")
    inner = f"SELECT id, {m.call(kind, within)}, k FROM {source(m)}{m.where(within)}"
    text = f"INSERT INTO target {m.pick('', 'BY POSITION ')}{inner}"
    text += m.pick("", " RETURNING id, c", " ON CONFLICT DO NOTHING")
    return Case("inserted", text, before=(before,), after=("FROM target",))


def updated(m: Maker) -> Case:
    """UPDATE, with a call in SET, in WHERE, and FROM another table."""
    within = t_scope()
    c = m.call("text", within)
    text = m.pick(
        f"UPDATE target SET note = {c} WHERE {m.condition(within)}",
        f"UPDATE target SET text = {c}, k = {m.call('int', within)} WHERE {m.cheap(within)}",
        f"UPDATE target SET note = {call('label', 'words')} FROM u WHERE tid = id AND u.uid % 2 = 0"
        f" AND uid = (SELECT max(sub.uid) FROM u AS sub WHERE sub.tid = id)",
        f"UPDATE target SET k = CASE WHEN {m.calling(within)} THEN -1 ELSE k END RETURNING id, k",
    )
    return Case("updated", text, before=_TARGET, after=("FROM target",))


def deleted(m: Maker) -> Case:
    """DELETE by what a model says."""
    within = t_scope()
    text = m.pick(
        f"DELETE FROM target WHERE {m.condition(within)}",
        f"DELETE FROM target USING u WHERE tid = id AND {call('label', 'words')} = 'a'",
        f"DELETE FROM target WHERE id IN (SELECT id FROM t WHERE {m.condition(within)})",
    )
    return Case("deleted", text, before=_TARGET, after=("FROM target",))


def copied(m: Maker, file: str) -> Case:
    """COPY (...) TO a file, whose rows come in their order."""
    within = t_scope()
    inner = (
        f"SELECT id, {m.call('text', within)} AS c FROM {source(m)}{m.where(within)} ORDER BY id"
    )
    text = f"COPY ({inner}{m.limit()}) TO '{file}' (FORMAT csv)"
    return Case("copied", text, after=(f"FROM read_csv('{file}', all_varchar = true)",))


def volatile(m: Maker) -> Case:
    """Volatile functions: as often evaluated as before, which the sequence's next value shows."""
    within = t_scope()
    c, calling = m.value(within), m.calling(within)
    text = m.pick(
        f"SELECT id, nextval('numbers') AS n, {c} AS c FROM t ORDER BY id",
        f"SELECT id, {c} AS c FROM t WHERE nextval('numbers') % 2 = 0 ORDER BY id",
        f"SELECT id, nextval('numbers') AS n, {c} AS c FROM t WHERE k = 1",
        f"SELECT id, nextval('numbers') AS n, {c} AS c FROM t LIMIT 5",
        f"SELECT id, nextval('numbers') AS n, {c} AS c FROM (FROM t ORDER BY id LIMIT 7) AS s",
        f"SELECT id, {call('label', 'text || nextval(' + repr('numbers') + ')')} AS c FROM t",
        f"SELECT id, {call('label', 'random() >= 0')} AS c FROM t WHERE random() < 2",
        f"SELECT id, now() = now() AS n, {c} AS c FROM t WHERE now() IS NOT NULL AND {calling}",
        f"INSERT INTO target SELECT * REPLACE (nextval('numbers') AS k) FROM t WHERE {calling}",
    )
    before = ("CREATE OR REPLACE SEQUENCE numbers", *_TARGET)
    after = ("SELECT nextval('numbers')", "FROM target")
    return Case("volatile", text, "exact", before=before, after=after)

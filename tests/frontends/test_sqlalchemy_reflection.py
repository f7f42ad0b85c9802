"""What SQLAlchemy reflects is what it reflects of the same schema in PostgreSQL.

`AUGUR_POSTGRES` may hold the URL of an empty PostgreSQL database, whose answers are then compared
with what is expected here: `postgresql+psycopg2://postgres@/empty?host=/tmp`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sa = pytest.importorskip("sqlalchemy")
pytest.importorskip("duckdb_sqlalchemy", reason="duckdb-sqlalchemy is installed for DuckDB 1.5")

POSTGRES = os.environ.get("AUGUR_POSTGRES")
SCHEMA = """
CREATE SCHEMA s2;
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE TABLE hotels (
    id INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE, stars SMALLINT CHECK (stars > 0),
    price DECIMAL(10, 2) DEFAULT 9.5, tags VARCHAR[], opened DATE, seen TIMESTAMP,
    zoned TIMESTAMP WITH TIME ZONE, big BIGINT, real4 REAL, real8 DOUBLE PRECISION, flag BOOLEAN,
    feeling mood, key UUID, noon TIME, span INTERVAL, doc JSON);
CREATE TABLE rooms (
    hotel INTEGER NOT NULL, number INTEGER, kind VARCHAR DEFAULT 'single',
    PRIMARY KEY (hotel, number), FOREIGN KEY (hotel) REFERENCES hotels (id),
    UNIQUE (number, kind), CHECK (number > 0));
CREATE TABLE bookings (
    id INTEGER PRIMARY KEY, hotel INTEGER, room INTEGER,
    FOREIGN KEY (hotel, room) REFERENCES rooms (hotel, number));
CREATE TABLE s2.hotels (other INTEGER PRIMARY KEY);
CREATE TABLE "Odd ""Name"".x" ("select" INTEGER, "Größe cm" INTEGER, "a.b" VARCHAR);
CREATE VIEW good AS SELECT id, stars FROM hotels WHERE stars > 3;
CREATE VIEW s2.v AS SELECT other FROM s2.hotels;
CREATE INDEX by_name ON hotels (name, stars);
CREATE UNIQUE INDEX by_key ON hotels (key);
COMMENT ON TABLE hotels IS 'where people sleep';
COMMENT ON COLUMN hotels.stars IS 'one to five';
COMMENT ON VIEW good IS 'the good ones';
"""
TABLES = (
    *(("hotels", None), ("rooms", None), ("bookings", None), ("hotels", "s2")),
    *(('Odd "Name".x', None), ("good", None), ("v", "s2")),
)
INTEGERS = [
    ("id", "Integer", None, False, None),
    ("hotel", "Integer", None, True, None),
    ("room", "Integer", None, True, None),
]
EXPECTED = {
    "schemas": ["information_schema", "MAIN", "s2"],
    "default": "MAIN",
    "tables": ['Odd "Name".x', "bookings", "hotels", "rooms"],
    "tables of s2": ["hotels"],
    "views": ["good"],
    "views of s2": ["v"],
    "enums": [("mood", "MAIN", True, ["sad", "it's ok", "happy"])],
    "there": [True, True, False, True, False, True, False],
    "reflected": ['Odd "Name".x', "bookings", "good", "hotels", "rooms"],
    "in order": ["hotels", "rooms", "bookings"],
    "hotels": {
        "columns": [
            ("id", "Integer", None, False, None),
            ("name", "String", None, False, None),
            ("stars", "Integer", None, True, "one to five"),
            ("price", "Numeric(10, 2)", "9.5", True, None),
            ("tags", "ARRAY of String", None, True, None),
            ("opened", "Date", None, True, None),
            ("seen", "DateTime", None, True, None),
            ("zoned", "DateTime with zone", None, True, None),
            ("big", "Integer", None, True, None),
            ("real4", "Float", None, True, None),
            ("real8", "Float", None, True, None),
            ("flag", "Boolean", None, True, None),
            ("feeling", "Enum sad, it's ok, happy", None, True, None),
            ("key", "Uuid", None, True, None),
            ("noon", "Time", None, True, None),
            ("span", "Interval", None, True, None),
            ("doc", "JSON", None, True, None),
        ],
        "primary": ("hotels_pkey", ["id"]),
        "foreign": [],
        "unique": [("hotels_name_key", ["name"])],
        "check": [("hotels_stars_check", "stars > 0")],
        "indexes": [("by_key", ["key"], True), ("by_name", ["name", "stars"], False)],
        "comment": "where people sleep",
    },
    "rooms": {
        "columns": [
            ("hotel", "Integer", None, False, None),
            ("number", "Integer", None, False, None),
            ("kind", "String", "'single'", True, None),
        ],
        "primary": ("rooms_pkey", ["hotel", "number"]),
        "foreign": [("rooms_hotel_fkey", ["hotel"], None, "hotels", ["id"])],
        "unique": [("rooms_number_kind_key", ["number", "kind"])],
        "check": [("rooms_number_check", "number > 0")],
        "indexes": [],
        "comment": None,
    },
    "bookings": {
        "columns": INTEGERS,
        "primary": ("bookings_pkey", ["id"]),
        "foreign": [
            ("bookings_hotel_room_fkey", ["hotel", "room"], None, "rooms", ["hotel", "number"]),
        ],
        "unique": [],
        "check": [],
        "indexes": [],
        "comment": None,
    },
    "s2.hotels": {
        "columns": [("other", "Integer", None, False, None)],
        "primary": ("hotels_pkey", ["other"]),
        "foreign": [],
        "unique": [],
        "check": [],
        "indexes": [],
        "comment": None,
    },
    'Odd "Name".x': {
        "columns": [
            ("select", "Integer", None, True, None),
            ("Größe cm", "Integer", None, True, None),
            ("a.b", "String", None, True, None),
        ],
        "primary": (None, []),
        "foreign": [],
        "unique": [],
        "check": [],
        "indexes": [],
        "comment": None,
    },
    "good": {
        "columns": [
            ("id", "Integer", None, True, None),
            ("stars", "Integer", None, True, None),
        ],
        "primary": (None, []),
        "foreign": [],
        "unique": [],
        "check": [],
        "indexes": [],
        "comment": "the good ones",
        "query": "select id, stars from hotels where stars > 3",
    },
    "s2.v": {
        "columns": [("other", "Integer", None, True, None)],
        "primary": (None, []),
        "foreign": [],
        "unique": [],
        "check": [],
        "indexes": [],
        "comment": None,
        "query": "select other from s2.hotels",
    },
}


def type_of(column_type: Any) -> str:
    """The type as every dialect has it, whatever it calls it."""
    kind = column_type._type_affinity.__name__
    if isinstance(column_type, sa.ARRAY):
        return f"ARRAY of {type_of(column_type.item_type)}"
    if isinstance(column_type, sa.Enum) or hasattr(column_type, "enums"):
        return f"Enum {', '.join(column_type.enums)}"
    if isinstance(column_type, sa.Numeric) and not isinstance(column_type, sa.Float):
        return f"Numeric({column_type.precision}, {column_type.scale})"
    if getattr(column_type, "timezone", False):
        return f"{kind} with zone"
    return str(kind)


def query_of(definition: str) -> str:
    """A view's query without what only says the same in other words."""
    words = " ".join(definition.lower().replace("(", " ").replace(")", " ").split()).rstrip("; ")
    return (
        words.replace("hotels.id", "id")
        .replace("hotels.stars", "stars")
        .replace("hotels.other", "other")
    )


def table_of(inspector: Any, name: str, schema: str | None) -> dict[str, Any]:
    of = {"table_name": name, "schema": schema}
    primary = inspector.get_pk_constraint(**of)
    told = {
        "columns": [
            (
                column["name"],
                type_of(column["type"]),
                column["default"] and column["default"].removesuffix("::character varying"),
                column["nullable"],
                column["comment"],
            )
            for column in inspector.get_columns(**of)
        ],
        "primary": (primary["name"], primary["constrained_columns"]),
        "foreign": [tuple(key.values())[:5] for key in inspector.get_foreign_keys(**of)],
        "unique": [(u["name"], u["column_names"]) for u in inspector.get_unique_constraints(**of)],
        "check": [(c["name"], c["sqltext"]) for c in inspector.get_check_constraints(**of)],
        "indexes": [
            (index["name"], index["column_names"], index["unique"])
            for index in inspector.get_indexes(**of)
            if "duplicates_constraint" not in index
        ],
        "comment": inspector.get_table_comment(**of)["text"],
    }
    if name in ("good", "v"):
        told["query"] = query_of(inspector.get_view_definition(name, schema))
    return told


def told(engine: Any) -> dict[str, Any]:
    """All that the inspector tells of the schema above; the default schema is called MAIN."""
    inspector, metadata = sa.inspect(engine), sa.MetaData()
    main = inspector.default_schema_name
    metadata.reflect(engine, views=True)
    order = [table.name for table in metadata.sorted_tables]
    answers: dict[str, Any] = {
        "schemas": [name.replace(main, "MAIN") for name in inspector.get_schema_names()],
        "default": main.replace(main, "MAIN"),
        "tables": sorted(inspector.get_table_names()),
        "tables of s2": inspector.get_table_names(schema="s2"),
        "views": inspector.get_view_names(),
        "views of s2": inspector.get_view_names(schema="s2"),
        "enums": [
            (enum["name"], enum["schema"].replace(main, "MAIN"), enum["visible"], enum["labels"])
            for enum in inspector.get_enums()
        ],
        "there": [
            *(inspector.has_table(name) for name in ("hotels", "good", "nothing")),
            *(inspector.has_table(name, schema="s2") for name in ("v", "rooms")),
            *(inspector.has_schema(name) for name in ("s2", "nothing")),
        ],
        "reflected": sorted(metadata.tables),
        "in order": [name for name in order if name in ("hotels", "rooms", "bookings")],
    }
    for name, schema in TABLES:
        key = f"{schema}.{name}" if schema else name
        answers[key] = table_of(inspector, name, schema)
    return answers


def with_schema(url: str) -> Any:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    return engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Any]:
    made = with_schema(f"augur:///{tmp_path / 'a.duckdb'}?augur_progress=off")
    yield made
    made.dispose()


def test_a_schema_is_told_as_by_postgresql(engine: Any) -> None:
    answers = told(engine)
    for key, expected in EXPECTED.items():
        assert answers[key] == expected, key


@pytest.mark.skipif(POSTGRES is None, reason="AUGUR_POSTGRES does not name a database")
def test_what_is_expected_is_what_postgresql_tells() -> None:
    answers = told(with_schema(str(POSTGRES)))
    for key, expected in EXPECTED.items():
        assert answers[key] == expected, key


def test_nothing_of_ours_is_among_the_users(database: str, tmp_path: Path) -> None:
    engine = sa.create_engine(f"augur:///{database}")
    metadata = sa.MetaData()
    with engine.connect() as connection:
        predict = "SELECT predict('rating', review USING INDEX hotels) FROM reviews LIMIT 3"
        assert len(connection.execute(sa.text(predict)).all()) == 3
        connection.execute(sa.text(f"ATTACH '{tmp_path / 'other.duckdb'}' AS \"my db\""))
        inspector = sa.inspect(connection)
        assert inspector.get_schema_names() == ["information_schema", "main", '"my db".main']
        assert inspector.get_table_names() == ["reviews"]
        for listed in (inspector.get_view_names, inspector.get_temp_view_names):
            assert listed() == []
        metadata.reflect(connection, views=True)
        assert list(metadata.tables) == ["reviews"]
    engine.dispose()


def test_types_that_postgresql_has_not(engine: Any) -> None:
    types = "s STRUCT(a INTEGER, b VARCHAR[]), m MAP(VARCHAR, INTEGER), g INTEGER[][], f FLOAT[3]"
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE t ({types}, h HUGEINT, u UBIGINT)"))
        table = sa.Table("t", sa.MetaData(), autoload_with=connection)
        spelled = [c.type.compile(engine.dialect).upper() for c in table.columns]
        assert spelled[:2] == ['STRUCT("A" INTEGER, "B" VARCHAR[])', "MAP(VARCHAR, INTEGER)"]
        assert spelled[2:] == ["INTEGER[][]", "REAL[3]", "HUGEINT", "UBIGINT"]
        values = {"s": {"a": 1, "b": ["x"]}, "m": {"k": 2}, "g": [[1], [2, 3]], "f": [0.5, 1, 2]}
        connection.execute(table.insert(), {**values, "h": 2**100, "u": 2**63})
        row = connection.execute(table.select()).one()
        assert dict(row._mapping, f=list(row.f)) == {**values, "h": 2**100, "u": 2**63}


def test_what_is_reflected_can_be_created(engine: Any) -> None:
    metadata = sa.MetaData()
    metadata.reflect(engine)
    copy = sa.create_engine("augur://")
    with copy.begin() as connection:
        metadata.create_all(connection)
    assert sorted(sa.inspect(copy).get_table_names()) == EXPECTED["tables"]
    copy.dispose()

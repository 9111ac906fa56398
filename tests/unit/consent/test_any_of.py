"""One of many texts, asked of a database by its index: a look at a few rows must not read the whole table."""

from sqlalchemy import Column, MetaData, String, Table, and_, create_engine, insert, not_, select
from sqlalchemy.dialects import postgresql

from consent.store.any_of import any_of

THING = Table("thing", MetaData(), Column("name", String, primary_key=True), Column("value", String))


def test_sqlite_searches_by_the_index() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        THING.create(connection)
        connection.execute(insert(THING), [{"name": f"{n}", "value": "x"} for n in range(9)])
        for where in (any_of(THING.c.name, "ids"), and_(any_of(THING.c.name, "ids"), THING.c.value == "x")):
            query = select(THING.c.name).where(where)
            assert sorted(connection.scalars(query, {"ids": ["3", "5", "none"]})) == ["3", "5"]
            text = str(query.compile(connection)).replace("?", "'[]'")
            plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
            assert any(step.startswith("SEARCH thing") for step in plan), plan
            assert not any(step.startswith("SCAN thing") for step in plan), plan
        others = select(THING.c.name).where(not_(any_of(THING.c.name, "ids")))
        assert len(connection.scalars(others, {"ids": ["3", "5"]}).all()) == 7


def test_postgresql_compares_with_an_array() -> None:
    query = select(THING.c.name).where(any_of(THING.c.name, "ids"), THING.c.value == "x")
    assert "thing.name = ANY(%(ids)s::VARCHAR[]) AND" in str(query.compile(dialect=postgresql.dialect()))

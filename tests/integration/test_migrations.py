"""The steps of the schema lead to the tables of the code, on both databases, all or nothing."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, inspect, text

from hub.store.database import open_engine
from hub.store.migrations import draft, schema


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    yield engine
    engine.dispose()


def _differences(connection: Connection, wanted: MetaData) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), wanted))


def _shape(connection: Connection) -> dict[str, object]:
    """What the comparison of Alembic passes over: checks, and the conditions of partial indexes."""
    look = inspect(connection)
    shape: dict[str, object] = {}
    for table in look.get_table_names():
        if table != "alembic_version":
            checks = sorted((str(c["name"]), str(c["sqltext"])) for c in look.get_check_constraints(table))
            indexes = sorted(_plain(each) for each in look.get_indexes(table))
            keys = (look.get_pk_constraint(table), sorted(map(str, look.get_foreign_keys(table))))
            shape[table] = (checks, indexes, str(keys), sorted(map(str, look.get_unique_constraints(table))))
    return shape


def _plain(value: object) -> str:
    """A description as text in which a condition is its SQL and not an object somewhere in memory."""
    if isinstance(value, dict):
        return str(sorted((str(name), _plain(each)) for name, each in value.items()))
    return str(value)


def test_schema_equals_migrations(engine: Engine) -> None:
    assert schema.migrate(engine) == (None, schema.newest())
    with engine.connect() as connection:
        assert _differences(connection, schema.target()) == []
        migrated = _shape(connection)
    with engine.begin() as connection:
        schema.target().drop_all(connection)
        assert _shape(connection) == {}
        schema.target().create_all(connection)
        assert _shape(connection) == migrated


def test_a_forgotten_column_would_be_seen(engine: Engine) -> None:
    schema.migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE organisation ADD COLUMN forgotten INTEGER"))
        assert _differences(connection, schema.target()) != []


def test_a_second_run_changes_nothing(engine: Engine) -> None:
    schema.migrate(engine)
    assert schema.migrate(engine) == (schema.newest(), schema.newest())
    with engine.connect() as connection:
        schema.require_current(connection)


def test_two_at_once_do_it_once(url: str) -> None:
    engines = [open_engine(url) for _ in range(2)]
    for one in engines:
        one.connect().close()  # SQLite turns to its write-ahead log here, and that is not what this is about
    answers: list[tuple[str | None, str]] = []
    threads = [threading.Thread(target=lambda e=one: answers.append(schema.migrate(e))) for one in engines]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for one in engines:
        one.dispose()
    assert sorted(answers, key=str) == sorted([(None, schema.newest()), (schema.newest(), schema.newest())], key=str)


def test_a_step_that_fails_leaves_the_database_as_it_was(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE message (in_the_way INTEGER)"))  # a table of the last step
    with pytest.raises(Exception, match="message"):
        schema.migrate(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["message"]
        assert schema.version(connection) is None


def test_a_database_of_another_age_is_refused_with_the_way_on(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(schema.SchemaMismatch, match="hub init"):
        schema.require_current(connection)
    schema.migrate(engine)
    for number, told in (("0001", "hub migrate"), ("9999", "nieuwer")):
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": number})
        with engine.connect() as connection, pytest.raises(schema.SchemaMismatch, match=told):
            schema.require_current(connection)
    with pytest.raises(schema.SchemaMismatch, match="nieuwer"):
        schema.migrate(engine)


def test_foreign_keys_are_on_again_after_the_steps(engine: Engine) -> None:
    schema.migrate(engine)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    with engine.connect() as connection, pytest.raises(Exception, match=r"(?i)foreign key"):
        connection.execute(text("INSERT INTO mailbox (organisation, last_sequence, acknowledged) VALUES ('x', 0, 0)"))


def test_the_steps_follow_one_another_by_number() -> None:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    steps = list(scripts.walk_revisions())
    assert scripts.get_current_head() == schema.newest()
    assert [step.revision for step in steps] == [f"{n:04d}" for n in range(len(steps), 0, -1)]
    assert all(Path(step.path).name.split("_")[1] in ("pre", "post") for step in steps)


def test_a_draft_holds_what_the_steps_do_not_make_yet(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    schema.migrate(engine)
    step = draft.Step("0099", schema.newest(), "Nothing yet.")
    with engine.begin() as connection:
        assert "create_table" not in draft.draft(connection, step)
        connection.execute(text("DROP TABLE attempt"))
        text_ = draft.draft(connection, step)
    engine.dispose()
    assert "def _attempt() -> None:" in text_ and 'down_revision = "' + schema.newest() in text_
    compile(text_, "draft", "exec")

"""Migrations: the tables they make are the models', both ways, on both databases, with rows in them."""

import hashlib
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text

from archive_app.documents.models import Version
from archive_app.engagements.models import Engagement, SchemeEdition
from archive_app.engagements.schemes import USUAL_SCHEME, all_schemes, scheme_of
from archive_app.kernel.archive import Archive
from archive_app.kernel.database import open_engine
from archive_app.kernel.tables import Base
from archive_app.migrations import configuration
from archive_app.runtime import SCHEMA_REVISION, database_url, is_current, migrate
from archive_app.settings import Settings
from tests.conftest import Workbench, both_databases
from tests.factories import People, engagement_of, file_bytes


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An empty database."""
    settings.data_directory.mkdir(parents=True, exist_ok=True)
    engine = open_engine(database_url(settings))
    yield engine
    engine.dispose()


def _go_to(engine: Engine, revision: str) -> None:
    config = configuration()
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        move = command.downgrade if revision == "base" or _is_behind(engine, revision) else command.upgrade
        move(config, revision)


def _is_behind(engine: Engine, revision: str) -> bool:
    """Whether `revision` is an ancestor of where the database stands."""
    script = ScriptDirectory.from_config(configuration())
    with engine.connect() as connection:
        here = MigrationContext.configure(connection).get_current_revision()
    return here is not None and revision in {step.revision for step in script.walk_revisions("base", here)}


def test_the_program_knows_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(configuration()).get_current_head() == SCHEMA_REVISION


def _tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def _foreign_keys_hold(engine: Engine) -> bool:
    with engine.connect() as connection:
        return engine.dialect.name != "sqlite" or bool(connection.scalar(text("PRAGMA foreign_keys")))


@both_databases
def test_the_newest_schema_is_that_of_the_models(engine: Engine) -> None:
    assert not is_current(engine)
    migrate(engine)
    assert is_current(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, Base.metadata)
    assert not differences, "write a migration for these differences"
    assert _tables(engine) == set(Base.metadata.tables)


@both_databases
def test_every_constraint_and_index_has_a_name(engine: Engine) -> None:
    migrate(engine)
    database = inspect(engine)
    nameless = []
    for table in _tables(engine):
        kinds = (database.get_foreign_keys, database.get_unique_constraints, database.get_check_constraints)
        found = [database.get_pk_constraint(table), *(entry for kind in kinds for entry in kind(table))]
        nameless += [(table, entry) for entry in [*found, *database.get_indexes(table)] if not entry["name"]]
        assert database.get_pk_constraint(table)["constrained_columns"], f"{table} has no primary key"
    assert not nameless, "a later migration could not address these; name them"


@both_databases
def test_every_step_can_be_taken_back_and_taken_again(engine: Engine) -> None:
    steps = list(ScriptDirectory.from_config(configuration()).walk_revisions())[::-1]
    for step in steps:
        before = _tables(engine)
        _go_to(engine, step.revision)
        after = _tables(engine)
        _go_to(engine, str(step.down_revision or "base"))
        assert _tables(engine) == before, f"downgrade of {step.revision} leaves or loses tables"
        _go_to(engine, step.revision)
        assert _tables(engine) == after
    assert is_current(engine)
    _go_to(engine, "base")
    assert _tables(engine) == set()
    assert _foreign_keys_hold(engine)


@both_databases
def test_with_rows_in_every_table_all_steps_work_both_ways(
    archive: Archive, people: People, workbench: Workbench
) -> None:
    leader = people.person("team_leader", "archivist")
    file_bytes(leader, engagement_of(leader), "报告.txt", "排放量 12.5 t".encode())
    workbench.run()
    migrate(archive.engine)
    with archive.reading(leader) as uow:
        assert uow.session.scalars(select(Version.name)).all() == ["报告.txt"]
    _go_to(archive.engine, "base")
    assert _tables(archive.engine) == set()
    migrate(archive.engine)
    assert is_current(archive.engine)
    assert _foreign_keys_hold(archive.engine)


def test_rows_that_refer_to_nothing_stop_a_migration(archive: Archive) -> None:
    """On SQLite, where references are not enforced meanwhile; PostgreSQL enforces them throughout."""
    with archive.engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
        connection.execute(text("INSERT INTO event_pending (event_id) VALUES ('nobody')"))
        connection.commit()
        connection.connection.cursor().execute("PRAGMA foreign_keys=ON")
    with pytest.raises(RuntimeError, match="refer to nothing"), archive.engine.connect() as connection:
        command.upgrade(configuration(connection), "head")
    assert _foreign_keys_hold(archive.engine)


@both_databases
def test_engagements_of_before_the_schemes_follow_one_without_stages(archive: Archive, people: People) -> None:
    """Up with rows, down, up: they stay, and what they follow can be read."""
    leader = people.person("team_leader", "archivist")
    opened = sorted(engagement_of(leader).id for _ in range(2))
    for _ in range(2):
        _go_to(archive.engine, "0010")
        assert "scheme_edition" not in _tables(archive.engine)
        columns = {column["name"] for column in inspect(archive.engine).get_columns("engagement")}
        assert not columns & {"scheme", "scheme_version", "stage", "parent_id", "sealed_at"}
        migrate(archive.engine)
        with archive.reading(leader) as uow:
            rows = uow.session.scalars(select(Engagement).order_by(Engagement.id)).all()
            assert sorted(row.id for row in rows) == opened
            for row in rows:
                assert (row.scheme, row.scheme_version, row.stage) == (USUAL_SCHEME, "0", "work")
                assert [stage.code for stage in scheme_of(uow, row).stages] == ["work", "keeping"]
            edition = uow.session.get_one(SchemeEdition, (USUAL_SCHEME, "0"))
            assert edition.sha256 == hashlib.sha256(edition.text.encode()).digest()
    assert _foreign_keys_hold(archive.engine)
    # New ones begin with today's version beside them.
    assert engagement_of(leader).scheme_version == all_schemes()[USUAL_SCHEME].version

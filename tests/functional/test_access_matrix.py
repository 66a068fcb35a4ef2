"""Every route × everybody × their own, another team's and another organisation's: compared cell by cell with the
expected table of `tests/access/rooms`, which a person reads as `docs/security/access-matrix.md`."""

import os

import pytest
from flask import Flask

from archive_app.kernel.archive import Archive
from tests.access.columns import LEVELS, columns
from tests.access.driving import compare, levels_found, on_both, routes_of, unconfirmed
from tests.access.expectation import HIDDEN, REFUSED, all_rows, expected_levels
from tests.access.rendering import MATRIX, rendered
from tests.access.world import World, build
from tests.architecture.house import listing
from tests.conftest import Workbench
from tests.factories import People


@pytest.fixture
def world(archive: Archive, app: Flask, people: People, workbench: Workbench) -> World:
    return build(archive, app, people, workbench)


def test_every_route_has_a_row_and_every_row_a_route(app: Flask) -> None:
    routes = routes_of(app)
    rows = {row.at for row in all_rows()}
    assert not routes - rows, f"say in tests/access/rooms who may use these:{listing(routes - rows)}"
    assert not rows - routes, f"these routes are gone:{listing(rows - routes)}"


def test_the_matrix_that_people_read_is_the_one_that_is_tested() -> None:
    if os.environ.get("LANTAI_WRITE_DOCS"):
        MATRIX.write_text(rendered(), encoding="utf-8")
    assert MATRIX.read_text(encoding="utf-8") == rendered(), "LANTAI_WRITE_DOCS=1 writes it anew; read what changed"


@on_both
def test_pages_that_are_read(world: World) -> None:
    compare(world, [row for row in all_rows() if not row.writes and not row.is_api])


def test_what_asks_for_a_fresh_proof(world: World) -> None:
    rows = [row for row in all_rows() if row.confirmed]
    assert len(rows) > 10
    wrong = unconfirmed(world, rows)
    assert not wrong, f"expected, found:{listing(wrong)}"


@on_both
def test_levels_narrow_what_each_role_sees(world: World) -> None:
    wrong = []
    for column in columns():
        if column.awaits:
            continue
        told = expected_levels(column)
        refused = set(told) == {REFUSED}
        for way, found in levels_found(world, column).items():
            cell = (HIDDEN if way == "lists" else REFUSED) * len(LEVELS) if refused else told
            if found != cell:
                wrong.append(f"{column.key}, {way}: {cell} {found}")
    assert not wrong, f"expected, found:{listing(wrong)}"

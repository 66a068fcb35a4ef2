"""Drives the application through the matrix and tells where it differs."""

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from flask import Flask
from sqlalchemy import func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.denials import ACCESS_DENIED
from archive_app.kernel.events import Event
from archive_app.kernel.tables import Base
from tests.access.asking import Caller
from tests.access.columns import HALF, Column, columns
from tests.access.expectation import CONFIRM, FOREIGN, HIDDEN, IN, OWN, REFUSED, Row, expected
from tests.access.world import World
from tests.architecture.house import listing
from tests.conftest import both_databases_in_full
from tests.engines import FULL

on_both = both_databases_in_full
"""Both databases where nothing is sampled."""
# Denials stand in the log and name what was denied; what is read again is derived.
_LOG = ("event", "log_")
# There is nothing that is denied: what is bare for somebody is not there under a mark.
_NO_DENIAL = {"nothing", "document.marked"}
_DERIVED = {"job", "derivative", "pending_event"}


@dataclass
class _Desk:
    """Somebody at their browser, or their program."""

    world: World
    column: Column
    of_api: bool
    caller: Caller | None = None

    def ready(self) -> Caller:
        """A caller whose session is alive."""
        if self.caller is None:
            token = self.world.tokens.get(self.column.key, "") if self.of_api else ""
            session = "" if self.of_api else self.world.session(self.column)
            self.caller = Caller(self.world.app, session, token)
        return self.caller


def routes_of(app: Flask) -> set[str]:
    """Every route but static files, as the table names them."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.endswith("static")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def compare(world: World, rows: list[Row]) -> None:
    """Fails naming every cell in which the program does something else than is expected, and every row of the other
    organisation that the run changed."""
    assert len(rows) > 10
    before = rows_of_strangers(world)
    assert len(before) > 20
    wrong = differences(world, rows)
    wrong += [f"this row of the other organisation was changed: {row}" for row in before - rows_of_strangers(world)]
    assert not wrong, f"expected, found:{listing(wrong)}"


def unconfirmed(world: World, rows: list[Row]) -> list[str]:
    """Rows that ask for a fresh proof, and do not when somebody who may do them gave theirs long ago."""
    wrong, there = [], routes_of(world.app)
    for row in rows:
        let_in = [column for column in columns() if row.at in there and expected(row, column).startswith(IN)]
        for column in let_in if FULL else let_in[:1]:
            session = world.session(column)
            world.unconfirm(session)
            told = Caller(world.app, session).mark(row, world.ids(column, OWN), row.sends[0])
            if told != CONFIRM:
                wrong.append(f"{row.at} {column.key}: {CONFIRM} {told}")
    return wrong


def levels_found(world: World, column: Column) -> dict[str, str]:
    """Which documents of their own engagement somebody sees, by level, in each of the ways that there are."""
    page = Row("GET /documents/<document_id>", "", "", "document")
    read = Row("GET /api/v1/documents/<id:document_id>", "", "", "document")
    browser, program = Caller(world.app, world.session(column)), Caller(world.app, token=world.tokens[column.key])
    listed = program.client.get(
        f"/api/v1/engagements/{world.things[OWN]['engagement_id']}/documents",
        headers={"Authorization": f"Bearer {program.token}"},
    ).get_json()
    shown = {line["id"] for line in listed.get("items", ())}
    marks = {"pages": "", "programs": "", "lists": ""}
    for document in world.levels:
        ids = {"document_id": document}
        marks["pages"] += browser.mark(page, ids, {})
        marks["programs"] += program.mark(read, ids, {})
        marks["lists"] += IN if document in shown else HIDDEN
    return marks


def rows_of_strangers(world: World) -> set[str]:
    """Every row that names something of the other organisation, but for what the log keeps and what is derived."""
    of_strangers = set(world.things[FOREIGN].values()) - set(world.things[OWN].values())
    found = set()
    with world.archive.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name.startswith(_LOG) or table.name in _DERIVED:
                continue
            for row in connection.execute(select(table)):
                if any(value in of_strangers for value in row if isinstance(value, str)):
                    found.add(f"{table.name} {tuple(row)}")
    return found


def differences(world: World, rows: Iterable[Row]) -> list[str]:
    """Cells in which the program does something else than is expected, and denials that left no event."""
    wrong: list[str] = []
    silent: dict[str, list[str]] = {}
    there = routes_of(world.app)
    rows = [row for row in rows if row.at in there]
    for column in columns():
        desks = {of_api: _Desk(world, column, of_api) for of_api in (False, True)}
        for row in rows:
            if row.is_api and column.awaits == HALF:
                continue  # a token is made by somebody who gave their factor
            wrong += _differences_of(desks[row.is_api], row, silent)
    told = [f"{at}: no event tells that it was denied to {', '.join(who)}" for at, who in silent.items()]
    return wrong + told


def _differences_of(desk: _Desk, row: Row, silent: dict[str, list[str]]) -> list[str]:
    wrong, cell = [], expected(row, desk.column)
    for sent in row.sends:
        found = ""
        for place, mark in zip(row.places, cell, strict=True):
            if _passed_over(row, desk.column, place, mark):
                found += mark
                continue
            told = desk.ready().mark(row, desk.world.ids(desk.column, place), sent)
            if row.spends:
                desk.caller = None
            found += told
            if told in {HIDDEN, REFUSED} and not _is_noted(desk) and row.about not in _NO_DENIAL:
                silent.setdefault(f"{row.at} ({row.about})", []).append(f"{desk.column.key} ({place})")
        if found != cell:
            wrong.append(f"{row.at} ({row.about}) {dict(sent) or ''} {desk.column.key}: {cell} {found}")
    return wrong


def _passed_over(row: Row, column: Column, place: str, mark: str) -> bool:
    """A permission that is missing is missing everywhere and for everybody alike: unless everything is asked, it is
    asked at the first place only, and of every row by every third of those who lack it."""
    if mark == "–":
        return True
    if FULL or mark not in {REFUSED, "→"}:
        return False
    return place != row.places[0] or crc32(f"{row.at} {column.key}".encode()) % 3 != 0


def _is_noted(desk: _Desk) -> bool:
    """Whether there is one more denial of theirs than when this was asked last. Only denials are asked, because nothing
    else makes more of them."""
    before, now = desk.world.denials.get(desk.column.key, 0), _denials(desk)
    desk.world.denials[desk.column.key] = now
    return now > before


def _denials(desk: _Desk) -> int:
    person = desk.world.people.get(desk.column.key)
    if person is None:
        return -1
    with desk.world.archive.reading(Actor.system("test")) as uow:
        told = select(func.count()).where(Event.code == ACCESS_DENIED.code, Event.actor == person.name)
        return uow.session.scalar(told) or 0

"""Verification names every tampering with the log, by position or event, and nothing else."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from archive_app.kernel.archive import Archive
from archive_app.kernel.events import Event, EventDetail, EventSubject, PendingEvent
from archive_app.proof.leaf import leaf_hash
from archive_app.trail.checking import check_log, latest_check
from archive_app.trail.findings import MESSAGES, Kind
from archive_app.trail.models import LogCheckpoint, LogLeaf, LogTile
from archive_app.trail.sequencing import EVENT_COLUMNS, event_leaf, sequence
from archive_app.trail.verification import verify_log
from tests.integration.trail.made_log import (
    person,
    record,
    tampering,
)

Tamper = Callable[[Any, list[str]], None]
AT = 7
SIZE = 20
FORKED: list[tuple[str, dict[str, object]]] = [("checkpoint_forked", {"size": 10}), ("went_back", {"published": SIZE})]


@dataclass(frozen=True)
class Case:
    """What an insider does to the database, and the findings that name it."""

    name: str
    tamper: Tamper
    expected: list[tuple[str, dict[str, object]]]


def run(*statements: Callable[[list[str]], Any]) -> Tamper:
    def tamper(connection: Any, ids: list[str]) -> None:
        for statement in statements:
            connection.execute(statement(ids))

    return tamper


def event_values(**values: object) -> Tamper:
    return run(lambda ids: update(Event).where(Event.id == ids[AT]).values(**values))


def move_back_in_time(connection: Any, ids: list[str]) -> None:
    moment = connection.scalar(select(Event.occurred_at).where(Event.id == ids[AT]))
    connection.execute(update(Event).where(Event.id == ids[AT]).values(occurred_at=moment - timedelta(seconds=1)))


def swap_leaves(connection: Any, ids: list[str]) -> None:
    connection.execute(update(LogLeaf).where(LogLeaf.position == 3).values(position=-3))
    connection.execute(update(LogLeaf).where(LogLeaf.position == 4).values(position=3))
    connection.execute(update(LogLeaf).where(LogLeaf.position == -3).values(position=4))


def alter_event_with_leaf(connection: Any, ids: list[str]) -> None:
    connection.execute(update(Event).where(Event.id == ids[AT]).values(actor="someone-else"))
    row = connection.execute(select(*EVENT_COLUMNS).where(Event.id == ids[AT])).one()
    columns = (EventSubject.kind, EventSubject.subject_id)
    rows = connection.execute(select(*columns).where(EventSubject.event_id == ids[AT]))
    subjects = {row.kind: row.subject_id for row in rows}
    new = leaf_hash(event_leaf(row, subjects))
    connection.execute(update(LogLeaf).where(LogLeaf.position == AT).values(leaf_hash=new))


def alter_event_leaf_and_tile(connection: Any, ids: list[str]) -> None:
    alter_event_with_leaf(connection, ids)
    alter_tile(connection, ids, connection.scalar(select(LogLeaf.leaf_hash).where(LogLeaf.position == AT)))


def alter_tile(connection: Any, ids: list[str], new: bytes = b"t" * 32) -> None:
    tile = connection.scalar(select(LogTile.hashes))
    connection.execute(update(LogTile).values(hashes=tile[: AT * 32] + new + tile[(AT + 1) * 32 :]))


def delete_end(connection: Any, ids: list[str], *, keep: int = 10) -> None:
    for column in (EventSubject.event_id, EventDetail.event_id, LogLeaf.event_id, Event.id):
        connection.execute(delete(column.class_).where(column.in_(ids[keep:])))


def delete_end_with_tree(connection: Any, ids: list[str]) -> None:
    delete_end(connection, ids)
    connection.execute(delete(LogCheckpoint).where(LogCheckpoint.size > 10))
    connection.execute(update(LogTile).values(hashes=func.substr(LogTile.hashes, 1, 10 * 32)))


def insert_behind(connection: Any, ids: list[str]) -> None:
    row = connection.execute(select(*EVENT_COLUMNS).where(Event.id == ids[AT])).one()
    values = {**row._mapping, "id": "f" * 36}
    connection.execute(insert(Event).values(values))
    salted = connection.execute(
        select(EventDetail.salt, EventDetail.detail).where(EventDetail.event_id == ids[AT])
    ).one()
    connection.execute(insert(EventDetail).values(event_id="f" * 36, salt=salted.salt, detail=salted.detail))


def insert_behind_with_leaf(connection: Any, ids: list[str]) -> None:
    insert_behind(connection, ids)
    row = connection.execute(select(*EVENT_COLUMNS).where(Event.id == "f" * 36)).one()
    leaf = leaf_hash(event_leaf(row, {}))
    connection.execute(insert(LogLeaf).values(position=SIZE, event_id="f" * 36, leaf_hash=leaf))


def forge_checkpoint(connection: Any, ids: list[str]) -> None:
    row = connection.execute(select(LogCheckpoint.note, LogCheckpoint.signed_at).where(LogCheckpoint.size == 10)).one()
    forged = row.note.replace("\n10\n", "\n25\n")
    connection.execute(insert(LogCheckpoint).values(size=25, root_hash=b"r" * 32, note=forged, signed_at=row.signed_at))


CASES = [
    Case("actor", event_values(actor="someone-else"), [("event_altered", {"position": AT})]),
    Case("code", event_values(code="trial.other"), [("event_altered", {"position": AT})]),
    Case("way", event_values(via="cli"), [("event_altered", {"position": AT})]),
    Case("empty actor", event_values(actor=""), [("event_altered", {"position": AT})]),
    Case("time", move_back_in_time, [("event_altered", {"position": AT})]),
    Case(
        "digest of the detail",
        event_values(detail_digest=b"d" * 32),
        [("event_altered", {"position": AT}), ("detail_altered", {})],
    ),
    Case(
        "detail",
        run(lambda ids: update(EventDetail).where(EventDetail.event_id == ids[AT]).values(detail='{"title":"x"}')),
        [("detail_altered", {})],
    ),
    Case(
        "salt",
        run(lambda ids: update(EventDetail).where(EventDetail.event_id == ids[AT]).values(salt=b"s" * 32)),
        [("detail_altered", {})],
    ),
    Case(
        "detail removed",
        run(lambda ids: delete(EventDetail).where(EventDetail.event_id == ids[AT])),
        [("detail_missing", {})],
    ),
    Case(
        "detail added",
        run(lambda ids: insert(EventDetail).values(event_id="f" * 36, salt=b"s" * 32, detail="{}")),
        [("detail_stray", {"event": "f" * 36})],
    ),
    Case(
        "subject altered",
        run(
            lambda ids: (
                update(EventSubject)
                .where(EventSubject.event_id == ids[AT], EventSubject.kind == "document")
                .values(subject_id="d2")
            )
        ),
        [("event_altered", {"position": AT})],
    ),
    Case(
        "subject removed",
        run(lambda ids: delete(EventSubject).where(EventSubject.event_id == ids[AT], EventSubject.kind == "document")),
        [("event_altered", {"position": AT})],
    ),
    Case(
        "subject added",
        run(lambda ids: insert(EventSubject).values(event_id=ids[AT], kind="client", subject_id="c")),
        [("event_altered", {"position": AT})],
    ),
    Case(
        "subject of nothing",
        run(lambda ids: insert(EventSubject).values(event_id="f" * 36, kind="client", subject_id="c")),
        [("subject_stray", {"event": "f" * 36, "subject": "client"})],
    ),
    Case(
        "pending of nothing",
        run(lambda ids: insert(PendingEvent).values(event_id="f" * 36)),
        [("pending_stray", {"event": "f" * 36})],
    ),
    Case(
        "pending again",
        run(lambda ids: insert(PendingEvent).values(event_id=ids[AT])),
        [("event_twice", {"position": AT})],
    ),
    Case(
        "event removed",
        run(
            lambda ids: delete(EventDetail).where(EventDetail.event_id == ids[AT]),
            lambda ids: delete(EventSubject).where(EventSubject.event_id == ids[AT]),
            lambda ids: delete(Event).where(Event.id == ids[AT]),
        ),
        [("event_missing", {"position": AT})],
    ),
    Case(
        "leaf altered",
        run(lambda ids: update(LogLeaf).where(LogLeaf.position == AT).values(leaf_hash=b"h" * 32)),
        [("leaf_altered", {"position": AT})],
    ),
    Case(
        "leaf cut short",
        run(lambda ids: update(LogLeaf).where(LogLeaf.position == AT).values(leaf_hash=b"h")),
        [("leaf_altered", {"position": AT})],
    ),
    Case(
        "leaf removed",
        run(lambda ids: delete(LogLeaf).where(LogLeaf.position == AT)),
        [("leaves_missing", {"first": AT, "last": AT}), ("event_unlogged", {})],
    ),
    Case(
        "leaf moved before the log",
        run(lambda ids: update(LogLeaf).where(LogLeaf.position == AT).values(position=-1)),
        [("leaf_altered", {"position": -1}), ("leaves_missing", {"first": AT, "last": AT})],
    ),
    Case(
        "leaf moved far away",
        run(lambda ids: update(LogLeaf).where(LogLeaf.position == 19).values(position=10**12)),
        [("leaves_missing", {"first": 19, "last": 10**12 - 1})],
    ),
    Case(
        "leaves swapped",
        swap_leaves,
        [("leaf_altered", {"position": 3}), ("leaf_altered", {"position": 4}), *FORKED],
    ),
    Case(
        "event with its leaf",
        alter_event_with_leaf,
        [("leaf_altered", {"position": AT}), *FORKED],
    ),
    Case("event with leaf and tile", alter_event_leaf_and_tile, FORKED),
    Case(
        "end removed",
        delete_end,
        [("leaves_missing", {"first": 10, "last": 19})],
    ),
    Case(
        "end removed with tree and checkpoints",
        delete_end_with_tree,
        [("leaves_missing", {"first": 10, "last": 19}), ("went_back", {"published": 20})],
    ),
    Case("inserted behind", insert_behind, [("event_unlogged", {"event": "f" * 36})]),
    Case(
        "inserted behind with a leaf",
        insert_behind_with_leaf,
        [("leaves_unsigned", {"first": 20, "last": 20}), ("tile_altered", {"level": 0, "index": 0})],
    ),
    Case(
        "tile removed",
        run(lambda ids: delete(LogTile)),
        [("tile_altered", {"level": 0, "index": 0})],
    ),
    Case(
        "tile altered",
        alter_tile,
        [("leaf_altered", {"position": AT})],
    ),
    Case(
        "tile added",
        run(lambda ids: insert(LogTile).values(level=1, index=0, hashes=b"t" * 32)),
        [("tile_stray", {"level": 1, "index": 0})],
    ),
    Case("checkpoint forged", forge_checkpoint, [("checkpoint_invalid", {"size": 25})]),
    Case(
        "root of a checkpoint altered",
        run(lambda ids: update(LogCheckpoint).where(LogCheckpoint.size == 10).values(root_hash=b"r" * 32)),
        [("checkpoint_invalid", {"size": 10})],
    ),
    Case(
        "newest checkpoint removed",
        run(lambda ids: delete(LogCheckpoint).where(LogCheckpoint.size == SIZE)),
        [("went_back", {"published": SIZE}), ("leaves_unsigned", {"first": 10, "last": 19})],
    ),
]


# One of each way of looking; what is found does not depend on the database.
TRIED_ON_POSTGRES = {
    "time",
    "detail removed",
    "subject added",
    "leaves swapped",
    "event with leaf and tile",
    "end removed with tree and checkpoints",
    "inserted behind",
    "checkpoint forged",
}


def make_log(archive: Archive) -> list[str]:
    ids = record(archive, 10, document="d1")
    sequence(archive)
    ids += record(archive, 10, document="d1")
    sequence(archive)
    assert verify_log(archive) == []
    return ids


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_tampering_is_named(sqlite_archive: Archive, case: Case) -> None:
    try_case(sqlite_archive, case)


@pytest.mark.parametrize("log_archive", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("case", [case for case in CASES if case.name in TRIED_ON_POSTGRES], ids=lambda case: case.name)
def test_tampering_is_named_on_postgres(log_archive: Archive, case: Case) -> None:
    try_case(log_archive, case)


def try_case(archive: Archive, case: Case) -> None:
    ids = make_log(archive)
    with tampering(archive) as connection:
        case.tamper(connection, ids)
    findings = verify_log(archive)
    assert [finding.kind for finding in findings] == [kind for kind, _ in case.expected]
    for finding, (_, wanted) in zip(findings, case.expected, strict=True):
        assert wanted.items() <= finding.ids.items()
        assert finding.ids.get("event", ids[AT]) in {*ids, "f" * 36}
        assert "%(" not in finding.text("en")


def test_the_file_is_compared(sqlite_archive: Archive) -> None:
    make_log(sqlite_archive)
    file = sqlite_archive.data_directory / "checkpoint"
    kept = file.read_text()
    file.write_text(kept.replace("\n20\n", "\n21\n"))
    assert [finding.kind for finding in verify_log(sqlite_archive)] == [Kind.FILE_INVALID]
    file.unlink()
    assert [(f.kind, f.ids) for f in verify_log(sqlite_archive)] == [(Kind.FILE_MISSING, {"size": 20})]


def test_everything_gone_but_the_file(log_archive: Archive) -> None:
    make_log(log_archive)
    with tampering(log_archive) as connection:
        for table in (LogLeaf, LogTile, LogCheckpoint, EventSubject, EventDetail, PendingEvent, Event):
            connection.execute(delete(table))
    findings = verify_log(log_archive)
    assert [finding.kind for finding in findings] == [Kind.LEAVES_MISSING, Kind.WENT_BACK]


def test_a_hidden_alteration_of_a_waiting_event_is_found(sqlite_archive: Archive) -> None:
    make_log(sqlite_archive)
    [waiting] = record(sqlite_archive, 1)
    assert verify_log(sqlite_archive) == []
    with tampering(sqlite_archive) as connection:
        connection.execute(update(EventDetail).where(EventDetail.event_id == waiting).values(detail="{}"))
    [finding] = verify_log(sqlite_archive)
    assert (finding.kind, finding.ids) == (Kind.DETAIL_ALTERED, {"event": waiting})


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE event SET occurred_at = 'yesterday' WHERE id = :id", Kind.EVENT_ALTERED),
        ("UPDATE event SET occurred_at = 7 WHERE id = :id", Kind.EVENT_ALTERED),
        ("UPDATE event SET detail_digest = 'text' WHERE id = :id", Kind.EVENT_ALTERED),
        ("UPDATE event SET actor = x'ff' WHERE id = :id", Kind.EVENT_ALTERED),
        ("UPDATE event_subject SET subject_id = 5 WHERE event_id = :id", Kind.EVENT_ALTERED),
        ("UPDATE event_detail SET salt = 'text' WHERE event_id = :id", Kind.DETAIL_ALTERED),
        ("UPDATE event_detail SET detail = x'00' WHERE event_id = :id", Kind.DETAIL_ALTERED),
        ("UPDATE log_leaf SET leaf_hash = 'text' WHERE event_id = :id", Kind.LEAF_ALTERED),
    ],
)
def test_rows_that_cannot_be_read_are_altered_rows(sqlite_archive: Archive, statement: str, kind: Kind) -> None:
    ids = make_log(sqlite_archive)
    with tampering(sqlite_archive) as connection:
        connection.execute(text(statement), {"id": ids[AT]})
    findings = verify_log(sqlite_archive)
    assert kind in {finding.kind for finding in findings}
    assert all(finding.ids.get("position", AT) == AT for finding in findings)


def test_large_tiles_are_compared_on_every_level(sqlite_archive: Archive) -> None:
    ids = record(sqlite_archive, 520)
    sequence(sqlite_archive)
    seen: list[tuple[int, int]] = []
    assert verify_log(sqlite_archive, lambda done, total: seen.append((done, total))) == []
    assert seen[-1] == (520, 520)
    with tampering(sqlite_archive) as connection:
        connection.execute(update(LogTile).where(LogTile.level == 1).values(hashes=b"t" * 64))
        connection.execute(delete(LogTile).where(LogTile.level == 0, LogTile.index == 1))
        connection.execute(update(Event).where(Event.id == ids[300]).values(actor="x"))
    assert [(f.kind, f.ids) for f in verify_log(sqlite_archive)] == [
        (Kind.EVENT_ALTERED, {"position": 300, "event": ids[300]}),
        (Kind.TILE_ALTERED, {"level": 0, "index": 1}),
        (Kind.TILE_ALTERED, {"level": 1, "index": 0}),
    ]


def test_every_kind_has_words() -> None:
    assert set(MESSAGES) == set(Kind)


def test_findings_survive_being_kept(sqlite_archive: Archive) -> None:
    ids = make_log(sqlite_archive)
    assert check_log(sqlite_archive).findings == ()
    with tampering(sqlite_archive) as connection:
        connection.execute(update(Event).where(Event.id == ids[AT]).values(actor="x"))
    check_log(sqlite_archive)
    kept = latest_check(person())
    assert kept is not None
    assert (kept.size, kept.finding_count) == (20, 1)
    assert json.dumps(dict(kept.findings[0].ids)) == json.dumps({"position": AT, "event": ids[AT]})


def test_a_growing_log_is_found_whole_at_every_moment(log_archive: Archive) -> None:
    make_log(log_archive)
    done = threading.Event()

    def grow() -> None:
        for _ in range(15):
            record(log_archive, 3, document="d1")
            sequence(log_archive)
        done.set()

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(grow)
        while not done.is_set() and not growing.done():
            assert verify_log(log_archive) == []
        growing.result()
    assert verify_log(log_archive) == []

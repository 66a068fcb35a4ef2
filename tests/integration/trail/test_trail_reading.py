"""Reading the log: who sees what, filters, paging, custody history, proofs."""

import base64
import hashlib
import json
import time
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import insert, text
from sqlalchemy.event import listen, remove

from archive_app.documents.models import Document
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.events import Event, EventDetail, EventSubject
from archive_app.kernel.feature import Workshop
from archive_app.kernel.health import State
from archive_app.kernel.ids import lowest_id, new_id
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.proof.checkpoint import open_checkpoint
from archive_app.proof.leaf import detail_digest, leaf_hash
from archive_app.proof.merkle import verify_inclusion
from archive_app.proof.note import VerifierKey
from archive_app.trail.checking import check_waits, latest_check, request_check, run_check
from archive_app.trail.errors import EventPendingError
from archive_app.trail.proving import event_proof, latest_checkpoint
from archive_app.trail.reading import EventFilters, document_history, list_events, list_people, read_event
from archive_app.trail.sequencing import sequence
from archive_app.trail.status import log_status, probe_log
from tests.integration.trail.made_log import (
    ORGANISATION,
    OTHER,
    TRIED_TWICE,
    person,
    record,
    tampering,
)

ADMINISTRATOR = (Permission.LOG_READ, Permission.ARCHIVE_LOG_READ)


def ids_of(actor: Actor, **filters: object) -> list[str]:
    found, after = [], None
    while True:
        page = list_events(actor, filters=EventFilters(**filters), after=after)  # type: ignore[arg-type]
        found += [line.id for line in page.items]
        after = page.next_key
        if after is None:
            return found


def test_lines_say_who_did_what_where_in_the_log(log_archive: Archive) -> None:
    record(log_archive, 1, engagement="e1")
    sequence(log_archive)
    record(log_archive, 1)
    waiting, placed = list_events(person(), filters=EventFilters()).items
    assert (waiting.position, placed.position) == (None, 0)
    assert (placed.code, placed.label, placed.actor_name, placed.actor) == ("trial.tried", "Trial", "张p1", "p1")
    assert placed.detail == {"title": "第 0 件", "number": 0, "address": "192.0.2.7"}
    assert read_event(person(), event_id=placed.id) == placed
    assert placed.subjects == {"engagement": "e1", "organisation": ORGANISATION}


def test_words_about_a_document_that_the_reader_may_not_see_are_withheld(log_archive: Archive) -> None:
    [event_id] = record(log_archive, 1, document="d1")
    sequence(log_archive)
    [line] = list_events(person(), filters=EventFilters()).items
    assert (line.detail, line.withheld, line.actor_name) == ({}, True, "张p1")
    proof = event_proof(person(), event_id=event_id)
    assert (proof.detail, proof.salt) == (None, None)


def test_filters_and_pages_give_every_event_once_newest_first(log_archive: Archive) -> None:
    first = record(log_archive, 60, document="d1", engagement="e1")
    second = record(log_archive, 60, person("p2"), document="d2", engagement="e1")
    with log_archive.transaction(person()) as uow:
        third = [uow.record(TRIED_TWICE, {"document": "d1"})]
    assert ids_of(person()) == (first + second + third)[::-1]
    assert ids_of(person(), person="p2") == second[::-1]
    assert ids_of(person(), code="trial.tried_twice") == third
    assert ids_of(person(), document="d1") == (first + third)[::-1]
    assert ids_of(person(), engagement="e1") == (first + second)[::-1]
    assert ids_of(person(), engagement="e1", document="d2", person="p2", code="trial.tried") == second[::-1]
    assert ids_of(person(), document="nothing") == []


def test_dates_are_whole_days_of_the_archives_zone(sqlite_archive: Archive) -> None:
    sqlite_archive.clock.moment = datetime(2026, 3, 1, 15, 59, 59, 990_000, UTC)  # type: ignore[attr-defined]
    [before] = record(sqlite_archive, 1)
    sqlite_archive.clock.moment = datetime(2026, 3, 1, 16, 0, 0, 0, UTC)  # type: ignore[attr-defined]
    [after] = record(sqlite_archive, 1)
    assert ids_of(person(), to_date=date(2026, 3, 1)) == [before]
    assert ids_of(person(), from_date=date(2026, 3, 2)) == [after]
    assert ids_of(person(), from_date=date(2026, 3, 1), to_date=date(2026, 3, 2)) == [after, before]
    assert ids_of(person(), from_date=date.min, to_date=date.max) == [after, before]


def test_a_wrong_page_key_is_refused(sqlite_archive: Archive) -> None:
    with pytest.raises(InvalidInputError):
        list_events(person(), filters=EventFilters(), after="nonsense")


def test_people_see_the_events_of_their_organisation_only(log_archive: Archive) -> None:
    own, theirs = record(log_archive, 2), record(log_archive, 2, person("q1", OTHER))
    of_archive = record(log_archive, 1, Actor.system("worker"))
    assert ids_of(person()) == own[::-1]
    assert ids_of(person("q1", OTHER)) == theirs[::-1]
    assert ids_of(person("p1", ORGANISATION, *ADMINISTRATOR)) == of_archive + own[::-1]
    assert ids_of(Actor.system("operator")) == of_archive + theirs[::-1] + own[::-1]
    with pytest.raises(PermissionMissingError):
        ids_of(person("p1", ORGANISATION, Permission.DOCUMENTS_READ))
    assert list_people(person()) == [("p1", "张p1"), ("p2", "张p2")]


def add_document(archive: Archive, level: int) -> None:
    with tampering(archive) as connection:
        values = {"id": "d1", "engagement_id": "e1", "title": "t", "level": level, "created_at": archive.clock.now()}
        connection.execute(insert(Document).values(values))


def test_the_custody_history_is_for_those_who_see_the_document(log_archive: Archive) -> None:
    add_document(log_archive, level=0)
    ids = record(log_archive, 3, person("p2"), document="d1")
    record(log_archive, 1, document="d2")
    note_denial(log_archive, person(), Permission.DOCUMENTS_READ, {"document": "d1"})
    history = document_history(person("p9", ORGANISATION, Permission.DOCUMENTS_READ), document_id="d1")
    assert [line.id for line in history.items] == ids[::-1]
    assert "address" not in history.items[0].detail


def test_the_custody_history_of_a_hidden_document_is_not_found(sqlite_archive: Archive) -> None:
    add_document(sqlite_archive, level=1)
    for document_id in ("d1", "nothing"):
        with pytest.raises(NotFoundError):
            document_history(person(), document_id=document_id)


def test_a_proof_can_be_checked_with_the_verifier_key_alone(log_archive: Archive) -> None:
    ids = record(log_archive, 300, engagement="e1")
    sequence(log_archive)
    for position in (0, 255, 256, 299):
        proof = json.loads(json.dumps(asdict(event_proof(person(), event_id=ids[position]))))
        key = VerifierKey.decode(proof["verifier_key"])
        checkpoint = open_checkpoint(proof["checkpoint"], key, log_archive.origin)
        leaf = leaf_hash(proof["leaf"].encode())
        path = [base64.b64decode(node) for node in proof["inclusion"]]
        verify_inclusion(proof["position"], checkpoint.size, leaf, path, checkpoint.root)
        content = json.loads(proof["leaf"])
        assert content["event"] == ids[position]
        assert content["detail"] == detail_digest(bytes.fromhex(proof["salt"]), proof["detail"]).hex()


def test_what_waits_or_is_hidden_has_no_proof(sqlite_archive: Archive) -> None:
    [waiting] = record(sqlite_archive, 1)
    with pytest.raises(EventPendingError):
        event_proof(person(), event_id=waiting)
    for ask in (event_proof, read_event):
        with pytest.raises(NotFoundError):
            ask(person("q1", OTHER), event_id=waiting)
    with pytest.raises(NotFoundError):
        event_proof(person(), event_id="nothing")


def test_status_and_probe(sqlite_archive: Archive) -> None:
    assert latest_checkpoint(person()) is None
    record(sqlite_archive, 2)
    sequence(sqlite_archive)
    record(sqlite_archive, 1)
    status = log_status(person())
    assert (status.size, status.pending) == (2, 1)
    newest = latest_checkpoint(person())
    assert newest is not None
    assert newest.note == (sqlite_archive.data_directory / "checkpoint").read_text()
    with sqlite_archive.reading(Actor.system("test")) as uow:
        assert [line.state for line in probe_log(uow)] == [State.GOOD, State.WATCH]
    sqlite_archive.clock.moment = datetime(2026, 3, 2, tzinfo=UTC)  # type: ignore[attr-defined]
    with sqlite_archive.reading(Actor.system("test")) as uow:
        assert [line.state for line in probe_log(uow)] == [State.BAD, State.WATCH]


def test_a_requested_check_is_run_and_shown(sqlite_archive: Archive) -> None:
    record(sqlite_archive, 2)
    sequence(sqlite_archive)
    request_check(person())
    request_check(person())
    assert check_waits(person())
    with sqlite_archive.transaction(Actor.system("worker"), eventless=True) as uow:
        [job] = uow.session.query(Job).all()
        uow.session.delete(job)
    run_check(Workshop(sqlite_archive), job)
    assert not check_waits(person())
    check = latest_check(person())
    assert check is not None
    assert (check.size, check.finding_count) == (2, 0)
    with sqlite_archive.reading(Actor.system("test")) as uow:
        assert [line.state for line in probe_log(uow)] == [State.GOOD, State.GOOD]
    codes = [line.code for line in list_events(Actor.system("operator"), filters=EventFilters()).items]
    assert codes[:2] == ["log.checked", "log.check_requested"]


def fill(archive: Archive, count: int) -> None:
    """Many events in one go, of two people and five documents; every thousandth belongs to another organisation."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    events, subjects, details = [], [], []
    salt, words = b"s" * 32, "{}"
    digest = hashlib.sha256(salt + words.encode()).digest()
    for number in range(count):
        moment = datetime.fromtimestamp(now.timestamp() + number, UTC)
        event_id = new_id(moment)
        actor, code = ("p1", "trial.tried") if number % 2 else ("p2", "trial.tried_twice")
        events.append((event_id, code, moment, actor, "web", digest))
        organisation = OTHER if number % 1000 == 0 else ORGANISATION
        subjects += [(event_id, "organisation", organisation), (event_id, "document", f"d{number % 5}")]
        details.append((event_id, salt, words))
    with tampering(archive) as connection:
        for table, names, rows in (
            (Event, ("id", "code", "occurred_at", "actor", "via", "detail_digest"), events),
            (EventSubject, ("event_id", "kind", "subject_id"), subjects),
            (EventDetail, ("event_id", "salt", "detail"), details),
        ):
            connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        connection.execute(text("INSERT INTO event_pending (event_id) SELECT id FROM event"))


def test_a_long_log_is_read_quickly_by_everybody(sqlite_archive: Archive) -> None:
    fill(sqlite_archive, 20_000)
    everything = {"p1": {}, "rare organisation": {}, "person": {"person": "p1"}, "code": {"code": "trial.tried"}}
    more = {"document": {"document": "d1"}, "document and person": {"document": "d1", "person": "p1"}}
    dates = {"dates": {"from_date": date(2026, 1, 1), "to_date": date(2026, 1, 1), "person": "p2"}}
    took = {}
    for name, filters in {**everything, **more, **dates}.items():
        actor = person("q1", OTHER) if name == "rare organisation" else person()
        start = time.perf_counter()
        assert list_events(actor, filters=EventFilters(**filters)).items  # type: ignore[arg-type]
        took[name] = time.perf_counter() - start
    print({name: f"{seconds * 1000:.1f} ms" for name, seconds in took.items()})
    assert max(took.values()) < 0.5


def test_lists_are_never_sorted(sqlite_archive: Archive) -> None:
    """SQLite says "TEMP B-TREE" where it has to sort; then a page would cost as much as the whole log."""
    record(sqlite_archive, 3, document="d1", engagement="e1")
    plans: list[str] = []
    statements: list[tuple[str, object]] = []

    def keep(_c: object, _u: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    listen(sqlite_archive.engine, "before_cursor_execute", keep)
    for filters in (
        {},
        {"person": "p1"},
        {"code": "trial.tried"},
        {"document": "d1"},
        {"engagement": "e1", "person": "p1"},
    ):
        list_events(person(), filters=EventFilters(**filters))  # type: ignore[arg-type]
    remove(sqlite_archive.engine, "before_cursor_execute", keep)
    with sqlite_archive.engine.connect() as connection:
        for statement, parameters in [pair for pair in statements if "ORDER BY" in pair[0]]:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            plans += [row[3] for row in rows]
    assert plans
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]


def test_the_lowest_id_divides_times() -> None:
    moment = datetime(2026, 3, 1, 16, 0, 0, 123_000, UTC)
    earlier = datetime(2026, 3, 1, 16, 0, 0, 122_999, UTC)
    assert new_id(earlier) < lowest_id(moment) <= new_id(moment)

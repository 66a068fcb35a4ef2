"""No change without an event, and never one unit of work inside another."""

import ast
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import AnonymousDenials
from archive_app.kernel.events import Event, EventType
from archive_app.kernel.unit_of_work import UnitOfWork
from tests.architecture.house import PRODUCT, called, calls, enclosing, listing, place, sources, tree
from tests.conftest import both_databases

TESTER = Actor.system("test")
HAPPENED = EventType("test.happened", "Happened")
MINUTE = datetime(2026, 1, 1, tzinfo=UTC)

# What the archive does to its own records, without an act of anybody. Each says why no event is lost.
EVENTLESS = {
    "archive_app/casework/nonconformities/bringing.py:bring_evidence": "bytes that were there; a new file is an event",
    "archive_app/casework/records/proposing.py:propose_about": "a proposal of the archive; confirming it is the event",
    "archive_app/casework/requests/bringing.py:announce_file": "an offer of a file; bringing it is the event",
    "archive_app/casework/requests/opening.py:_ask_leader": "asked for once more; the first time is an event",
    "archive_app/casework/requests/opening.py:actor_of_request": "when a session was last used, to the minute",
    "archive_app/casework/requests/reminding.py:_remind_of": "a task that nothing is owed for; what was brought is",
    "archive_app/casework/requests/reminding.py:remind": "a look at what is due; each reminder is an event",
    "archive_app/management/controlled/acknowledging.py:remind": "tasks that follow from an issue, the event",
    "archive_app/management/controlled/periodic_review.py:remind": "tasks of reviews, which are events",
    "archive_app/management/controlled/watching.py:remind": "tasks to look for a new edition; the look is the event",
    "archive_app/management/disclosure/public.py:open_public": "one more download of what is public, by nobody known",
    "archive_app/documents/checking.py:keep_result": "the date of a check; a fault it finds is an event",
    "archive_app/documents/index_key.py:index_key": "the key of an index that can be made anew",
    "archive_app/documents/looking.py:kept_picture": "a picture kept for the next look; the look itself is an event",
    "archive_app/documents/parts.py:_read_part": "text derived from a filed version; filing it was the event",
    "archive_app/documents/parts.py:kept_part_picture": "a picture kept for the next look; the look itself is an event",
    "archive_app/documents/parts.py:read_parts": "which step of reading comes next",
    "archive_app/documents/reading.py:put_together": "text derived from a filed version; filing it was the event",
    "archive_app/documents/reading.py:read_version": "text derived from a filed version; filing it was the event",
    "archive_app/documents/recognising.py:_keep": "text derived from a filed version; filing it was the event",
    "archive_app/documents/recognising.py:recognise_version": "which step of reading comes next",
    "archive_app/documents/rereading.py:hand_on": "portions of a run; asking for the run was the event",
    "archive_app/documents/resuming.py:_drop": "parts that arrived wrong; refusing the file is the event",
    "archive_app/documents/resuming.py:_keep": "a part of an offered file; taking or refusing the whole is the event",
    "archive_app/documents/resuming.py:forget_parts": "parts of a file that was never finished",
    "archive_app/documents/rotation.py:_rewrap_secrets": "part of a rotation, which ends with its event",
    "archive_app/documents/rotation.py:_rewrap_all": "batches of a rotation, which records one event at its end",
    "archive_app/documents/saved_searches.py:open_search": "when a saved search was last opened",
    "archive_app/documents/uploads.py:announced": "an offer of a file; taking or refusing it is the event",
    "archive_app/documents/uploads.py:compare": "parts of a file that changed since; the offer itself goes on",
    "archive_app/documents/uploads.py:clear_list": "a list on the screen; what was filed or refused stays in the log",
    "archive_app/engagements/abilities/warning.py:warn": "tasks that follow from dates; recording them is the event",
    "archive_app/filing/examining.py:_finish": "a submission that is checked once more; how that ends is the event",
    "archive_app/filing/examining.py:_keep": "how far the checks came; how they end is the event",
    "archive_app/identity/access_tokens.py:_note_used": "when a token was last used, to the minute",
    "archive_app/identity/delays.py:reserve_try": "the clock of sign-in delays; the refused sign-in is an event",
    "archive_app/identity/sessions.py:_note_seen": "when a session was last seen, to the minute",
    "archive_app/identity/tidying.py:tidy": "rows that ended a month ago; their events stay",
    "archive_app/intake/inbox/watching.py:_keep_state": "how a folder is doing; taking a file is an event",
    "archive_app/intake/inbox/watching.py:begin": "the state of folders that the settings no longer name",
    "archive_app/intake/registers/bringing.py:choose_sheet": "another sheet; naming its columns is the event",
    "archive_app/intake/registers/filing.py:_file_or_refuse": "a row settled by somebody else; that was the event",
    "archive_app/intake/registers/filing.py:_tell_progress": "how far a filing is; each row that is filed is an event",
    "archive_app/intake/registers/loading.py:_give_up": "back to the columns; nothing was taken over",
    "archive_app/intake/registers/loading.py:_portion": "portions of a check, which records one event at its end",
    "archive_app/intake/registers/loading.py:load_rows": "which run reads a register now",
    "archive_app/intake/registers/undoing.py:undo_rows": "why a row could not be taken back; the row stays as it was",
    "archive_app/management/laws/report.py:file_report": "the library of an organisation; filing in it is the event",
    "archive_app/management/laws/waiting.py:look_through": "tasks that follow from dates; recording them is the event",
    "archive_app/management/recurring/falling_due.py:fall_due": "times of a duty; taking it on was the event",
    "archive_app/kernel/answered.py:keep": "the answer to a write, which has recorded its event by then",
    "archive_app/kernel/answered.py:release": "a key that is free again; nothing was changed under it",
    "archive_app/kernel/answered.py:renew": "the lease of a write that goes on",
    "archive_app/kernel/answered.py:reserve": "the lease of a write that begins; the write itself is the event",
    "archive_app/kernel/denials.py:note_denial": "unknown callers are counted by the minute, not logged singly",
    "archive_app/trail/sequencing.py:_place_batch": "gives events their places in the log",
    "archive_app/worker.py:_attempt": "a job that goes on later",
    "archive_app/worker.py:_settle": "leases and results of jobs; what a job does records its own events",
    "archive_app/worker.py:plan_periodic": "the plan of periodic jobs",
    "archive_app/worker.py:run_once": "leases of jobs",
    "archive_app/worklist/calendar.py:count_anew": "days that are counted anew; entering the calendar was the event",
    "archive_app/worklist/posting.py:_move": "how far a notice is on its way; what it tells of is the event",
    "archive_app/worklist/posting.py:_post_next": "the lease of a notice",
    "archive_app/worklist/posting.py:settle_broken": "notices that were left in the middle, and codes that expired",
    "archive_app/worklist/telling.py:tell_digests": "notices of what waits; opening it was the event",
    "archive_app/worklist/telling.py:tell_of_overdue": "notices of what waits; opening it was the event",
    "archive_app/worklist/telling.py:tell_of_task": "notices of what waits; opening it was the event",
}
BELOW_THE_UNIT = {
    "archive_app/documents/rotation.py:_rewrap_rows": "many rows in one statement, inside an eventless unit",
    "archive_app/trail/verification.py:_freeze": "asks for one consistent view before reading; writes nothing",
}

KEPT_FOR_EVER = {"Person", "Organisation", "Assignment"}
"""What events refer to: it ends, is closed or renamed, and never goes."""

CHANGES: dict[str, Callable[[UnitOfWork], object]] = {
    "a new row": lambda uow: uow.session.add(AnonymousDenials(minute=MINUTE, permission="b", count=1)),
    "a changed row": lambda uow: setattr(uow.session.get_one(AnonymousDenials, (MINUTE, "a")), "count", 9),
    "a removed row": lambda uow: uow.session.delete(uow.session.get_one(AnonymousDenials, (MINUTE, "a"))),
    "an INSERT": lambda uow: uow.session.execute(
        insert(AnonymousDenials).values(minute=MINUTE, permission="b", count=1)
    ),
    "an UPDATE": lambda uow: uow.session.execute(update(AnonymousDenials).values(count=9)),
    "a DELETE": lambda uow: uow.session.execute(delete(AnonymousDenials)),
    "plain SQL": lambda uow: uow.session.execute(text("DELETE FROM anonymous_denials")),
    "a job": lambda uow: uow.enqueue("test.job", ""),
}


@pytest.fixture
def kept(archive: Archive) -> Callable[[], object]:
    """Reads everything that the changes could touch; one row is there from the start."""
    with archive.transaction(TESTER, eventless=True) as uow:
        uow.session.add(AnonymousDenials(minute=MINUTE, permission="a", count=1))

    def read() -> object:
        with archive.reading(TESTER) as uow:
            rows = uow.session.execute(select(AnonymousDenials.permission, AnonymousDenials.count)).all()
            return (
                rows,
                uow.session.scalar(select(func.count(Event.id))),
                uow.session.scalar(text("SELECT count(*) FROM job")),
            )

    return read


@both_databases
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_kept_with_its_event_and_undone_without(
    archive: Archive, kept: Callable[[], object], change: Callable[[UnitOfWork], object]
) -> None:
    before = kept()
    with pytest.raises(RuntimeError, match="recorded no event"), archive.transaction(TESTER) as uow:
        change(uow)
    assert kept() == before
    with archive.reading(TESTER) as uow:
        change(uow)
    assert kept() == before
    with archive.transaction(TESTER) as uow:
        change(uow)
        uow.record(HAPPENED, {})
    assert kept() != before


def test_a_unit_that_changed_nothing_needs_no_event(archive: Archive, kept: Callable[[], object]) -> None:
    before = kept()
    with archive.transaction(TESTER) as uow:
        uow.session.scalars(select(AnonymousDenials)).all()
    assert kept() == before


def test_a_reading_unit_records_nothing(archive: Archive, kept: Callable[[], object]) -> None:
    before = kept()
    with pytest.raises(RuntimeError, match="reading"), archive.reading(TESTER) as uow:
        uow.record(HAPPENED, {})
    assert kept() == before


@pytest.mark.timeout(30)  # allowed to nest, the second would wait for the first for ever
def test_a_unit_inside_another_is_refused_and_both_are_undone(archive: Archive, kept: Callable[[], object]) -> None:
    def nest() -> None:
        with archive.transaction(TESTER) as uow:
            uow.record(HAPPENED, {})
            with archive.transaction(TESTER):
                pytest.fail("the inner unit was opened")

    before = kept()
    with pytest.raises(RuntimeError, match="inside another"):
        nest()
    assert kept() == before
    with archive.transaction(TESTER) as uow:
        uow.record(HAPPENED, {})
    assert kept() != before


def test_what_events_refer_to_is_never_deleted() -> None:
    """Neither row by row nor by a statement, in the language of the ORM or in plain SQL."""
    tables = {"person", "organisation", "assignment"}
    plain = re.compile(rf"delete\s+from\s+\"?({'|'.join(tables)})\b", re.IGNORECASE)
    wrong = []
    for path in sources(*PRODUCT):
        for call in calls(tree(path)):
            below = [node for argument in call.args for node in ast.walk(argument)]
            words = {node.id for node in below if isinstance(node, ast.Name)}
            words |= {node.attr for node in below if isinstance(node, ast.Attribute)}
            named = {word.lower() for word in words} & tables | words & KEPT_FOR_EVER
            if called(call) == "delete" and (named or ast.unparse(call.func).partition(".")[0] in KEPT_FOR_EVER):
                wrong.append(f"{place(path)}:{call.lineno} deletes {listing(named)}")
        wrong += [
            f"{place(path)}:{node.lineno} deletes by plain SQL"
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and plain.search(node.value)
        ]
    assert not wrong, f"end it, close it, and keep the row:{listing(wrong)}"


def test_what_needs_no_event_is_on_one_list() -> None:
    found = _places(lambda call: called(call) == "bookkeeping" or any(k.arg == "eventless" for k in call.keywords))
    found -= {"archive_app/kernel/archive.py:transaction"}
    unknown, gone = found - EVENTLESS.keys(), EVENTLESS.keys() - found
    assert not unknown, f"record an event, or add the place to EVENTLESS and say why none is lost:{listing(unknown)}"
    assert not gone, f"take these off the list EVENTLESS:{listing(gone)}"


def test_nobody_reaches_below_the_unit_of_work_unseen() -> None:
    """A unit notices what goes through its session; a bare connection would slip past it."""
    found = _places(lambda call: ast.unparse(call.func).endswith("session.connection"))
    unknown, gone = found - BELOW_THE_UNIT.keys(), BELOW_THE_UNIT.keys() - found
    assert not unknown, f"use session.execute, which the unit of work sees:{listing(unknown)}"
    assert not gone, f"take these off the list BELOW_THE_UNIT:{listing(gone)}"


def _places(matches: Callable[[ast.Call], bool]) -> set[str]:
    return {
        where
        for path in sources(*PRODUCT)
        for where in enclosing(path, [call for call in calls(tree(path)) if matches(call)])
    }

"""Issuing: from when, who is told, whom it does not reach, and that two do not do it at once nor half of it."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from archive_app.documents.models import Document
from archive_app.identity.accounts import deactivate, reactivate
from archive_app.identity.granting import grant_roles, propose_roles
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import (
    ArchiveError,
    ConfirmationRequiredError,
    ConflictError,
    InvalidInputError,
    NotFoundError,
)
from archive_app.kernel.feature import Workshop
from archive_app.kernel.levels import Level
from archive_app.kernel.outbox import Job
from archive_app.management.controlled import issuing
from archive_app.management.controlled.acknowledging import ReaderLine, acknowledge, list_readers, remind
from archive_app.management.controlled.distributing import change_distribution, list_recipients
from archive_app.management.controlled.drafting import add_file, revise
from archive_app.management.controlled.issuing import issue_edition, open_in_force, recall_issue, take_effect
from archive_app.management.controlled.models import Acknowledgement, ControlledDocument, Edition
from archive_app.management.controlled.rules import WrongStateError
from archive_app.worklist.models import Task
from tests.conftest import SetClock, both_databases, both_databases_in_full
from tests.controlled import Cast, approve_edition, controlled_cast, drafted_document, issued_document, next_edition
from tests.factories import People

TESTER = Actor.system("test")
NO_JOB = Job(kind="", subject_id="")


def waiting(archive: Archive, kind: str) -> list[tuple[str | None, str | None, date]]:
    """Whom tasks of the kind wait for (a person or a permission), and by which day."""
    with archive.reading(TESTER) as uow:
        tasks = select(Task).where(Task.kind == f"management.{kind}", Task.closed_at.is_(None)).order_by(Task.id)
        return [(task.person_id, task.permission, task.due_on) for task in uow.session.scalars(tasks)]


def readers(person: Actor, edition_id: str) -> dict[str, ReaderLine]:
    """Who is to read an edition, by name."""
    return {line.person.display_name: line for line in list_readers(person, edition_id=edition_id).items}


def at_once(archive: Archive, acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the acts return or are refused with, begun at the same moment."""
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait(timeout=20)
        with archive.activate():
            try:
                return act()
            except ArchiveError as refused:
                return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@both_databases
def test_from_its_day_on_and_not_before(archive: Archive, people: People, clock: SetClock) -> None:
    first = issued_document(people)
    cast = first.cast
    made = next_edition_for(first.controlled_id, cast)
    monday = archive.today() + timedelta(days=2)
    with pytest.raises(InvalidInputError):
        issue_edition(cast.controller, edition_id=made, effective_on=archive.today() - timedelta(days=1))
    with pytest.raises(InvalidInputError):
        issue_edition(cast.controller, edition_id=made, effective_on=archive.today() + timedelta(days=2 * 366))
    with pytest.raises(ConfirmationRequiredError):
        issue_edition(replace(cast.controller, confirmed_at=None), edition_id=made, effective_on=monday)
    later = issue_edition(cast.controller, edition_id=made, effective_on=monday)
    assert (later.in_force, later.told, later.edition.state) == (False, (), "approved")
    assert open_in_force(cast.reader, controlled_id=first.controlled_id).document_id == first.document_id
    with archive.reading(cast.reader) as uow:
        assert not archive.policy.allows(uow.session, cast.reader, "document", later.edition.document_id or "")

    recall_issue(cast.controller, edition_id=made)
    issue_edition(cast.controller, edition_id=made, effective_on=monday)
    clock.advance(days=1)
    take_effect(Workshop(archive), NO_JOB)
    assert open_in_force(cast.reader, controlled_id=first.controlled_id).document_id == first.document_id
    clock.advance(days=1)
    with pytest.raises(ConflictError):
        recall_issue(cast.controller, edition_id=made)
    # Nobody wrote it down yet: the day decides, not the worker.
    opened = open_in_force(cast.reader, controlled_id=first.controlled_id)
    assert opened.document_id == later.edition.document_id
    with archive.reading(TESTER) as uow:
        rows = uow.session.execute(select(Edition.state, Edition.on_the_way).order_by(Edition.ordinal)).all()
        of_editions = select(Document.control).join(Edition, Edition.document_id == Document.id)
        controls = uow.session.scalars(of_editions.order_by(Edition.ordinal)).all()
        row = uow.session.scalars(select(ControlledDocument)).one()
    assert ([tuple(one) for one in rows], controls) == (
        [("superseded", False), ("in_force", False)],
        ["superseded", "in_force"],
    )
    assert (row.in_force_id, row.reviewed_on, row.review_on) == (made, monday, date(2027, 11, 23))
    # The clock goes back: what took effect stays in effect.
    clock.advance(days=-3)
    take_effect(Workshop(archive), NO_JOB)
    assert open_in_force(cast.reader, controlled_id=first.controlled_id).document_id == later.edition.document_id


def next_edition_for(controlled_id: str, cast: Cast) -> str:
    """A further edition that is approved and waits to be issued."""
    edition = revise(cast.author, controlled_id=controlled_id, change_note="修订")
    add_file(cast.author, edition_id=edition.id, stream=io.BytesIO("第二版".encode()), name="程序.txt")
    approve_edition(cast, edition.id)
    return edition.id


@both_databases
def test_only_what_is_approved_is_issued_and_once(archive: Archive, people: People) -> None:
    cast = controlled_cast(people)
    _controlled, edition_id = drafted_document(cast)
    with pytest.raises(WrongStateError):
        issue_edition(cast.controller, edition_id=edition_id)
    approve_edition(cast, edition_id)
    other = people.person("quality_manager", name="质量负责人")
    done = at_once(
        archive,
        [lambda: issue_edition(who, edition_id=edition_id) for who in (cast.controller, other)],  # noqa: B023
    )
    refused = [one for one in done if isinstance(one, ArchiveError)]
    assert [type(one) for one in refused] == [WrongStateError]
    with archive.reading(TESTER) as uow:
        assert uow.session.scalars(select(Edition.state)).all() == ["in_force"]


@both_databases_in_full
def test_a_crash_between_leaves_nothing_half_done(
    archive: Archive, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = issued_document(people)
    made = next_edition_for(first.controlled_id, first.cast)
    change_distribution(first.cast.controller, controlled_id=first.controlled_id, roles=["staff_member"])

    def broken(*_args: object) -> None:
        raise KeyboardInterrupt

    for place in ("set_review_day", "expand", "tell"):
        with monkeypatch.context() as patch:
            patch.setattr(issuing, place, broken)
            with pytest.raises(KeyboardInterrupt):
                issue_edition(first.cast.controller, edition_id=made)
        with archive.reading(TESTER) as uow:
            assert uow.session.scalars(select(Edition.state).order_by(Edition.ordinal)).all() == [
                "in_force",
                "approved",
            ]
            assert set(uow.session.scalars(select(Document.control))) == {"in_force", "draft"}
        assert open_in_force(first.cast.reader, controlled_id=first.controlled_id).document_id == first.document_id
    issued = issue_edition(first.cast.controller, edition_id=made)
    assert (issued.in_force, len(issued.told)) == (True, 3)


@both_databases
def test_a_distribution_list_with_a_dead_account(archive: Archive, people: People, clock: SetClock) -> None:
    cast = controlled_cast(people)
    gone, low = people.person("staff_member", name="已离职"), people.person("staff_member", name="新人")
    officer, administrator = people.person("security_officer"), people.person("system_administrator")
    controlled_id, edition_id = drafted_document(cast)
    approve_edition(cast, edition_id)
    named = [gone.person_id or "", cast.reader.person_id or ""]
    change_distribution(cast.controller, controlled_id=controlled_id, people=named, roles=["verifier"])
    deactivate(administrator, person_id=gone.person_id or "")
    deactivate(administrator, person_id=cast.approver.person_id or "")
    [line] = [one for one in list_recipients(cast.controller, controlled_id=controlled_id) if one.reason]
    assert (line.person and line.person.display_name, line.reason) == ("已离职", "This account is closed.")
    issued = issue_edition(cast.controller, edition_id=edition_id)
    assert [person.display_name for person in issued.told] == ["使用人"]
    assert [(person.display_name, reason) for person, reason in issued.unreached] == [("已离职", "inactive")]
    assert [person.display_name for person in issued.approvers_left] == ["批准人"], "the approval stands, and is named"
    assert waiting(archive, "to_read") == [(cast.reader.person_id, None, date(2026, 11, 27))]
    for wrong in (gone.person_id or "", people.person("staff_member", organisation="别家").person_id or "", "nobody"):
        with pytest.raises(InvalidInputError):
            change_distribution(cast.controller, controlled_id=controlled_id, people=[wrong])
    with pytest.raises(InvalidInputError):
        change_distribution(cast.controller, controlled_id=controlled_id, roles=["client_contact"])

    # Added while it is in force, by name and by a role that somebody comes to hold.
    added = change_distribution(cast.controller, controlled_id=controlled_id, people=[low.person_id or ""])
    assert [person.display_name for person in added.told] == ["新人"]
    propose_roles(administrator, person_id=cast.author.person_id or "", roles=["staff_member", "verifier"])
    assert "起草人" not in readers(cast.controller, edition_id), "a role that is proposed is not held"
    grant_roles(officer, person_id=cast.author.person_id or "", roles=["verifier"])
    assert readers(cast.controller, edition_id)["起草人"].acknowledgement.state == "waiting"

    # Somebody leaves before reading, and is not waited for; they stay in the list under their name.
    deactivate(administrator, person_id=low.person_id or "")
    left = readers(cast.controller, edition_id)["新人"]
    assert (left.acknowledgement.state, left.left) == ("void", True)
    assert low.person_id not in {task[0] for task in waiting(archive, "to_read")}
    # They come back, with their role granted anew, and are asked anew.
    reactivate(administrator, person_id=low.person_id or "")
    assert readers(cast.controller, edition_id)["新人"].acknowledgement.state == "void"
    grant_roles(officer, person_id=low.person_id or "", roles=["staff_member"])
    assert readers(cast.controller, edition_id)["新人"].acknowledgement.state == "waiting"


@both_databases_in_full
def test_reading_and_not_reading(archive: Archive, people: People, clock: SetClock) -> None:
    cast = controlled_cast(people)
    late = people.person("staff_member", name="迟到")
    made = issued_document(people, cast, to=[cast.reader, late])
    acknowledge(cast.reader, edition_id=made.edition_id)
    acknowledge(cast.reader, edition_id=made.edition_id)
    with pytest.raises(NotFoundError):
        acknowledge(cast.controller, edition_id=made.edition_id)
    assert [task[0] for task in waiting(archive, "to_read")] == [late.person_id]
    clock.advance(days=6)  # Friday 27 November is the fifth working day, and the last on which it is in time.
    remind(Workshop(archive), NO_JOB)
    assert waiting(archive, "acknowledgements_overdue") == []
    clock.advance(days=1)
    for _twice in range(2):
        remind(Workshop(archive), NO_JOB)
        assert [task[0] for task in waiting(archive, "acknowledgements_overdue")] == [cast.author.person_id]
    overdue = list_readers(cast.controller, edition_id=made.edition_id, state="overdue").items
    assert [(line.person.display_name, line.overdue) for line in overdue] == [("迟到", True)]
    acknowledge(late, edition_id=made.edition_id)
    assert waiting(archive, "acknowledgements_overdue") == [] == waiting(archive, "to_read")

    # The next edition is read anew; what nobody needs to read any more is void, and cannot be acknowledged.
    second = next_edition(people, made)
    third = next_edition(people, second)
    with pytest.raises(ConflictError):
        acknowledge(late, edition_id=second.edition_id)
    with archive.reading(TESTER) as uow:
        states = uow.session.execute(select(Acknowledgement.edition_id, Acknowledgement.state).distinct()).all()
    assert {row[0]: row[1] for row in states} == {
        made.edition_id: "read", second.edition_id: "void", third.edition_id: "waiting",
    }  # fmt: skip
    # An owner who left has nobody told but those who control documents.
    deactivate(people.person("system_administrator"), person_id=cast.author.person_id or "")
    clock.advance(days=20)
    remind(Workshop(archive), NO_JOB)
    assert waiting(archive, "acknowledgements_overdue")[0][:2] == (None, "organisation:controlled:manage")


def test_whoever_does_not_see_its_level_is_not_asked(archive: Archive, people: People) -> None:
    cast = controlled_cast(people)
    manager = people.person("quality_manager", name="质量负责人")
    cast = replace(cast, author=people.person("verifier"), approver=manager)
    made = issued_document(people, cast, level=Level.SENSITIVE, roles=["staff_member", "team_leader"])
    leader = people.person("team_leader", name="组长")
    assert readers(manager, made.edition_id) == {}
    with pytest.raises(InvalidInputError):
        change_distribution(manager, controlled_id=made.controlled_id, people=[cast.reader.person_id or ""])
    # Whoever is there since then, and nobody asked: the worker does.
    remind(Workshop(archive), NO_JOB)
    assert set(readers(manager, made.edition_id)) == {"组长"}
    assert waiting(archive, "to_read")[0][0] == leader.person_id

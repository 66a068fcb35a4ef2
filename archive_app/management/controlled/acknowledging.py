"""Read and acknowledged 阅读确认: whoever an edition is distributed to reads it and says so, in time or reminded.

Somebody who leaves before they read is not waited for any longer, and stays in the list under their name.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, Select, func, select, update

from archive_app.identity.granting import ROLES_MOVED
from archive_app.identity.models import Person, PersonRole
from archive_app.identity.roles import highest_level_of, permissions_of
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ConflictError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.management.colleagues import roles_of_many
from archive_app.management.controlled.in_use import called, document_of, locked_row, open_for_owner
from archive_app.management.controlled.models import Acknowledgement, ControlledDocument, Edition, Recipient
from archive_app.management.controlled.rules import subjects
from archive_app.management.one_by_one import one_by_one
from archive_app.worklist.calendar import after_calendar_change, working_days
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import NEEDLESS, Addressee, close_tasks, open_task

ACKNOWLEDGE_JOB = "management.acknowledge"
ACKNOWLEDGE_EVERY_SECONDS = 1800
ACKNOWLEDGED = event_type("controlled.acknowledged", N_("Controlled document read and acknowledged"))
TO_READ = task_kind(
    "management.to_read",
    N_("Read a controlled document and acknowledge it"),
    why=N_("It was distributed to you"),
    endpoint="controlled_life.reading_page",
    subject_argument="edition_id",
)
OVERDUE = task_kind(
    "management.acknowledgements_overdue",
    N_("See to it that a controlled document is read"),
    why=N_("You own this controlled document, or control your organisation's documents"),
    endpoint="controlled_life.readers_page",
    subject_argument="edition_id",
)
STATES = {"waiting": N_("Not read yet"), "read": N_("Read"), "void": N_("Not needed any more")}
_SYSTEM = Actor.system("controlled")


@dataclass(frozen=True)
class Reached:
    """Who was asked to read now, and who stands on the list and cannot: each with the code of the reason (inactive,
    below_level)."""

    told: Sequence[Person] = ()
    unreached: Sequence[tuple[Person, str]] = field(default=())


@dataclass(frozen=True)
class ReaderLine:
    """Somebody who is to read an edition. `overdue` when the day is past; `left` when their account is closed."""

    acknowledgement: Acknowledgement
    person: Person
    overdue: bool

    @property
    def left(self) -> bool:
        """Whether nobody is waited for because the person left."""
        return not self.person.active


def tell(
    uow: UnitOfWork, controlled: ControlledDocument, edition: Edition, people: Iterable[Person]
) -> Sequence[Person]:
    """A step: asks people to read an edition that is in force, by a day; returns those who were not asked before."""
    due = working_days(uow).after(uow.archive.today(), uow.archive.rules.controlled.read_days)
    asked = select(Acknowledgement).where(Acknowledgement.edition_id == edition.id)
    known = {row.person_id: row for row in uow.session.scalars(asked)}
    told = []
    for person in people:
        row = known.get(person.id)
        # Somebody who left before reading and came back is asked anew.
        if row is not None and row.state != "void":
            continue
        if row is None:
            row = Acknowledgement(edition_id=edition.id, person_id=person.id)
            uow.session.add(row)
        row.state, row.due_on, row.told_at, row.read_at = "waiting", due.on, uow.now, None
        open_task(
            uow,
            TO_READ,
            to=Addressee(person_id=person.id),
            subject_id=edition.id,
            organisation_id=controlled.organisation_id,
            about=called(controlled),
            due=due,
        )
        told.append(person)
    return told


def void_waiting(uow: UnitOfWork, edition_id: str) -> None:
    """A step: nobody has to read an edition any more that is not in force any more."""
    waiting = update(Acknowledgement).where(
        Acknowledgement.edition_id == edition_id, Acknowledgement.state == "waiting"
    )
    uow.session.execute(waiting.values(state="void"))
    close_tasks(uow, TO_READ, subject_id=edition_id, outcome=NEEDLESS)
    close_tasks(uow, OVERDUE, subject_id=edition_id, outcome=NEEDLESS)


@use_case(Permission.CONTROLLED_READ)
def acknowledge(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Acknowledgement:
    """Confirms that the actor read the edition; the second time nothing happens.

    Raises: NotFoundError, also for whoever was not asked; ConflictError for an edition that is not in force any more.
    """
    controlled = document_of(uow, edition_id)
    own = (edition_id, actor.person_id or "")
    row = uow.session.get(Acknowledgement, own, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError
    if row.state == "read":
        return row
    if row.state == "void":
        raise ConflictError
    row.state, row.read_at = "read", uow.now
    close_tasks(uow, TO_READ, subject_id=edition_id, person_id=row.person_id)
    settle_overdue(uow, edition_id)
    uow.record(ACKNOWLEDGED, {**subjects(controlled), "edition": edition_id}, late=row.due_on < uow.archive.today())
    return row


@query(Permission.CONTROLLED_READ)
def own_acknowledgement(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Acknowledgement | None:
    """Whether the actor was asked to read the edition, and did; None for whoever was not. Raises: NotFoundError."""
    uow.require("edition", edition_id)
    return uow.session.get(Acknowledgement, (edition_id, actor.person_id or ""))


@query(Permission.CONTROLLED_READ)
def list_readers(
    actor: Actor, uow: UnitOfWork, *, edition_id: str, state: str = "", after: str | None = None, limit: int = PAGE_SIZE
) -> Page[ReaderLine]:
    """Who is to read an edition, and who did; `state` is one of STATES, or overdue. Raises: NotFoundError."""
    uow.require("edition", edition_id)
    today = uow.archive.today()
    statement = select(Acknowledgement, Person).join(Person, Person.id == Acknowledgement.person_id)
    statement = statement.where(Acknowledgement.edition_id == edition_id)
    if state == "overdue":
        statement = statement.where(Acknowledgement.state == "waiting", Acknowledgement.due_on < today)
    elif state:
        statement = statement.where(Acknowledgement.state == state)
    page = fetch_page(uow.session, statement, [Acknowledgement.person_id], after=after, limit=limit)
    lines = [ReaderLine(row[0], row[1], _is_overdue(row[0], today)) for row in page.items]
    return Page(lines, page.next_key)


def _is_overdue(row: Acknowledgement, today: date) -> bool:
    return row.state == "waiting" and row.due_on < today


def count_readers(uow: UnitOfWork, edition_id: str) -> dict[str, int]:
    """A step: how many people of an edition there are by state, and how many are overdue."""
    states = select(Acknowledgement.state, func.count()).where(Acknowledgement.edition_id == edition_id)
    counted = {row[0]: row[1] for row in uow.session.execute(states.group_by(Acknowledgement.state))}
    return {**dict.fromkeys(STATES, 0), **counted, "overdue": _overdue_of(uow, edition_id)}


def settle_overdue(uow: UnitOfWork, edition_id: str) -> None:
    """A step: the task about those who are late is done when nobody is late any more."""
    uow.session.flush()
    if not _overdue_of(uow, edition_id):
        close_tasks(uow, OVERDUE, subject_id=edition_id)


def _overdue_of(uow: UnitOfWork, edition_id: str) -> int:
    late = select(func.count()).where(Acknowledgement.edition_id == edition_id, *_late(uow.archive.today()))
    return uow.session.scalar(late) or 0


def _late(today: date) -> tuple[ColumnElement[bool], ...]:
    return (Acknowledgement.state == "waiting", Acknowledgement.due_on < today)


# What the worker does, and what follows from changes of accounts.


def remind(workshop: Workshop, _job: Job) -> None:
    """Tells owners of what was not read in time, and asks those whom a distribution list means and nobody asked yet.
    Idempotent."""
    archive = workshop.archive
    with archive.reading(_SYSTEM) as uow:
        told = select(Task.subject_id).where(Task.kind == OVERDUE.code, Task.closed_at.is_(None))
        late = select(Acknowledgement.edition_id).where(
            Acknowledgement.state == "waiting",
            Acknowledgement.due_on < archive.today(),
            Acknowledgement.edition_id.not_in(told),
        )
        editions = sorted(set(uow.session.scalars(late)))
        overlooked = _reachable(uow)
    with one_by_one(workshop) as tries:
        for edition_id in tries.over(editions):
            with tries.of(edition_id), archive.transaction(_SYSTEM, eventless=True) as uow:
                _escalate(uow, edition_id)
        for controlled_id in tries.over(overlooked):
            with tries.of(controlled_id), archive.transaction(_SYSTEM, eventless=True) as uow:
                _tell_overlooked(uow, locked_row(uow, controlled_id), None)


def _escalate(uow: UnitOfWork, edition_id: str) -> None:
    edition = uow.session.get_one(Edition, edition_id)
    controlled = locked_row(uow, edition.controlled_document_id)
    if not _overdue_of(uow, edition_id):
        return
    open_for_owner(uow, OVERDUE, controlled, subject_id=edition_id)


def _overlooked() -> Select[str, str]:
    """Of documents in force, who is on the distribution list and was not asked: controlled document and person."""
    asked = select(Acknowledgement.person_id).where(
        Acknowledgement.edition_id == ControlledDocument.in_force_id,
        Acknowledgement.person_id == Person.id,
        Acknowledgement.state != "void",
    )
    holds = select(PersonRole.person_id).where(
        PersonRole.person_id == Person.id, PersonRole.role == Recipient.role, PersonRole.granted_at.is_not(None)
    )
    return (
        select(ControlledDocument.id, Person.id)
        .join(Recipient, Recipient.controlled_document_id == ControlledDocument.id)
        .join(Person, Person.organisation_id == ControlledDocument.organisation_id)
        .where(
            ControlledDocument.state == "in_force",
            Person.active,
            (Recipient.person_id == Person.id) | holds.correlate(Person, Recipient).exists(),
            ~asked.correlate(ControlledDocument, Person).exists(),
        )
    )


def _reachable(uow: UnitOfWork) -> list[str]:
    """Of those who were overlooked, the documents that they can read."""
    rows = uow.session.execute(_overlooked().add_columns(ControlledDocument.level)).all()
    people = [uow.session.get_one(Person, person_id) for person_id in sorted({row[1] for row in rows})]
    highest = _highest_read(uow, people)
    return sorted({row[0] for row in rows if highest[row[1]] >= row[2]})


def _tell_overlooked(uow: UnitOfWork, controlled: ControlledDocument, person_id: str | None) -> None:
    edition = uow.session.get(Edition, controlled.in_force_id) if controlled.in_force_id else None
    if edition is None:
        return
    overlooked = _overlooked().where(ControlledDocument.id == controlled.id)
    if person_id is not None:
        overlooked = overlooked.where(Person.id == person_id)
    wanted = {row[1] for row in uow.session.execute(overlooked)}
    people = uow.session.scalars(select(Person).where(Person.id.in_(wanted)).order_by(Person.id)).all()
    reasons = why_not_each(uow, controlled, people)
    tell(uow, controlled, edition, [person for person in people if not reasons[person.id]])


def why_not(uow: UnitOfWork, controlled: ControlledDocument, person: Person) -> str:
    """A step: the code of what keeps somebody from reading it once it is in force (inactive, below_level); empty where
    nothing does."""
    return why_not_each(uow, controlled, [person])[person.id]


def why_not_each(uow: UnitOfWork, controlled: ControlledDocument, people: Collection[Person]) -> Mapping[str, str]:
    """A step: the same of many, by their ids."""
    highest = _highest_read(uow, people)
    return {
        person.id: "inactive" if not person.active else "" if highest[person.id] >= controlled.level else "below_level"
        for person in people
    }


def _highest_read(uow: UnitOfWork, people: Collection[Person]) -> Mapping[str, int]:
    """Up to which level people read controlled documents, by their ids; -1 where they read none."""
    roles = roles_of_many(uow, {person.id for person in people})
    found = {}
    for person in people:
        # A second factor aside: whoever still has to enrol one reads once they have.
        held = permissions_of(roles[person.id], runs_archive=False)
        reads = person.active and {Permission.CONTROLLED_READ, Permission.DOCUMENTS_READ} <= held
        found[person.id] = int(min(person.highest_level, highest_level_of(roles[person.id]))) if reads else -1
    return found


def _account_moved(uow: UnitOfWork, person: Person) -> None:
    """Whoever left, or may not read it any more, is not waited for; whoever came to hold a role of a list is asked."""
    waiting = (
        select(Acknowledgement, ControlledDocument)
        .join(Edition, Edition.id == Acknowledgement.edition_id)
        .join(ControlledDocument, ControlledDocument.id == Edition.controlled_document_id)
        .where(Acknowledgement.person_id == person.id, Acknowledgement.state == "waiting")
        .order_by(Acknowledgement.edition_id)
        # Not in the moment in which they confirm that they read it.
        .with_for_update(of=Acknowledgement)
    )
    for row, controlled in uow.session.execute(waiting).all():
        if not why_not(uow, controlled, person):
            continue
        row.state = "void"
        close_tasks(uow, TO_READ, subject_id=row.edition_id, outcome=NEEDLESS, person_id=person.id)
        settle_overdue(uow, row.edition_id)
    meant = select(_overlooked().where(Person.id == person.id).subquery().c[0]).distinct()
    for controlled_id in sorted(uow.session.scalars(meant).all()):
        _tell_overlooked(uow, locked_row(uow, controlled_id), person.id)


ROLES_MOVED.then("controlled documents", _account_moved)


@after_calendar_change("controlled_acknowledgements")
def count_days_anew(uow: UnitOfWork) -> None:
    """Counts the days anew by which editions are to be read, where they were provisional."""
    days, zone = working_days(uow), uow.archive.rules.zone
    provisional = select(Task).where(Task.kind == TO_READ.code, Task.closed_at.is_(None), Task.provisional)
    for task in uow.session.scalars(provisional).all():
        row = uow.session.get(Acknowledgement, (task.subject_id, task.person_id or ""))
        if row is None or row.state != "waiting":
            continue
        due = days.after(row.told_at.astimezone(zone).date(), uow.archive.rules.controlled.read_days)
        row.due_on, task.due_on, task.provisional = due.on, due.on, due.provisional

"""An edition comes into force 发布: by the controller, today or on a later day; the one before is superseded then.

What is in force is computed from days in the moment somebody asks. The job only writes down what those days say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, or_, select

from archive_app.documents.control import IN_FORCE, SUPERSEDED, set_control
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ConflictError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import staged_use_case, use_case
from archive_app.management.controlled.acknowledging import Reached, tell, void_waiting
from archive_app.management.controlled.copies import collect_copies
from archive_app.management.controlled.distributing import expand
from archive_app.management.controlled.in_use import locked_row
from archive_app.management.controlled.kinds import STATES
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionStep
from archive_app.management.controlled.periodic_review import set_review_day
from archive_app.management.controlled.rules import ControlledWithdrawnError, WrongStateError, lock_edition, subjects
from archive_app.management.controlled.waiting import follow_edition
from archive_app.management.one_by_one import one_by_one

EDITION_ISSUED = event_type("controlled.issued", N_("Controlled document issued"))
EDITION_IN_FORCE = event_type("controlled.in_force", N_("Edition of a controlled document in force"))
ISSUE_RECALLED = event_type("controlled.issue_recalled", N_("Issue of a controlled document recalled"))
TAKE_EFFECT_JOB = "management.take_effect"
TAKE_EFFECT_EVERY_SECONDS = 600
MOST_AHEAD = timedelta(days=731)
_SYSTEM = Actor.system("controlled")


@dataclass(frozen=True)
class Issued:
    """What came of issuing: from when the edition is in force, who was asked to read it, who stands on the list and
    cannot (with the code of the reason), and which approvers have left since they approved."""

    edition: Edition
    in_force: bool
    told: Sequence[Person]
    unreached: Sequence[tuple[Person, str]]
    approvers_left: Sequence[Person]


@dataclass(frozen=True)
class Opened:
    """What opens by default: the document of the edition in force; without one, `state` says why (draft, later or
    withdrawn), `effective_on` from when there will be one, and `replaced_by_id` what came in its place."""

    controlled: ControlledDocument
    document_id: str | None
    state: str
    effective_on: date | None = None
    replaced_by: ControlledDocument | None = None


def due_to_be_in_force(today: date) -> ColumnElement[bool]:
    """The clause for editions that are issued and whose day has come, whatever was written down of it."""
    return and_(Edition.state == "approved", Edition.issued_at.is_not(None), Edition.effective_on <= today)


def stands(edition: Edition, today: date) -> bool:
    """The same of an edition that was read: whether it took effect, or its day has come; of several of a document the
    last one is in force, unless the document was withdrawn."""
    if edition.state == "in_force":
        return True
    issued = edition.state == "approved" and edition.issued_at is not None
    return issued and edition.effective_on is not None and edition.effective_on <= today


def in_force_edition(uow: UnitOfWork, controlled_id: str) -> Edition | None:
    """A step: the edition that is in force at this moment, by its day and not by what the worker did so far."""
    in_force = (
        select(Edition)
        .join(ControlledDocument, ControlledDocument.id == Edition.controlled_document_id)
        .where(
            ControlledDocument.id == controlled_id,
            ControlledDocument.withdrawn_at.is_(None),
            or_(Edition.state == "in_force", due_to_be_in_force(uow.archive.today())),
        )
        .order_by(Edition.ordinal.desc())
        .limit(1)
    )
    return uow.session.scalar(in_force)


@use_case(Permission.CONTROLLED_MANAGE, confirmed=True)
def issue_edition(actor: Actor, uow: UnitOfWork, *, edition_id: str, effective_on: date | None = None) -> Issued:
    """Issues an approved edition: in force from `effective_on` on, today where nothing is said.

    Raises: NotFoundError; WrongStateError for one that is not approved or was issued already; ControlledWithdrawnError;
    InvalidInputError for a day that is past or more than two years ahead.
    """
    controlled, edition = lock_edition(uow, edition_id)
    if controlled.state == "withdrawn":
        raise ControlledWithdrawnError(number=controlled.number)
    if edition.state != "approved" or edition.issued_at is not None or edition.document_id is None:
        raise _not_now(edition)
    today = uow.archive.today()
    day = effective_on or today
    if not today <= day <= today + MOST_AHEAD:
        raise InvalidInputError(
            field=N_("In force from"), reason=N_("This must be today or later, and within two years.")
        )
    edition.effective_on, edition.issued_by, edition.issued_at = day, actor.name, uow.now
    uow.session.flush()
    reached = _take_effect(uow, controlled, edition) if day <= today else Reached((), expand(uow, controlled).unreached)
    follow_edition(uow, controlled, edition)
    left = _approvers_left(uow, edition)
    uow.record(
        EDITION_ISSUED,
        subjects(controlled, edition, document=edition.document_id),
        number=controlled.number,
        label=edition.label,
        effective_on=day.isoformat(),
        told=len(reached.told),
        unreached=[person.display_name for person, _reason in reached.unreached],
        approvers_left=[person.display_name for person in left],
    )
    return Issued(edition, day <= today, reached.told, reached.unreached, left)


@use_case(Permission.CONTROLLED_MANAGE, confirmed=True)
def recall_issue(actor: Actor, uow: UnitOfWork, *, edition_id: str) -> Edition:
    """Takes an issue back whose day has not come: the edition is approved as before, and can be issued for another day.

    Raises: NotFoundError, WrongStateError; ConflictError when its day has come meanwhile.
    """
    controlled, edition = lock_edition(uow, edition_id)
    if edition.state != "approved" or edition.issued_at is None:
        raise _not_now(edition)
    if edition.effective_on is not None and edition.effective_on <= uow.archive.today():
        raise ConflictError
    edition.effective_on = edition.issued_by = edition.issued_at = None
    follow_edition(uow, controlled, edition)
    uow.record(ISSUE_RECALLED, subjects(controlled, edition), label=edition.label)
    return edition


@staged_use_case(Permission.CONTROLLED_READ)
def open_in_force(actor: Actor, archive: Archive, *, controlled_id: str) -> Opened:
    """What opens by default. Where the day of an edition has come and nobody wrote that down yet, it is done first.

    Raises: NotFoundError.
    """
    with archive.reading(actor) as uow:
        # A document whose first edition comes into force today shows to everybody from this moment on.
        due = _is_due(uow, controlled_id)
    if due:
        with archive.transaction(_SYSTEM) as uow:
            settle_effect(uow, locked_row(uow, controlled_id))
    with archive.reading(actor) as uow:
        uow.require("controlled_document", controlled_id)
        controlled = uow.session.get_one(ControlledDocument, controlled_id)
        edition = in_force_edition(uow, controlled_id)
        if edition is not None:
            return Opened(controlled, edition.document_id, "in_force")
        later = _issued_for_later(uow, controlled_id)
        replacement = None
        if controlled.replaced_by_id and uow.archive.policy.allows(
            uow.session, actor, "controlled_document", controlled.replaced_by_id
        ):
            replacement = uow.session.get(ControlledDocument, controlled.replaced_by_id)
        state = "withdrawn" if controlled.withdrawn_at else "later" if later else "draft"
        return Opened(controlled, None, state, later.effective_on if later else None, replacement)


def settle_effect(uow: UnitOfWork, controlled: ControlledDocument) -> bool:
    """A step, under the document's lock: writes down that the day of its issued edition has come; whether it had."""
    if controlled.withdrawn_at is not None:
        return False
    edition = uow.session.scalar(
        select(Edition)
        .where(Edition.controlled_document_id == controlled.id, due_to_be_in_force(uow.archive.today()))
        .execution_options(populate_existing=True)
    )
    if edition is None:
        return False
    reached = _take_effect(uow, controlled, edition)
    uow.record(
        EDITION_IN_FORCE,
        subjects(controlled, edition, document=edition.document_id or ""),
        number=controlled.number,
        label=edition.label,
        told=len(reached.told),
        unreached=[person.display_name for person, _reason in reached.unreached],
    )
    return True


def take_effect(workshop: Workshop, _job: Job) -> None:
    """Writes down which editions came into force by their day. Idempotent: one document a transaction."""
    archive = workshop.archive
    with archive.reading(_SYSTEM) as uow:
        due = select(Edition.controlled_document_id).join(
            ControlledDocument, ControlledDocument.id == Edition.controlled_document_id
        )
        waiting = uow.session.scalars(
            due.where(due_to_be_in_force(archive.today()), ControlledDocument.withdrawn_at.is_(None))
        ).all()
    with one_by_one(workshop) as tries:
        for controlled_id in tries.over(waiting):
            with tries.of(controlled_id), archive.transaction(_SYSTEM) as uow:
                # Somebody who opened it may have been first.
                settle_effect(uow, locked_row(uow, controlled_id))


def _take_effect(uow: UnitOfWork, controlled: ControlledDocument, edition: Edition) -> Reached:
    """The edition is in force from this moment on, and the one before is not any more."""
    former = (
        uow.session.get(Edition, controlled.in_force_id, populate_existing=True) if controlled.in_force_id else None
    )
    if former is not None:
        former.state, former.ended_at = "superseded", uow.now
        _control(uow, former, SUPERSEDED)
        void_waiting(uow, former.id)
        collect_copies(uow, controlled, former)
    edition.state, edition.on_the_way = "in_force", False
    controlled.state, controlled.in_force_id = "in_force", edition.id
    set_review_day(uow, controlled, edition.effective_on or uow.archive.today())
    _control(uow, edition, IN_FORCE)
    uow.session.flush()
    expanded = expand(uow, controlled)
    return Reached(tell(uow, controlled, edition, expanded.people), expanded.unreached)


def _not_now(edition: Edition) -> WrongStateError:
    issued = edition.state == "approved" and edition.issued_at is not None
    state = N_("Issued, and not in force yet") if issued else STATES[edition.state]
    return WrongStateError(label=edition.label, state=state, way=N_("Reload its page and see what happened to it."))


def _control(uow: UnitOfWork, edition: Edition, control: str) -> None:
    if edition.document_id is not None:
        set_control(uow, edition.document_id, control)


def _is_due(uow: UnitOfWork, controlled_id: str) -> bool:
    due = (
        select(Edition.id)
        .join(ControlledDocument, ControlledDocument.id == Edition.controlled_document_id)
        .where(
            ControlledDocument.id == controlled_id,
            ControlledDocument.organisation_id == uow.actor.organisation_id,
            ControlledDocument.withdrawn_at.is_(None),
            due_to_be_in_force(uow.archive.today()),
        )
    )
    return uow.session.scalar(due) is not None


def _issued_for_later(uow: UnitOfWork, controlled_id: str) -> Edition | None:
    issued = select(Edition).where(
        Edition.controlled_document_id == controlled_id, Edition.state == "approved", Edition.issued_at.is_not(None)
    )
    return uow.session.scalar(issued)


def _approvers_left(uow: UnitOfWork, edition: Edition) -> Sequence[Person]:
    """Who approved the edition and has left since: what they approved stays approved, and the controller is told."""
    approved = select(EditionStep.person_id).where(
        EditionStep.edition_id == edition.id, EditionStep.part == "approval", EditionStep.state == "agreed"
    )
    return uow.session.scalars(select(Person).where(Person.id.in_(approved), ~Person.active).order_by(Person.id)).all()

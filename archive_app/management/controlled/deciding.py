"""Use cases by which people are asked about an edition and say what they think: reviewers first, then one approver.

Whoever approves neither wrote it nor added one of its files (S1 8.2, S2 8.4), and proved lately who they are. What was
said stays on file, about the file that it was said of.
"""

from collections.abc import Sequence

from sqlalchemy import select

from archive_app.documents.control import DRAFT
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import APPROVER_NOT_THE_AUTHOR
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import EventType, event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.colleagues import colleague
from archive_app.management.controlled.drafting import back_to_draft
from archive_app.management.controlled.kinds import (
    AGREED,
    APPROVAL,
    APPROVED,
    IN_APPROVAL,
    IN_REVIEW,
    PARTS,
    REFUSED,
    REVIEW,
    VOID,
    WAITING,
)
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionFile, EditionStep
from archive_app.management.controlled.rules import (
    NoFileError,
    lock_edition,
    require_charge,
    require_member,
    require_state,
    subjects,
)
from archive_app.management.controlled.waiting import NEEDED, follow_edition

ASKED = event_type("controlled.asked", N_("Somebody asked about an edition"))
REVIEWED = event_type("controlled.reviewed", N_("Edition reviewed"))
REVIEW_REFUSED = event_type("controlled.review_refused", N_("Edition refused by a reviewer"))
APPROVED_EVENT = event_type("controlled.approved", N_("Edition approved"))
APPROVAL_REFUSED = event_type("controlled.approval_refused", N_("Approval of an edition refused"))
REMARK_LIMIT = 2000
MOST_REVIEWERS = 20
_TAKE_IT_BACK = N_("Take it back to draft first.")
_REVIEWER, _APPROVER = N_("Reviewer"), N_("Approver")
_FIELDS = {REVIEW: _REVIEWER, APPROVAL: _APPROVER}


class NotAskedError(ArchiveError):
    """What is decided does not wait for whoever decides, or does not wait any more."""

    code = "not_asked"
    message = N_(
        "This does not wait for you: it was decided, taken back, or somebody else was asked. Nothing was changed; open "
        "the document's page to see where it stands."
    )


class ReviewsOpenError(ArchiveError):
    """Approval is asked for when all reviewers agreed."""

    code = "reviews_open"
    message = N_(
        "%(names)s have not said yet what they think of it. Nobody was asked to approve; wait for them, or ask others "
        "in their place."
    )


@use_case(Permission.CONTROLLED_WRITE)
def ask_reviewers(actor: Actor, uow: UnitOfWork, *, edition_id: str, people: Sequence[str]) -> Sequence[EditionStep]:
    """Asks people to review a draft, or further people one in review; `people` are logins or identifiers. Whoever is
    asked already is not asked twice.

    Raises: NotFoundError, NotTheAuthorError, WrongStateError, NoFileError, InvalidInputError.
    """
    controlled, edition = _in_hand(uow, edition_id, (DRAFT, IN_REVIEW))
    wanted = [name.strip() for name in people if name.strip()]
    if not 1 <= len(wanted) <= MOST_REVIEWERS:
        raise InvalidInputError(field=_REVIEWER, reason=N_("Name from 1 to 20 people."))
    asked = {step.person_id for step in _waiting(uow, edition)}
    steps = []
    for name in wanted:
        person = _fit(uow, controlled, edition, name, REVIEW)
        if person.id not in asked:
            asked.add(person.id)
            steps.append(_ask(uow, edition, person, REVIEW))
    edition.state = IN_REVIEW
    follow_edition(uow, controlled, edition)
    names = [step.person_id for step in steps]
    uow.record(
        ASKED, subjects(controlled, edition), number=controlled.number, label=edition.label, part=REVIEW, people=names
    )
    return steps


@use_case(Permission.CONTROLLED_WRITE)
def ask_approver(actor: Actor, uow: UnitOfWork, *, edition_id: str, person: str) -> EditionStep:
    """Asks somebody to approve an edition that no reviewer stands against any more, or somebody else in their place.

    Raises: NotFoundError, NotTheAuthorError, WrongStateError, NoFileError, InvalidInputError, ReviewsOpenError,
    DutiesNotSeparateError.
    """
    controlled, edition = _in_hand(uow, edition_id, (DRAFT, IN_REVIEW, IN_APPROVAL))
    waiting = _waiting(uow, edition)
    if open_reviews := [step.person_id for step in waiting if step.part == REVIEW]:
        names = uow.session.scalars(select(Person.display_name).where(Person.id.in_(open_reviews)))
        raise ReviewsOpenError(names=", ".join(sorted(names)))
    approver = _fit(uow, controlled, edition, person, APPROVAL)
    same = next((step for step in waiting if step.person_id == approver.id), None)
    if same is not None:
        raise InvalidInputError(field=_APPROVER, reason=N_("They are asked already."))
    for step in waiting:
        step.state, step.decided_at = VOID, uow.now
    step = _ask(uow, edition, approver, APPROVAL)
    edition.state = IN_APPROVAL
    follow_edition(uow, controlled, edition)
    about = subjects(controlled, edition, person=approver.id)
    uow.record(ASKED, about, number=controlled.number, label=edition.label, part=APPROVAL, people=[approver.id])
    return step


@use_case(Permission.CONTROLLED_WRITE)
def ask_another(actor: Actor, uow: UnitOfWork, *, step_id: str, person: str) -> EditionStep:
    """Asks somebody else in the place of one who left, is away or does not answer; the step of theirs is void.

    Raises: NotFoundError, NotAskedError, NotTheAuthorError, WrongStateError, InvalidInputError, DutiesNotSeparateError.
    """
    edition_id = _edition_of(uow, step_id)
    controlled, edition = _in_hand(uow, edition_id, (IN_REVIEW, IN_APPROVAL))
    old = uow.session.get_one(EditionStep, step_id, populate_existing=True)
    if old.state != WAITING:
        raise NotAskedError
    other = _fit(uow, controlled, edition, person, old.part)
    if other.id in {step.person_id for step in _waiting(uow, edition)}:
        raise InvalidInputError(field=_FIELDS[old.part], reason=N_("They are asked already."))
    old.state, old.decided_at = VOID, uow.now
    step = _ask(uow, edition, other, old.part)
    follow_edition(uow, controlled, edition)
    about = subjects(controlled, edition, person=other.id)
    uow.record(
        ASKED,
        about,
        number=controlled.number,
        label=edition.label,
        part=old.part,
        people=[other.id],
        instead_of=old.person_id,
    )
    return step


@use_case(Permission.CONTROLLED_READ)
def decide_review(actor: Actor, uow: UnitOfWork, *, step_id: str, agrees: bool, remark: str = "") -> Edition:
    """Says what a reviewer thinks of an edition; a refusal, with its remark, brings it back to draft.

    Raises: NotFoundError, NotAskedError, InvalidInputError.
    """
    return _decide(uow, step_id, REVIEW, agrees=agrees, remark=remark)


@use_case(Permission.CONTROLLED_APPROVE, confirmed=True)
def decide_approval(actor: Actor, uow: UnitOfWork, *, step_id: str, agrees: bool, remark: str = "") -> Edition:
    """Approves an edition, which then waits to be issued, or refuses with a remark, which brings it back to draft.

    Raises: NotFoundError, ConfirmationRequiredError, NotAskedError, InvalidInputError, DutiesNotSeparateError.
    """
    return _decide(uow, step_id, APPROVAL, agrees=agrees, remark=remark)


def has_written(uow: UnitOfWork, edition: Edition) -> set[str]:
    """A step: who wrote the edition: its author, and whoever added one of its files."""
    added = select(EditionFile.added_by).where(EditionFile.edition_id == edition.id)
    return {edition.author_id, *uow.session.scalars(added)}


def _decide(uow: UnitOfWork, step_id: str, part: str, *, agrees: bool, remark: str) -> Edition:
    controlled, edition = lock_edition(uow, _edition_of(uow, step_id))
    step = uow.session.get_one(EditionStep, step_id, populate_existing=True)
    asked = step.part == part and step.person_id == uow.actor.person_id and step.state == WAITING
    if not asked or step.document_id != edition.document_id:
        raise NotAskedError
    if part == APPROVAL:
        APPROVER_NOT_THE_AUTHOR.require_apart(step.person_id, has_written(uow, edition))
    step.remark = some_lines(remark, field=N_("Opinion"), limit=REMARK_LIMIT, required=not agrees)
    step.state, step.decided_at = AGREED if agrees else REFUSED, uow.now
    uow.session.flush()
    if not agrees:
        back_to_draft(uow, controlled, edition)
    elif part == APPROVAL:
        edition.state, edition.approved_at = APPROVED, uow.now
    follow_edition(uow, controlled, edition)
    about = subjects(controlled, edition, document=step.document_id)
    uow.record(_said(part, agrees=agrees), about, number=controlled.number, label=edition.label, remark=step.remark)
    return edition


def _said(part: str, *, agrees: bool) -> EventType:
    if part == REVIEW:
        return REVIEWED if agrees else REVIEW_REFUSED
    return APPROVED_EVENT if agrees else APPROVAL_REFUSED


def _edition_of(uow: UnitOfWork, step_id: str) -> str:
    step = uow.session.get(EditionStep, step_id)
    if step is None:
        raise NotFoundError
    return step.edition_id


def _in_hand(uow: UnitOfWork, edition_id: str, states: Sequence[str]) -> tuple[ControlledDocument, Edition]:
    require_member(uow)
    controlled, edition = lock_edition(uow, edition_id)
    require_charge(uow, edition)
    require_state(edition, states, way=_TAKE_IT_BACK)
    if edition.document_id is None:
        raise NoFileError(label=edition.label)
    return controlled, edition


def _fit(uow: UnitOfWork, controlled: ControlledDocument, edition: Edition, name: str, part: str) -> Person:
    """Somebody who may be asked."""
    field = _FIELDS[part]
    person = colleague(uow, controlled.organisation_id, name, NEEDED[part], level=Level(controlled.level), field=field)
    writers = has_written(uow, edition)
    if part == APPROVAL:
        APPROVER_NOT_THE_AUTHOR.require_apart(person.id, writers)
    elif person.id in writers:
        raise InvalidInputError(field=field, reason=N_("They wrote it. Choose somebody else."))
    return person


def _waiting(uow: UnitOfWork, edition: Edition) -> Sequence[EditionStep]:
    waiting = select(EditionStep).where(EditionStep.edition_id == edition.id, EditionStep.state == WAITING)
    return uow.session.scalars(waiting.order_by(EditionStep.id).execution_options(populate_existing=True)).all()


def _ask(uow: UnitOfWork, edition: Edition, person: Person, part: str) -> EditionStep:
    if part not in PARTS or edition.document_id is None:
        raise ValueError(part)
    step = EditionStep(
        id=uow.new_id(),
        edition_id=edition.id,
        document_id=edition.document_id,
        part=part,
        person_id=person.id,
        state=WAITING,
        remark="",
        asked_by=uow.actor.name,
        asked_at=uow.now,
    )
    uow.session.add(step)
    uow.session.flush()
    return step

"""The tasks that an edition on its way leaves with people, kept in line with where it stands."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from archive_app.documents.control import DRAFT
from archive_app.identity.granting import ROLES_MOVED
from archive_app.identity.models import Person
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.colleagues import holds
from archive_app.management.controlled.kinds import (
    AGREED,
    APPROVAL,
    APPROVED,
    IN_REVIEW,
    REFUSED,
    REVIEW,
    UNDER_DECISION,
    WAITING,
)
from archive_app.management.controlled.models import ControlledDocument, Edition, EditionStep
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import DONE, NEEDLESS, Addressee, close_tasks, open_task

_ON_STEP, _ON_DOCUMENT = "editions.step_page", "controlled.document_page"
REVIEW_TASK = task_kind(
    "management.review",
    N_("Review a controlled document"),
    why=N_("You were asked to review it."),
    endpoint=_ON_STEP,
    subject_argument="step_id",
)
APPROVAL_TASK = task_kind(
    "management.approve",
    N_("Approve a controlled document"),
    why=N_("You were asked to approve it."),
    endpoint=_ON_STEP,
    subject_argument="step_id",
)
RETURNED_TASK = task_kind(
    "management.returned",
    N_("An edition came back to draft"),
    why=N_("It is in your hands."),
    endpoint=_ON_DOCUMENT,
    subject_argument="controlled_id",
)
ASK_TASK = task_kind(
    "management.ask_approver",
    N_("All agreed: ask for approval"),
    why=N_("The edition is in your hands."),
    endpoint=_ON_DOCUMENT,
    subject_argument="controlled_id",
)
LEFT_TASK = task_kind(
    "management.ask_another",
    N_("Ask somebody else about a controlled document"),
    why=N_("Somebody who was asked cannot answer any more."),
    endpoint=_ON_DOCUMENT,
    subject_argument="controlled_id",
)
HAND_OVER_TASK = task_kind(
    "management.hand_over",
    N_("Hand over an edition whose author has left"),
    why=N_("You control the documents."),
    endpoint=_ON_DOCUMENT,
    subject_argument="controlled_id",
)
ISSUE_TASK = task_kind(
    "management.to_issue",
    N_("Issue a controlled document"),
    why=N_("You control the documents."),
    endpoint=_ON_DOCUMENT,
    subject_argument="controlled_id",
)
_OF_EDITION = (RETURNED_TASK, ASK_TASK, LEFT_TASK, HAND_OVER_TASK, ISSUE_TASK)
_OF_CONTROLLERS = (HAND_OVER_TASK, ISSUE_TASK)
NEEDED = {REVIEW: Permission.CONTROLLED_READ, APPROVAL: Permission.CONTROLLED_APPROVE}
"""What somebody must be allowed to do who is asked."""


def follow_edition(uow: UnitOfWork, controlled: ControlledDocument, edition: Edition) -> None:
    """A step: what waits for people about the edition is what its state asks for. Run after each change of it."""
    uow.session.flush()
    steps = _steps(uow, edition)
    for step in steps:
        _follow_step(uow, controlled, step)
    wanted = _wanted(uow, edition, [step for step in steps if step.state == WAITING], _refused(steps))
    for kind in _OF_EDITION:
        if kind is not wanted:
            close_tasks(uow, kind, subject_id=controlled.id)
    if wanted is not None:
        _open(uow, wanted, controlled, edition)


def close_all_tasks(uow: UnitOfWork, edition: Edition) -> None:
    """A step: nothing of the edition waits for anybody any more."""
    for step in _steps(uow, edition):
        for kind in (REVIEW_TASK, APPROVAL_TASK):
            close_tasks(uow, kind, subject_id=step.id, outcome=NEEDLESS)
    for kind in _OF_EDITION:
        close_tasks(uow, kind, subject_id=edition.controlled_document_id, outcome=NEEDLESS)


def is_able(uow: UnitOfWork, person_id: str, permission: Permission) -> bool:
    """A step: whether somebody is still there and may do it."""
    return holds(uow, uow.session.get_one(Person, person_id, populate_existing=True), permission)


def _follow_people(uow: UnitOfWork, person: Person) -> None:
    """Whoever leaves, comes back, or loses a role: what waits for them, and what is in their hands, is seen to."""
    asked = select(EditionStep.edition_id).where(EditionStep.person_id == person.id, EditionStep.state == WAITING)
    theirs = or_(Edition.author_id == person.id, Edition.id.in_(asked))
    concerned = (
        select(ControlledDocument, Edition)
        .join(Edition, Edition.controlled_document_id == ControlledDocument.id)
        .where(Edition.on_the_way, theirs)
        .order_by(Edition.id)
    )
    for row in uow.session.execute(concerned).all():
        follow_edition(uow, row[0], row[1])


ROLES_MOVED.then("editions on their way", _follow_people)


def _steps(uow: UnitOfWork, edition: Edition) -> Sequence[EditionStep]:
    of_edition = select(EditionStep).where(EditionStep.edition_id == edition.id).order_by(EditionStep.id)
    return uow.session.scalars(of_edition.execution_options(populate_existing=True)).all()


def _refused(steps: Sequence[EditionStep]) -> bool:
    return any(step.state == REFUSED for step in steps)


def _wanted(uow: UnitOfWork, edition: Edition, waiting: Sequence[EditionStep], refused: bool) -> TaskKind | None:
    """What the edition itself waits for, besides the people who were asked."""
    if edition.state == APPROVED:
        return ISSUE_TASK if edition.issued_at is None else None
    if edition.state not in {DRAFT, *UNDER_DECISION}:
        return None
    if not is_able(uow, edition.author_id, Permission.CONTROLLED_WRITE):
        return HAND_OVER_TASK
    if edition.state == DRAFT:
        return RETURNED_TASK if refused else None
    if not all(is_able(uow, step.person_id, NEEDED[step.part]) for step in waiting):
        return LEFT_TASK
    return ASK_TASK if edition.state == IN_REVIEW and not waiting else None


def _follow_step(uow: UnitOfWork, controlled: ControlledDocument, step: EditionStep) -> None:
    kind = REVIEW_TASK if step.part == REVIEW else APPROVAL_TASK
    if step.state != WAITING:
        outcome = DONE if step.state in {AGREED, REFUSED} else NEEDLESS
        close_tasks(uow, kind, subject_id=step.id, outcome=outcome)
        return
    open_task(
        uow,
        kind,
        to=Addressee(person_id=step.person_id),
        subject_id=step.id,
        organisation_id=controlled.organisation_id,
        about=f"{controlled.number} {controlled.title}",
    )


def _open(uow: UnitOfWork, kind: TaskKind, controlled: ControlledDocument, edition: Edition) -> None:
    of_controllers = kind in _OF_CONTROLLERS
    to = Addressee(permission=Permission.CONTROLLED_MANAGE) if of_controllers else Addressee(edition.author_id)
    others = (Task.kind == kind.code, Task.subject_id == controlled.id, Task.closed_at.is_(None))
    if uow.session.scalar(select(Task.id).where(*others, Task.person_id.is_distinct_from(to.person_id)).limit(1)):
        # It changed hands: it waits for the former author no more.
        close_tasks(uow, kind, subject_id=controlled.id, outcome=NEEDLESS)
    open_task(
        uow,
        kind,
        to=to,
        subject_id=controlled.id,
        organisation_id=controlled.organisation_id,
        # Those who control documents may not see one of a high level: its number says enough.
        about=controlled.number if of_controllers else f"{controlled.number} {controlled.title}",
    )

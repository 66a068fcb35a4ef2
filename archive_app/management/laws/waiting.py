"""What of the legal register waits for whom: evaluations that fall due, actions, laws that are coming or are to be
looked at again, obligations whose owner left.

Every step here is idempotent: it opens what is wanted now and closes what is not, so that use cases, the hourly job and
changes of people or of the calendar call the same.
"""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, select, update

from archive_app.identity.granting import ROLES_MOVED
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.feature import Workshop
from archive_app.kernel.language import N_
from archive_app.kernel.outbox import Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.management.laws.kinds import COMING, IN_FORCE
from archive_app.management.laws.models import Evaluation, Law, Obligation
from archive_app.management.laws.validity import law_state, laws_in, obligation_standing, obligations_in
from archive_app.management.one_by_one import one_by_one
from archive_app.management.periods import month_later, working_day_until
from archive_app.worklist.calendar import after_calendar_change, working_days
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import DONE, NEEDLESS, Addressee, close_tasks, open_task

JOB = "management.laws"
EVERY_SECONDS = 3600
AHEAD = timedelta(days=30)
"""How long before its day something is on somebody's work list."""
EVALUATION_DUE = task_kind(
    "management.evaluation_due",
    N_("Evaluate whether an obligation is complied with"),
    why=N_("You see to this obligation, or keep the legal register."),
    endpoint="laws.obligation_page",
    subject_argument="obligation_id",
)
ACTION_DUE = task_kind(
    "management.compliance_action",
    N_("Do what was decided because an obligation was not complied with"),
    why=N_("You are responsible for this action, or keep the legal register."),
    endpoint="laws.evaluation_page",
    subject_argument="evaluation_id",
)
ACTION_TO_CONFIRM = task_kind(
    "management.compliance_effect",
    N_("Confirm that an action was effective"),
    why=N_("You keep the legal register."),
    endpoint="laws.evaluation_page",
    subject_argument="evaluation_id",
)
LAW_COMING = task_kind(
    "management.law_coming",
    N_("A law takes effect soon"),
    why=N_("You keep the legal register."),
    endpoint="laws.law_page",
    subject_argument="law_id",
    noted=True,
)
LIST_REVIEW = task_kind(
    "management.law_review",
    N_("Look whether the laws are still as recorded"),
    why=N_("You keep the legal register."),
    endpoint="laws.review_page",
)
OWNER_LEFT = task_kind(
    "management.owner_left",
    N_("Hand over the obligations of somebody who left"),
    why=N_("You keep the legal register."),
    endpoint="laws.obligations_page",
    subject_argument="owner",
)
_KEEPERS = Addressee(permission=Permission.LAWS_MANAGE)
_ACTOR = Actor.system("laws")


def plan_evaluation(uow: UnitOfWork, obligation: Obligation) -> None:
    """A step: says anew which evaluation is the last, and by which working day the next one is due."""
    living = select(Evaluation).where(Evaluation.obligation_id == obligation.id, Evaluation.withdrawn_at.is_(None))
    last = uow.session.scalars(living.order_by(Evaluation.evaluated_on.desc(), Evaluation.id.desc()).limit(1)).first()
    obligation.last_evaluation_id = last.id if last else None
    day = month_later(last.evaluated_on, obligation.every_months) if last else obligation.first_on
    due = working_day_until(working_days(uow), day)
    obligation.evaluate_on, obligation.provisional = due.on, due.provisional
    uow.session.flush()


def plan_review(uow: UnitOfWork, law: Law) -> None:
    """A step: says anew by when a law is looked at again."""
    law.review_on, law.provisional = None, False
    if law.review_months is not None:
        due = working_day_until(working_days(uow), month_later(law.reviewed_on, law.review_months))
        law.review_on, law.provisional = due.on, due.provisional
    uow.session.flush()


def keep_obligation_tasks(uow: UnitOfWork, obligation: Obligation, *, outcome: str = NEEDLESS) -> None:
    """A step: whoever sees to an obligation has its evaluation on their list, as long as one is due soon; `outcome` is
    what becomes of a task that is not wanted any more."""
    law = uow.session.get_one(Law, obligation.law_id)
    today = uow.archive.today()
    soon = obligation.evaluate_on <= today + AHEAD
    if not soon or not obligation_standing(obligation, law, today).holds:
        close_tasks(uow, EVALUATION_DUE, subject_id=obligation.id, outcome=outcome)
        return
    to = _addressee(uow, obligation.owner_id)
    due = Due(obligation.evaluate_on, obligation.provisional)
    _wait(uow, EVALUATION_DUE, to, obligation.id, obligation.organisation_id, _about(law, obligation), due)


def keep_action_tasks(uow: UnitOfWork, evaluation: Evaluation) -> None:
    """A step: an action waits for its responsible until it is done, and then for whoever confirms that it worked."""
    open_still = bool(evaluation.action) and evaluation.withdrawn_at is None and evaluation.confirmed_at is None
    done = evaluation.action_done_at is not None
    subject, organisation = evaluation.id, evaluation.organisation_id
    obligation = uow.session.get_one(Obligation, evaluation.obligation_id)
    about = _about(uow.session.get_one(Law, obligation.law_id), obligation)
    if open_still and not done and evaluation.action_owner_id and evaluation.action_due_on:
        to = _addressee(uow, evaluation.action_owner_id)
        _wait(uow, ACTION_DUE, to, subject, organisation, about, Due(evaluation.action_due_on))
    else:
        close_tasks(uow, ACTION_DUE, subject_id=subject, outcome=DONE if done else NEEDLESS)
    if open_still and done:
        _wait(uow, ACTION_TO_CONFIRM, _KEEPERS, subject, organisation, about, None)
    else:
        close_tasks(uow, ACTION_TO_CONFIRM, subject_id=subject)


def keep_law_tasks(uow: UnitOfWork, law: Law) -> None:
    """A step: whoever keeps the register is told once of a law before it takes effect, and to look at the list."""
    today = uow.archive.today()
    state = law_state(law, today)
    if state == COMING and law.effective_on is not None and law.effective_on <= today + AHEAD:
        told = select(Task.id).where(
            Task.kind == LAW_COMING.code, Task.subject_id == law.id, Task.due_on == law.effective_on
        )
        # Who took note of it is not told again, unless the day moved.
        if uow.session.scalar(told.limit(1)) is None:
            _wait(uow, LAW_COMING, _KEEPERS, law.id, law.organisation_id, law.title, Due(law.effective_on))
    elif state != IN_FORCE:
        close_tasks(uow, LAW_COMING, subject_id=law.id, outcome=NEEDLESS)
    keep_review_task(uow, law.organisation_id)


def keep_review_task(uow: UnitOfWork, organisation_id: str) -> None:
    """A step: as long as laws of the organisation are to be looked at soon, that is on the list of who keeps them."""
    soon = select(Law.review_on, Law.provisional).where(
        Law.organisation_id == organisation_id, *due_for_review(uow.archive.today(), AHEAD)
    )
    first = uow.session.execute(soon.order_by(Law.review_on, Law.id).limit(1)).first()
    if first is None or first[0] is None:
        close_tasks(uow, LIST_REVIEW, subject_id=organisation_id)
        return
    _wait(uow, LIST_REVIEW, _KEEPERS, organisation_id, organisation_id, "", Due(first[0], first[1]))


def due_for_review(today: date, ahead: timedelta = timedelta()) -> list[ColumnElement[bool]]:
    """The clauses for laws that somebody has to look at by that time."""
    return [Law.review_on <= today + ahead, or_(laws_in(IN_FORCE, today), laws_in(COMING, today))]


def keep_owner_task(uow: UnitOfWork, person: Person) -> None:
    """A step: what somebody who left saw to is handed over by who keeps the register."""
    today = uow.archive.today()
    held = (
        select(Obligation.id)
        .join(Law, Law.id == Obligation.law_id)
        .where(Obligation.owner_id == person.id, or_(obligations_in(IN_FORCE, today), obligations_in(COMING, today)))
    )
    if person.active or uow.session.scalar(held.limit(1)) is None:
        close_tasks(uow, OWNER_LEFT, subject_id=person.id)
        return
    _wait(uow, OWNER_LEFT, _KEEPERS, person.id, person.organisation_id, person.display_name, None)


def look_through(workshop: Workshop, _job: Job) -> None:
    """The hourly job: opens what fell due and closes what is not needed any more. Idempotent."""
    archive = workshop.archive
    with archive.reading(_ACTOR) as uow:
        obligations, laws, organisations = _obligations_to_keep(uow), _laws_to_keep(uow), _organisations_to_keep(uow)
        people = _people_to_keep(uow)
    with one_by_one(workshop) as tries:
        for obligation_id in tries.over(sorted(obligations)):
            with tries.of(obligation_id), archive.transaction(_ACTOR, eventless=True) as uow:
                keep_obligation_tasks(uow, uow.session.get_one(Obligation, obligation_id, with_for_update=True))
        for law_id in tries.over(sorted(laws)):
            with tries.of(law_id), archive.transaction(_ACTOR, eventless=True) as uow:
                keep_law_tasks(uow, uow.session.get_one(Law, law_id, with_for_update=True))
        for organisation_id in tries.over(sorted(organisations)):
            with tries.of(organisation_id), archive.transaction(_ACTOR, eventless=True) as uow:
                keep_review_task(uow, organisation_id)
        for person_id in tries.over(sorted(people)):
            with tries.of(person_id), archive.transaction(_ACTOR, eventless=True) as uow:
                _follow_person(uow, uow.session.get_one(Person, person_id, with_for_update=True))


def _obligations_to_keep(uow: UnitOfWork) -> set[str]:
    today = uow.archive.today()
    due = select(Obligation.id).join(Law, Law.id == Obligation.law_id)
    due = due.where(Obligation.evaluate_on <= today + AHEAD, obligations_in(IN_FORCE, today))
    return set(uow.session.scalars(due)) ^ _open_subjects(uow, EVALUATION_DUE)


def _laws_to_keep(uow: UnitOfWork) -> set[str]:
    today = uow.archive.today()
    coming = select(Law.id).where(laws_in(COMING, today), Law.effective_on <= today + AHEAD)
    open_now = _open_subjects(uow, LAW_COMING)
    kept = select(Law.id).where(Law.id.in_(open_now), laws_in(IN_FORCE, today))
    return (set(uow.session.scalars(coming)) ^ open_now) - set(uow.session.scalars(kept))


def _organisations_to_keep(uow: UnitOfWork) -> set[str]:
    due = select(Law.organisation_id).where(*due_for_review(uow.archive.today(), AHEAD)).distinct()
    return set(uow.session.scalars(due)) ^ _open_subjects(uow, LIST_REVIEW)


def _people_to_keep(uow: UnitOfWork) -> set[str]:
    """Who left in the very moment in which something was given to them."""
    today = uow.archive.today()
    owned = select(Obligation.owner_id).join(Law, Law.id == Obligation.law_id)
    owned = owned.join(Person, Person.id == Obligation.owner_id).where(Person.active.is_(False))
    owned = owned.where(or_(obligations_in(IN_FORCE, today), obligations_in(COMING, today))).distinct()
    return set(uow.session.scalars(owned)) ^ _open_subjects(uow, OWNER_LEFT)


def _open_subjects(uow: UnitOfWork, kind: TaskKind) -> set[str]:
    return set(uow.session.scalars(select(Task.subject_id).where(Task.kind == kind.code, Task.closed_at.is_(None))))


def _follow_person(uow: UnitOfWork, person: Person) -> None:
    """Who left is waited for no more: who keeps the register is, until the owner is another or comes back."""
    owned = select(Obligation).where(Obligation.owner_id == person.id, Obligation.withdrawn_at.is_(None))
    for obligation in uow.session.scalars(owned).all():
        keep_obligation_tasks(uow, obligation)
    actions = select(Evaluation).where(Evaluation.action_owner_id == person.id, Evaluation.confirmed_at.is_(None))
    for evaluation in uow.session.scalars(actions).all():
        keep_action_tasks(uow, evaluation)
    keep_owner_task(uow, person)


ROLES_MOVED.then("management.laws", _follow_person)


@after_calendar_change("management.laws")
def count_anew(uow: UnitOfWork) -> None:
    """Counts the days anew that the calendar did not know."""
    for obligation in uow.session.scalars(select(Obligation).where(Obligation.provisional)).all():
        plan_evaluation(uow, obligation)
        keep_obligation_tasks(uow, obligation)
    for law in uow.session.scalars(select(Law).where(Law.provisional)).all():
        plan_review(uow, law)
        keep_law_tasks(uow, law)


def _addressee(uow: UnitOfWork, person_id: str) -> Addressee:
    person = uow.session.get_one(Person, person_id)
    return Addressee(person_id=person_id) if person.active else _KEEPERS


def _wait(
    uow: UnitOfWork, kind: TaskKind, to: Addressee, subject_id: str, organisation_id: str, about: str, due: Due | None
) -> None:
    """Has it wait for one addressee and nobody else."""
    others = or_(Task.person_id.is_distinct_from(to.person_id), Task.permission.is_distinct_from(to.permission))
    uow.session.execute(
        update(Task)
        .where(Task.kind == kind.code, Task.subject_id == subject_id, Task.closed_at.is_(None), others)
        .values(closed_at=uow.now, outcome=NEEDLESS)
    )
    open_task(uow, kind, to=to, subject_id=subject_id, organisation_id=organisation_id, about=about, due=due)


def _about(law: Law, obligation: Obligation) -> str:
    return " · ".join(part for part in (law.title, obligation.clause) if part)

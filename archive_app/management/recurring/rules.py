"""Steps that all acts on duties share: what is locked, what a time of a duty is at, and who waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotTheirsError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.management.colleagues import holds
from archive_app.management.own import require_own
from archive_app.management.recurring.models import Occurrence, OwnDuty, Site
from archive_app.worklist.kinds import TaskKind, task_kind
from archive_app.worklist.models import Task
from archive_app.worklist.tasks import DONE, Addressee, close_tasks, open_task

OPEN, FINISHED, NOT_NEEDED, VOID = "open", "done", "not_needed", "void"
STATES: Mapping[str, str] = {
    OPEN: N_("To be done"),
    FINISHED: N_("Done"),
    NOT_NEEDED: N_("Not needed"),
    VOID: N_("Void"),
}
BY_DUTY, BY_SITE, BY_CHANGE = "duty", "site", "change"
"""What makes a time of a duty void."""
_PAGE, _ARGUMENT = "recurring.occurrence_page", "occurrence_id"
TO_DO = task_kind(
    "management.duty_due",
    N_("Do what falls due, and show it"),
    why=N_("You are responsible for this duty"),
    endpoint=_PAGE,
    subject_argument=_ARGUMENT,
)
WITHOUT_OWNER = task_kind(
    "management.duty_without_owner",
    N_("Do what falls due, or give it to somebody"),
    why=N_("Whoever was responsible cannot do it any more; you manage your organisation's duties"),
    endpoint=_PAGE,
    subject_argument=_ARGUMENT,
)
LATE = task_kind(
    "management.duty_overdue",
    N_("See that an overdue duty is done"),
    why=N_("You manage your organisation's duties"),
    endpoint=_PAGE,
    subject_argument=_ARGUMENT,
)
TASKS = (TO_DO, WITHOUT_OWNER, LATE)


class OccurrenceStateError(ArchiveError):
    """The time of the duty is in a state in which this is not done with it."""

    code = "occurrence_state"
    message = N_(
        "“%(title)s”, due on %(day)s, is in the state “%(state)s”, in which this cannot be done. Nothing was changed; "
        "reload its page and see what happened to it."
    )
    translated = ("state",)


class NotResponsibleError(NotTheirsError):
    """A duty is in the hands of its owner and of those who manage the duties."""

    code = "not_responsible"
    message = N_(
        "%(name)s is responsible for this duty. Nothing was changed; only they, and whoever manages the duties of your "
        "organisation, say that it is done."
    )

    def __init__(self, *, name: str, occurrence_id: str) -> None:
        super().__init__({"occurrence": occurrence_id}, name=name)


class DutyEndedError(ArchiveError):
    """The duty ended, or its site closed."""

    code = "duty_ended"
    message = N_("“%(title)s” ended on %(day)s. Nothing was changed; take the duty on anew if it is needed again.")


@dataclass(frozen=True)
class Wanted:
    """A task that somebody should have about a time of a duty."""

    kind: TaskKind
    person_id: str | None = None
    permission: Permission | None = None


def require_member(uow: UnitOfWork) -> str:
    """A step: the organisation of whoever acts. Raises: InvalidInputError for the archive itself."""
    if uow.actor.person_id is None or uow.actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    return uow.actor.organisation_id


def lock_organisation(uow: UnitOfWork, organisation_id: str) -> Organisation:
    """A step: nobody else changes what the organisation took on until this unit of work ends."""
    return uow.session.get_one(Organisation, organisation_id, with_for_update=True)


def lock_duty(uow: UnitOfWork, duty_id: str) -> OwnDuty:
    """A step: a duty that the actor sees and whose organisation is theirs, its times waiting until this unit ends.

    Raises: NotFoundError, PermissionMissingError for a supervisor.
    """
    uow.require("own_duty", duty_id)
    duty = uow.session.get_one(OwnDuty, duty_id, with_for_update=True, populate_existing=True)
    require_own(uow, duty.organisation_id, Permission.DUTIES_DO)
    return duty


def lock_occurrence(uow: UnitOfWork, occurrence_id: str) -> tuple[OwnDuty, Occurrence]:
    """A step: a time of a duty with the duty, both as they are under the lock of the duty. Raises: as `lock_duty`."""
    uow.require("occurrence", occurrence_id)
    duty = lock_duty(uow, uow.session.get_one(Occurrence, occurrence_id).own_duty_id)
    return duty, uow.session.get_one(Occurrence, occurrence_id, populate_existing=True)


def require_state(found: Occurrence, duty: OwnDuty, *states: str) -> None:
    """Raises: OccurrenceStateError when it is in none of the states."""
    if found.state not in states:
        raise OccurrenceStateError(title=duty.title, day=found.due_on.isoformat(), state=STATES[found.state])


def may_settle(found: Occurrence, by: Actor) -> bool:
    """Whether somebody says that it is done: its owner, or whoever manages the duties of the organisation."""
    if by.organisation_id != found.organisation_id or not by.may(Permission.DUTIES_DO):
        return False
    return by.person_id == found.owner_id or by.may(Permission.DUTIES_MANAGE)


def require_responsible(uow: UnitOfWork, found: Occurrence) -> None:
    """Raises: NotResponsibleError."""
    if not uow.actor.is_system and not may_settle(found, uow.actor):
        owner = uow.session.get_one(Person, found.owner_id)
        raise NotResponsibleError(name=owner.display_name, occurrence_id=found.id)


def rule_day(found: Occurrence) -> date:
    """The day that the rule says, before it is moved off a day of rest; of what a change made due, its day."""
    return found.due_on if found.change_id else date.fromisoformat(found.key)


def falls_due(duty: OwnDuty, site: Site | None, day: date) -> bool:
    """Whether the duty is one on a day: it has not ended, and its site is there."""
    if duty.ended_on is not None and day >= duty.ended_on:
        return False
    if site is None:
        return True
    opened = site.opened_on is None or day >= site.opened_on
    return opened and (site.closed_on is None or day < site.closed_on)


def site_of(uow: UnitOfWork, duty: OwnDuty) -> Site | None:
    """A step: the site of a duty as it is now; None for a duty of the whole organisation."""
    return uow.session.get_one(Site, duty.site_id, populate_existing=True) if duty.site_id else None


def subjects_of(duty: OwnDuty, found: Occurrence | None = None) -> dict[str, str]:
    """What an event about a duty, or about one time of it, is about."""
    about = {"organisation": duty.organisation_id, "own_duty": duty.id}
    return about | {"occurrence": found.id} if found else about


def void(uow: UnitOfWork, found: Occurrence, *, by: str, reason: str) -> None:
    """A step: an open time of a duty is not there any more, for a reason that stays with it."""
    found.state, found.void_by, found.remark = VOID, by, reason
    found.settled_by, found.settled_at = uow.actor.name, uow.now
    close_all_tasks(uow, found.id, outcome="void")


def revive(uow: UnitOfWork, found: Occurrence) -> None:
    """A step: a void time of a duty is there again, since what made it void is gone."""
    found.state, found.void_by, found.remark = OPEN, "", ""
    found.settled_by = found.settled_at = None
    uow.session.flush()
    keep_tasks(uow, found)


def close_all_tasks(uow: UnitOfWork, occurrence_id: str, *, outcome: str = DONE) -> None:
    """A step: nobody waits for it any more."""
    for kind in TASKS:
        close_tasks(uow, kind, subject_id=occurrence_id, outcome=outcome)


def tasks_wanted(uow: UnitOfWork, found: Occurrence, *, owner_can: bool) -> list[Wanted]:
    """Who should have a task about it today: nobody until its day is near; then its owner, or whoever manages the
    duties where the owner left; and those as well once it is overdue."""
    today = uow.archive.today()
    if found.state != OPEN or found.due_on > today + timedelta(days=uow.archive.rules.duties.remind_days):
        return []
    if not owner_can:
        return [Wanted(WITHOUT_OWNER, permission=Permission.DUTIES_MANAGE)]
    wanted = [Wanted(TO_DO, person_id=found.owner_id)]
    if found.due_on < today:
        wanted.append(Wanted(LATE, permission=Permission.DUTIES_MANAGE))
    return wanted


def keep_tasks(uow: UnitOfWork, found: Occurrence) -> None:
    """A step: exactly those have a task about it who should have one today."""
    wanted = tasks_wanted(uow, found, owner_can=owner_can_do(uow, found))
    kept = {(task.kind.code, task.person_id) for task in wanted}
    still_open = select(Task).where(
        Task.subject_id == found.id, Task.kind.in_([kind.code for kind in TASKS]), Task.closed_at.is_(None)
    )
    for task in uow.session.scalars(still_open).all():
        if (task.kind, task.person_id) not in kept:
            task.closed_at, task.outcome = uow.now, "void"
    duty = uow.session.get_one(OwnDuty, found.own_duty_id)
    for one in wanted:
        open_task(
            uow,
            one.kind,
            to=Addressee(person_id=one.person_id, permission=one.permission),
            subject_id=found.id,
            organisation_id=found.organisation_id,
            about=duty.title,
            due=Due(found.due_on, found.provisional),
        )


def owner_can_do(uow: UnitOfWork, found: Occurrence) -> bool:
    """A step: whether its owner is still there and may say that it is done."""
    owner = uow.session.get_one(Person, found.owner_id)
    return owner.organisation_id == found.organisation_id and holds(uow, owner, Permission.DUTIES_DO)

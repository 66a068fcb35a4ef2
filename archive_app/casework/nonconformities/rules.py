"""What may be done with a nonconformity, in which state and by whom: the one table, and the steps that ask it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from sqlalchemy import func, select

from archive_app.casework.hands import is_assigned
from archive_app.casework.models import Nonconformity, NonconformityStep
from archive_app.engagements.engagements import lock_engagement
from archive_app.engagements.models import Engagement
from archive_app.engagements.policy import LEAD, WORK
from archive_app.kernel.duties import CORRECTION_CONFIRMED_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.working_days import Due
from archive_app.worklist.calendar import working_days
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import Addressee, close_tasks, open_task

GRADES = {"major": N_("Major"), "minor": N_("Minor"), "observation": N_("Observation")}
BLOCKING = frozenset({"major", "minor"})
"""The grades that have to be confirmed or withdrawn before the stage is left; observations stand in nobody's way."""
STATES = {
    "raised": N_("Raised"),
    "answered": N_("Answered"),
    "confirmed": N_("Confirmed"),
    "returned": N_("Returned"),
    "withdrawn": N_("Withdrawn"),
}
CLOSED = frozenset({"confirmed", "withdrawn"})
TEAM, LEADER = ("leader", "member"), ("leader",)
MOST_DAYS = 250
"""How many working days somebody may be given: a year of them."""


@dataclass(frozen=True)
class Act:
    """Something that is done with a nonconformity: in which states, what it is then (empty: as before), and which parts
    of the team may do it. Of the acts of the team, the client does those that are `by_link` as well."""

    states: frozenset[str]
    to: str
    parts: tuple[str, ...]
    by_link: bool = False


_WAITING = frozenset({"raised", "returned"})
_OPEN = _WAITING | {"answered"}
ACTS: Mapping[str, Act] = {
    "answer": Act(_WAITING, "answered", TEAM, by_link=True),
    "show": Act(_OPEN, "", TEAM, by_link=True),
    "ask": Act(_OPEN, "", TEAM),
    "confirm": Act(frozenset({"answered"}), "confirmed", TEAM),
    "return": Act(frozenset({"answered"}), "returned", TEAM),
    "withdraw": Act(_OPEN, "withdrawn", LEADER),
}
"""`show` attaches a document as evidence of the correction; `ask` puts the nonconformity onto a link of the client."""

WAITS_FOR_ANSWER = task_kind(
    "casework.nonconformity_raised",
    N_("See that a nonconformity is corrected"),
    why=N_("You lead this engagement"),
    endpoint="nonconformities.nonconformity_page",
    subject_argument="nonconformity_id",
)
WAITS_FOR_LOOK = task_kind(
    "casework.nonconformity_answered",
    N_("Confirm the correction of a nonconformity, or return it"),
    why=N_("You are on the team of this engagement"),
    endpoint="nonconformities.nonconformity_page",
    subject_argument="nonconformity_id",
)


class NonconformityStateError(ArchiveError):
    """The nonconformity is in a state in which this is not done with it."""

    code = "nonconformity_state"
    message = N_(
        "Nonconformity %(number)s is in the state “%(state)s”, in which this cannot be done. Nothing was changed; "
        "reload its page and see what happened to it."
    )
    translated = ("state",)


class NotOfTheTeamError(ArchiveError):
    """Nonconformities are the business of the team proper."""

    code = "not_of_the_team"
    message = N_("You are not on the team of this engagement in the part that does this. Nothing was changed.")


def require_part(uow: UnitOfWork, engagement_id: str, parts: tuple[str, ...]) -> None:
    """A step: refuses whoever does not work in the engagement in one of the parts.

    Raises: NotFoundError, PermissionMissingError, NotOfTheTeamError.
    """
    uow.require(LEAD if parts == LEADER else WORK, engagement_id, Permission.NONCONFORMITIES_MANAGE)
    if not is_assigned(uow.session, engagement_id, uow.actor.person_id, *parts):
        raise NotOfTheTeamError


def locked_for(uow: UnitOfWork, nonconformity_id: str, act: str) -> tuple[Engagement, Nonconformity]:
    """The step that every act of the team begins with: who, which engagement (locked), which state.

    Raises: NotFoundError, NotOfTheTeamError, EngagementSealedError, NonconformityStateError.
    """
    uow.require("nonconformity", nonconformity_id)
    engagement_id = uow.session.get_one(Nonconformity, nonconformity_id).engagement_id
    require_part(uow, engagement_id, ACTS[act].parts)
    engagement = lock_engagement(uow.session, engagement_id)
    return engagement, in_state_for(uow, nonconformity_id, act)


def in_state_for(uow: UnitOfWork, nonconformity_id: str, act: str) -> Nonconformity:
    """The step that reads the nonconformity under the lock of its engagement. Raises: NonconformityStateError."""
    found = uow.session.get_one(Nonconformity, nonconformity_id, populate_existing=True)
    if found.state not in ACTS[act].states:
        raise NonconformityStateError(number=found.position, state=STATES[found.state])
    return found


def require_not_the_corrector(uow: UnitOfWork, found: Nonconformity) -> None:
    """A step: refuses whoever gave an answer to it, in whatever round. Raises: DutiesNotSeparateError."""
    answered = select(NonconformityStep.by).where(
        NonconformityStep.nonconformity_id == found.id, NonconformityStep.kind.in_(("answered", "shown"))
    )
    CORRECTION_CONFIRMED_BY_ANOTHER.require_apart(uow.actor.person_id, uow.session.scalars(answered))


def acts_open(uow: UnitOfWork, found: Nonconformity) -> set[str]:
    """What the actor could do with it now, for the page to offer; the rule of two hands is asked by itself."""
    engagement = uow.session.get_one(Engagement, found.engagement_id)
    allowed = uow.archive.policy.allows(uow.session, uow.actor, WORK, engagement.id)
    if engagement.sealed_at or not allowed or not uow.actor.may(Permission.NONCONFORMITIES_MANAGE):
        return set()
    return {
        name
        for name, act in ACTS.items()
        if found.state in act.states and is_assigned(uow.session, engagement.id, uow.actor.person_id, *act.parts)
    }


def due_after(uow: UnitOfWork, days: int) -> Due:
    """The day by which something is due that gets so many working days from today. Raises: InvalidInputError."""
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInputError(field=N_("Working days"), reason=N_("Give a number from 1 to 250."))
    return working_days(uow).after(uow.archive.today(), days)


def add_step(uow: UnitOfWork, found: Nonconformity, kind: str, **words: str) -> NonconformityStep:
    """The step that adds to the history of a nonconformity, whose engagement is locked."""
    last = select(func.max(NonconformityStep.position)).where(NonconformityStep.nonconformity_id == found.id)
    none = dict.fromkeys(("correction", "cause", "similar_cases", "corrective_action", "reason"), "")
    told = {"name": uow.actor.display_name, **none, **words}
    row = NonconformityStep(
        id=uow.new_id(),
        nonconformity_id=found.id,
        position=(uow.session.scalar(last) or 0) + 1,
        kind=kind,
        by=uow.actor.name,
        at=uow.now,
        **told,
    )
    uow.session.add(row)
    return row


def keep_tasks(uow: UnitOfWork, engagement: Engagement, found: Nonconformity) -> None:
    """The step that has the right people wait for the nonconformity as it is now: whoever leads sees that an answer
    comes; the answer is looked at by somebody else than who gave it."""
    opened = partial(
        open_task,
        uow,
        subject_id=found.id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=f"{engagement.number} · {found.position}",
    )
    if found.state in _WAITING:
        close_tasks(uow, WAITS_FOR_LOOK, subject_id=found.id)
        due = Due(found.due_on, found.provisional)
        opened(WAITS_FOR_ANSWER, to=Addressee(part="leader"), due=due)
        return
    close_tasks(uow, WAITS_FOR_ANSWER, subject_id=found.id, outcome="void" if found.state == "withdrawn" else "done")
    if found.state != "answered":
        close_tasks(uow, WAITS_FOR_LOOK, subject_id=found.id, outcome="void" if found.state == "withdrawn" else "done")
        return
    led = is_assigned(uow.session, engagement.id, uow.actor.person_id, "leader")
    opened(WAITS_FOR_LOOK, to=Addressee(part="member" if led else "leader"))

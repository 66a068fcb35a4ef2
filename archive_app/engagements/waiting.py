"""What of engagements waits for whom: steps of the use cases here that put it on work lists and take it off."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Access, AccessRequest, Assignment, Engagement
from archive_app.engagements.policy import task_in_sight
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.worklist.engagements_known import EngagementsKnown, Named, know_engagements
from archive_app.worklist.kinds import task_kind
from archive_app.worklist.tasks import NEEDLESS, Addressee, close_tasks, open_task

DECLARE = task_kind(
    "engagements.declare",
    N_("Declare your impartiality"),
    why=N_("You are assigned to this engagement"),
    endpoint="filing.declaration_page",
    unseen=True,
)
DECIDE_ACCESS = task_kind(
    "engagements.decide_access",
    N_("Decide about a request for access"),
    why=N_("You lead the engagement, or keep the archive"),
    endpoint="admission.request_page",
    subject_argument="request_id",
)
GLASS = task_kind(
    "engagements.glass_broken",
    N_("Glass was broken: take note"),
    why=N_("You lead this engagement"),
    endpoint="admission.audience_page",
    urgent=True,
    noted=True,
)


def follow_declarations(uow: UnitOfWork, engagement: Engagement) -> None:
    """A step: whoever is assigned and has not declared is to declare; whoever was taken off need not any more."""
    assigned = select(Assignment.person_id, Assignment.declared_at, Assignment.ended_at)
    for person_id, declared_at, ended_at in uow.session.execute(
        assigned.where(Assignment.engagement_id == engagement.id).order_by(Assignment.person_id)
    ).all():
        subject = f"{engagement.id}:{person_id}"
        if ended_at is not None:
            close_tasks(uow, DECLARE, subject_id=subject, outcome=NEEDLESS)
        elif declared_at is None:
            open_task(
                uow,
                DECLARE,
                to=Addressee(person_id=person_id),
                subject_id=subject,
                organisation_id=engagement.organisation_id,
                engagement_id=engagement.id,
            )


def has_declared(uow: UnitOfWork, engagement_id: str, person_id: str) -> None:
    """A step: somebody has declared."""
    close_tasks(uow, DECLARE, subject_id=f"{engagement_id}:{person_id}")


def await_decision(uow: UnitOfWork, request: AccessRequest, *, asked_by: str) -> None:
    """A step: a request waits for whoever leads the engagement; for who keeps the archive as long as nobody leads it,
    or it is not known which engagement is meant."""
    close_tasks(uow, DECIDE_ACCESS, subject_id=request.id, outcome=NEEDLESS)
    led = request.engagement_id is not None and having_part(uow, request.engagement_id, "leader")
    open_task(
        uow,
        DECIDE_ACCESS,
        to=Addressee(part="leader") if led else Addressee(permission=Permission.ENGAGEMENTS_KEEP),
        subject_id=request.id,
        organisation_id=request.organisation_id,
        engagement_id=request.engagement_id,
        about=asked_by,
    )


def decided(uow: UnitOfWork, request: AccessRequest) -> None:
    """A step: the request waits no longer."""
    close_tasks(uow, DECIDE_ACCESS, subject_id=request.id)


def ring(uow: UnitOfWork, engagement: Engagement, access: Access, *, by: str) -> None:
    """A step: whoever leads the engagement is to know that its glass was broken."""
    open_task(
        uow,
        GLASS,
        to=Addressee(part="leader"),
        subject_id=access.id,
        organisation_id=engagement.organisation_id,
        engagement_id=engagement.id,
        about=by,
    )


def having_part(uow: UnitOfWork, engagement_id: str, part: str) -> Sequence[str]:
    """A step: who has the part and has declared."""
    declared = (Assignment.ended_at.is_(None), Assignment.declared_at.is_not(None))
    people = select(Assignment.person_id).where(Assignment.engagement_id == engagement_id, Assignment.part == part)
    return uow.session.scalars(people.where(*declared).order_by(Assignment.person_id)).all()


def _named(uow: UnitOfWork, engagement_ids: Collection[str]) -> Mapping[str, Named]:
    rows = select(Engagement.id, Engagement.number, Engagement.title).where(Engagement.id.in_(engagement_ids))
    return {row.id: Named(row.number, row.title) for row in uow.session.execute(rows)}


def _numbered(uow: UnitOfWork, organisation_id: str, number: str) -> str | None:
    # The archivist and the team alike work in their own organisation; a number is unique in it.
    same = (Engagement.organisation_id == organisation_id, Engagement.number == number, Engagement.activity != LIBRARY)
    return uow.session.scalar(select(Engagement.id).where(*same))


know_engagements(EngagementsKnown(_named, _numbered, having_part, task_in_sight))

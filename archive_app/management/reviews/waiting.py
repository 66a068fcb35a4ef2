"""Whom management reviews and their decisions wait for, when people come, leave or get other roles."""

from sqlalchemy import select

from archive_app.identity.granting import ROLES_MOVED
from archive_app.identity.models import Person
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.reviews.models import ManagementReview, ReviewDecision
from archive_app.management.reviews.rules import HELD, PLANNED, keep_decision_tasks, keep_review_tasks


def _follow(uow: UnitOfWork, person: Person) -> None:
    """A planned review whose reviewer may not hold it any more, and a decision whose owner left, wait for whoever
    prepares reviews; when they are back, for themselves again."""
    planned = select(ManagementReview).where(
        ManagementReview.organisation_id == person.organisation_id,
        ManagementReview.reviewer_id == person.id,
        ManagementReview.state == PLANNED,
    )
    for review in uow.session.scalars(planned).all():
        keep_review_tasks(uow, review)
    owned = (
        select(ManagementReview, ReviewDecision)
        .join(ReviewDecision, ReviewDecision.review_id == ManagementReview.id)
        .where(
            ReviewDecision.organisation_id == person.organisation_id,
            ReviewDecision.owner_id == person.id,
            ReviewDecision.done_at.is_(None),
            ManagementReview.state == HELD,
        )
    )
    for review, decision in uow.session.execute(owned).all():
        keep_decision_tasks(uow, review, decision)


ROLES_MOVED.then("management.reviews", _follow)

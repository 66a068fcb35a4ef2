"""Who had a hand in an engagement: whom the rules of separation are asked about."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.casework.models import (
    MaterialDelivery,
    Nonconformity,
    NonconformityStep,
    Record,
    Review,
    ReviewComment,
    Waiver,
)
from archive_app.documents.models import Version
from archive_app.engagements.models import Assignment
from archive_app.engagements.teams import TEAM_PARTS


def worked_on(session: Session, engagement_id: str, report: str) -> set[str]:
    """Those who worked on it: everybody who is or was on its team, and whoever did the team's work all the same.

    That is raising, answering and closing nonconformities, saying that a required record does not apply, accepting or
    returning what the client brought, asking for a review, answering remarks, and filing a version of a document of the
    type `report`.
    """
    reviews = select(Review.id).where(Review.engagement_id == engagement_id)
    found = select(Nonconformity.id).where(Nonconformity.engagement_id == engagement_id)
    reports = select(Record.document_id).where(Record.engagement_id == engagement_id, Record.type == report)
    asked = (
        select(Assignment.person_id).where(
            Assignment.engagement_id == engagement_id, Assignment.part.in_(sorted(TEAM_PARTS))
        ),
        select(Nonconformity.raised_by).where(Nonconformity.engagement_id == engagement_id),
        select(NonconformityStep.by).where(NonconformityStep.nonconformity_id.in_(found)),
        select(Review.asked_by).where(Review.engagement_id == engagement_id),
        select(ReviewComment.answered_by).where(
            ReviewComment.review_id.in_(reviews), ReviewComment.answered_by.is_not(None)
        ),
        select(Waiver.waived_by).where(Waiver.engagement_id == engagement_id),
        select(Record.decided_by)
        .join(MaterialDelivery, MaterialDelivery.document_id == Record.document_id)
        .where(Record.engagement_id == engagement_id, Record.decided_by.is_not(None)),
        select(Version.filed_by).where(Version.document_id.in_(reports)),
    )
    return {str(person) for statement in asked for person in session.scalars(statement)}


def reviewed(session: Session, engagement_id: str) -> set[str]:
    """Those who are or were its technical reviewers, and whoever wrote a remark all the same."""
    reviews = select(Review.id).where(Review.engagement_id == engagement_id)
    asked = (
        select(Assignment.person_id).where(
            Assignment.engagement_id == engagement_id, Assignment.part.not_in(sorted(TEAM_PARTS))
        ),
        select(Review.reviewer_id).where(Review.engagement_id == engagement_id),
        select(ReviewComment.written_by).where(ReviewComment.review_id.in_(reviews)),
    )
    return {str(person) for statement in asked for person in session.scalars(statement)}


def is_assigned(session: Session, engagement_id: str, person_id: str | None, *parts: str) -> bool:
    """Whether somebody is assigned in one of the parts now, and has declared."""
    assigned = select(Assignment.person_id).where(
        Assignment.engagement_id == engagement_id,
        Assignment.person_id == person_id,
        Assignment.part.in_(parts),
        Assignment.ended_at.is_(None),
        Assignment.declared_at.is_not(None),
    )
    return session.scalar(assigned) is not None

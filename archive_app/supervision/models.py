"""Tables of supervision."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class SupervisionGrant(Base):
    """A supervisor may read what a verification body keeps, for a purpose and a time; visible to both sides.

    Either the supervisor asks and the body's archivist decides, or the archivist offers it to the login `offered_to`
    and whoever has that login takes it: `person_id` and `authority_id` are empty until then. `outcome` is one of
    `policy.OUTCOMES`, empty while a request waits. What it opens stands in `SupervisionScope`, and nowhere else.
    """

    __tablename__ = "supervision_grant"
    __table_args__ = (
        Index(None, "person_id", "id"),
        Index(None, "authority_id", "id"),
        Index(None, "organisation_id", "id"),
        Index(None, "offered_to", "id"),
        # Nobody reads by a grant that is nobody's.
        CheckConstraint("outcome <> 'granted' OR (person_id IS NOT NULL AND until IS NOT NULL)", name="of_a_person"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    authority_id: Mapped[Id | None] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    offered_to: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(300))
    reference: Mapped[str] = mapped_column(String(100))
    wanted: Mapped[str] = mapped_column(String(1000))
    asked_at: Mapped[datetime]
    asked_until: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(8))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(1000))
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    end_reason: Mapped[str] = mapped_column(String(1000))


class SupervisionScope(Base):
    """One thing that a grant opens: `whole`, all of the body; or an engagement; or a client, a year, a client's year.

    A grant without rows opens nothing, and all of a body is opened by a row that says so.
    """

    __tablename__ = "supervision_scope"
    __table_args__ = (
        Index(None, "grant_id", "id"),
        Index(None, "engagement_id", "grant_id"),
        CheckConstraint(
            "(whole AND engagement_id IS NULL AND client_id IS NULL AND year IS NULL) OR "
            "(NOT whole AND engagement_id IS NOT NULL AND client_id IS NULL AND year IS NULL) OR "
            "(NOT whole AND engagement_id IS NULL AND (client_id IS NOT NULL OR year IS NOT NULL))",
            name="one_thing",
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    grant_id: Mapped[Id] = mapped_column(ForeignKey("supervision_grant.id"))
    whole: Mapped[bool]
    engagement_id: Mapped[Id | None] = mapped_column(ForeignKey("engagement.id"))
    client_id: Mapped[Id | None] = mapped_column(ForeignKey("client.id"))
    year: Mapped[int | None]

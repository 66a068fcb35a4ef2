"""Tables of clients, engagements and teams."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Client(Base):
    """A reporting entity 重点排放单位 whose emissions are verified."""

    __tablename__ = "client"
    __table_args__ = (UniqueConstraint("organisation_id", "name"), Index(None, "organisation_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    credit_code: Mapped[str | None] = mapped_column(String(18))
    created_at: Mapped[datetime]


class Engagement(Base):
    """A verification assignment 核查项目 while work goes on."""

    __tablename__ = "engagement"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        Index(None, "organisation_id", "id"),
        Index(None, "client_id", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    client_id: Mapped[Id] = mapped_column(ForeignKey("client.id"))
    number: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    year: Mapped[int]
    created_at: Mapped[datetime]


class TeamMember(Base):
    """A person on an engagement's team; `leader` or `member`."""

    __tablename__ = "team_member"
    __table_args__ = (Index(None, "person_id", "engagement_id"),)

    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"), primary_key=True)
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(10))
    assigned_at: Mapped[datetime]

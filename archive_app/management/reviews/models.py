"""Tables of management reviews."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class ManagementReview(Base):
    """A management review 管理评审 (S1 10.3, S2 10.3). `state` is planned, held (top management confirmed that it
    reviewed in person) or cancelled, with `reason`. `suitability`, `adequacy` and `effectiveness` are its conclusion;
    `report_id` is the report, filed in the organisation's library."""

    __tablename__ = "management_review"
    __table_args__ = (UniqueConstraint("organisation_id", "year", "ordinal"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    year: Mapped[int]
    ordinal: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    on: Mapped[date]
    place: Mapped[str] = mapped_column(String(200))
    period_from: Mapped[date]
    period_to: Mapped[date]
    reviewer_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10))
    suitability: Mapped[str] = mapped_column(Text)
    adequacy: Mapped[str] = mapped_column(Text)
    effectiveness: Mapped[str] = mapped_column(Text)
    held_at: Mapped[datetime | None]
    report_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(1000))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class ReviewInput(Base):
    """A point of the agenda, or a section of the report that people write: `code` is one of
    `config/management_review.toml`; `figures` what the archive counted (JSON: code to number) when `filled_at`, `words`
    what people say to it."""

    __tablename__ = "review_input"

    review_id: Mapped[Id] = mapped_column(ForeignKey("management_review.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    figures: Mapped[str] = mapped_column(Text)
    filled_at: Mapped[datetime | None]
    words: Mapped[str] = mapped_column(Text)
    said_by: Mapped[str | None] = mapped_column(String(64))


class ReviewAttendance(Base):
    """Somebody took part in a management review, with an account here or without."""

    __tablename__ = "review_attendance"

    id: Mapped[Id] = mapped_column(primary_key=True)
    review_id: Mapped[Id] = mapped_column(ForeignKey("management_review.id"), index=True)
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(String(100))
    function: Mapped[str] = mapped_column(String(100))


class ReviewDecision(Base):
    """What a management review decided: `code` is an output of `config/management_review.toml`. Somebody does it by a
    day; `done_at` says that they did, `result` what came of it."""

    __tablename__ = "review_decision"
    __table_args__ = (Index(None, "review_id", "id"), Index(None, "organisation_id", "done_at", "due_on", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    review_id: Mapped[Id] = mapped_column(ForeignKey("management_review.id"))
    code: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(String(2000))
    owner_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    due_on: Mapped[date]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(64))
    result: Mapped[str] = mapped_column(String(2000))


class ReviewNothing(Base):
    """A management review has nothing to decide about an output, because of `reason`."""

    __tablename__ = "review_nothing"

    review_id: Mapped[Id] = mapped_column(ForeignKey("management_review.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(String(2000))
    said_by: Mapped[str] = mapped_column(String(64))

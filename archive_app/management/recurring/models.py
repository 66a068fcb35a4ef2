"""Tables of duties that come back."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Site(Base):
    """A place or installation of an organisation that has duties of its own; from `closed_on` on it has none, and
    before `opened_on` neither."""

    __tablename__ = "site"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    opened_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    closed_reason: Mapped[str] = mapped_column(String(1000))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class OwnDuty(Base):
    """A recurring duty that an organisation took on: one of `config/recurring`, or one of its own words.

    `code` is of the catalogue, or empty with `title`, `records` and `source` said here. It falls due every
    `every_months`, the first time on `first_on` and then on the same day of the month, or on the last day of shorter
    ones. `owner_id` has to do it. From `ended_on` on nothing new falls due.
    """

    __tablename__ = "own_duty"
    __table_args__ = (Index(None, "organisation_id", "id"), Index(None, "ended_on", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    site_id: Mapped[Id | None] = mapped_column(ForeignKey("site.id"))
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(100))
    records: Mapped[str] = mapped_column(String(300))
    template_id: Mapped[Id | None] = mapped_column(ForeignKey("controlled_document.id"))
    owner_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    every_months: Mapped[int]
    first_on: Mapped[date]
    taken_on_by: Mapped[str] = mapped_column(String(64))
    taken_on_at: Mapped[datetime]
    ended_on: Mapped[date | None]
    ended_reason: Mapped[str] = mapped_column(String(1000))


class Change(Base):
    """A change of an organisation that may make reviews necessary again (S2 7.3.1 note, 7.5). `kind` is one of
    `changes.KINDS`. One that was recorded wrongly is withdrawn, and stays."""

    __tablename__ = "change"
    __table_args__ = (Index(None, "organisation_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    site_id: Mapped[Id | None] = mapped_column(ForeignKey("site.id"))
    kind: Mapped[str] = mapped_column(String(30))
    happened_on: Mapped[date]
    description: Mapped[str] = mapped_column(String(2000))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str] = mapped_column(String(1000))


class Occurrence(Base):
    """A duty falls due once: `key` says which time (2026-03-31, or change:<id>), so that none is there twice.

    `state` is open, done, not_needed (with a reason) or void, and `void_by` says what made it void: the duty (it ended,
    or its days changed), the site (it closed) or the change (it was withdrawn). `due_on` is the day by the rule, or the
    working day before it where that is a day of rest; `provisional` while the calendar of that year is not known.
    """

    __tablename__ = "occurrence"
    __table_args__ = (
        UniqueConstraint("own_duty_id", "key"),
        Index(None, "organisation_id", "year", "due_on", "id"),
        Index(None, "state", "due_on", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    own_duty_id: Mapped[Id] = mapped_column(ForeignKey("own_duty.id"))
    key: Mapped[str] = mapped_column(String(50))
    change_id: Mapped[Id | None] = mapped_column(ForeignKey("change.id"))
    year: Mapped[int]
    due_on: Mapped[date]
    provisional: Mapped[bool]
    owner_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10))
    void_by: Mapped[str] = mapped_column(String(10))
    remark: Mapped[str] = mapped_column(String(1000))
    settled_by: Mapped[str | None] = mapped_column(String(64))
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class OccurrenceRecord(Base):
    """A document that shows that a duty was done; `type` is one of `config/record_types.toml`."""

    __tablename__ = "occurrence_record"
    __table_args__ = (Index(None, "document_id"),)

    occurrence_id: Mapped[Id] = mapped_column(ForeignKey("occurrence.id"), primary_key=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    type: Mapped[str] = mapped_column(String(60))
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]

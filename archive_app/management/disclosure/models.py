"""Tables of what an organisation makes public."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class DisclosurePage(Base):
    """The public page of an organisation: `code` is its address; nothing is shown while it is closed."""

    __tablename__ = "disclosure_page"
    __table_args__ = (UniqueConstraint("code"),)

    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    open: Mapped[bool]
    introduction: Mapped[str] = mapped_column(String(2000))


class Disclosure(Base):
    """The decision to make a document public or not (S1 A.1, S2 4.2, 5.3). `state` is proposed, published, refused or
    ended; whoever decides is not who proposed it. `version_id` is the exact version that is published,
    `downloads` how often it was taken along, by whom nobody knows."""

    __tablename__ = "disclosure"
    __table_args__ = (
        Index(None, "organisation_id", "state", "id"),
        Index(None, "document_id", "id"),
        Index(
            "uq_disclosure_living",
            "document_id",
            unique=True,
            sqlite_where=text("state IN ('proposed', 'published')"),
            postgresql_where=text("state IN ('proposed', 'published')"),
        ),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    version_id: Mapped[Id] = mapped_column(ForeignKey("version.id"))
    title: Mapped[str] = mapped_column(String(300))
    reason: Mapped[str] = mapped_column(String(1000))
    source: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10))
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(String(1000))
    published_at: Mapped[datetime | None]
    until: Mapped[date | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    ended_reason: Mapped[str] = mapped_column(String(1000))
    downloads: Mapped[int]

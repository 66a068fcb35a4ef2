"""The archive's own identity: one row, written once when the archive is made."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from archive_app.kernel.tables import Base, Id


class ArchiveIdentity(Base):
    """Which archive this is. `origin` and `verification_key` are what verifiers of the log pin."""

    __tablename__ = "archive_identity"
    __table_args__ = (CheckConstraint("single = 1", name="single"),)

    single: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    archive_id: Mapped[Id]
    origin: Mapped[str] = mapped_column(String(128))
    verification_key: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime]


def read_identity(session: Session) -> ArchiveIdentity | None:
    """The row, or None in a database where no archive was made yet."""
    return session.scalar(select(ArchiveIdentity))

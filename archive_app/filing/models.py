"""Tables of declarations."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Declaration(Base):
    """A person declared impartiality, confidentiality and integrity for an engagement (S0 5.10, annex C).

    `way` is `confirmed` (with a password or second factor) or `signed` (on paper, scanned). `document_id` is the record
    of it in the engagement; `text_sha256` the digest of the very words, of the text's `version` in `language`.
    """

    __tablename__ = "declaration"
    __table_args__ = (Index(None, "engagement_id", "person_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    version: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(16))
    text_sha256: Mapped[bytes]
    way: Mapped[str] = mapped_column(String(10))
    recorded_by: Mapped[str] = mapped_column(String(64))
    declared_at: Mapped[datetime]

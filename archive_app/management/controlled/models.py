"""Tables of controlled documents: their editions, who said what of them, who reads them."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class NumberPattern(Base):
    """How an organisation numbers its controlled documents of a kind: `pattern` as in `numbering.py`, `last` the
    highest running number given by it."""

    __tablename__ = "number_pattern"

    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    pattern: Mapped[str] = mapped_column(String(100))
    last: Mapped[int]


class ControlledDocument(Base):
    """A document of the management system 受控文件 through its life; its editions are what people read.

    `kind` is one of `values.KINDS`, `keeping` maintain 保持 (it is revised) or retain 保留 (it stays as it was issued;
    S2 7.3.1). `state` is draft (nothing was issued yet), in_force or withdrawn; `in_force_id` the edition that opens by
    default. `reviewed_on` is when it was last found fit, `review_on` when it is looked at next. An external document
    has an `issuer` and `issuer_number`, and is watched for new editions: `watched_on` is when somebody last looked.
    """

    __tablename__ = "controlled_document"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        Index(None, "organisation_id", "state", "number"),
        Index(None, "organisation_id", "kind", "number"),
        Index(None, "review_on", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    number: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    keeping: Mapped[str] = mapped_column(String(10))
    department: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    clauses: Mapped[str] = mapped_column(String(300))
    level: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    in_force_id: Mapped[Id | None]
    review_months: Mapped[int | None]
    reviewed_on: Mapped[date | None]
    review_on: Mapped[date | None]
    issuer: Mapped[str] = mapped_column(String(200))
    issuer_number: Mapped[str] = mapped_column(String(100))
    watched_on: Mapped[date | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_reason: Mapped[str] = mapped_column(String(1000))
    replaced_by_id: Mapped[Id | None] = mapped_column(ForeignKey("controlled_document.id"))
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class Edition(Base):
    """An edition 版次 of a controlled document, from draft to the day another one takes its place.

    `ordinal` counts from 1, `label` is what people call it (A/0). `state` is draft, in_review, in_approval, approved,
    in_force, superseded, withdrawn or abandoned; one edition at most is on its way (`on_the_way`). `document_id` is its
    newest file, in the library of the organisation; `base_id` the edition that it revises. `effective_on` is from when
    it is in force, once issued.
    """

    __tablename__ = "edition"
    __table_args__ = (
        UniqueConstraint("controlled_document_id", "ordinal"),
        Index(
            "uq_edition_on_the_way",
            "controlled_document_id",
            unique=True,
            sqlite_where=text("on_the_way"),
            postgresql_where=text("on_the_way"),
        ),
        Index(None, "document_id"),
        Index(None, "state", "effective_on", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    controlled_document_id: Mapped[Id] = mapped_column(ForeignKey("controlled_document.id"))
    ordinal: Mapped[int]
    label: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12))
    on_the_way: Mapped[bool]
    base_id: Mapped[Id | None] = mapped_column(ForeignKey("edition.id"))
    change_note: Mapped[str] = mapped_column(String(2000))
    document_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    author_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    begun_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    effective_on: Mapped[date | None]
    issued_by: Mapped[str | None] = mapped_column(String(64))
    issued_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class EditionFile(Base):
    """A file that an edition had while it was written; each stays, the newest is `Edition.document_id`."""

    __tablename__ = "edition_file"
    __table_args__ = (UniqueConstraint("edition_id", "ordinal"),)

    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    edition_id: Mapped[Id] = mapped_column(ForeignKey("edition.id"))
    ordinal: Mapped[int]
    added_by: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]


class EditionStep(Base):
    """Somebody is asked to review an edition or to approve it, about one of its files. `part` is review or approval,
    `state` waiting, agreed, refused or void (somebody else was asked, or the file changed)."""

    __tablename__ = "edition_step"
    __table_args__ = (Index(None, "edition_id", "id"), Index(None, "person_id", "state", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    edition_id: Mapped[Id] = mapped_column(ForeignKey("edition.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    part: Mapped[str] = mapped_column(String(10))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10))
    remark: Mapped[str] = mapped_column(String(2000))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Recipient(Base):
    """Who a controlled document is distributed to 发放: a person, or all who hold a role; exactly one of the two."""

    __tablename__ = "recipient"
    __table_args__ = (Index(None, "controlled_document_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    controlled_document_id: Mapped[Id] = mapped_column(ForeignKey("controlled_document.id"))
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str | None] = mapped_column(String(40))
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]


class Acknowledgement(Base):
    """Somebody is to read an edition and to confirm that they did 阅读确认. `state` is waiting, read, or void (the
    edition was replaced or the person left before)."""

    __tablename__ = "acknowledgement"
    __table_args__ = (Index(None, "state", "due_on", "edition_id"), Index(None, "person_id", "state", "edition_id"))

    edition_id: Mapped[Id] = mapped_column(ForeignKey("edition.id"), primary_key=True)
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    due_on: Mapped[date]
    told_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class ControlledCopy(Base):
    """A numbered paper copy 受控副本 of an edition. `outcome` is empty while it is out, then returned, destroyed,
    marked 作废 (kept, and marked as void) or lost."""

    __tablename__ = "controlled_copy"
    __table_args__ = (UniqueConstraint("edition_id", "number"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    edition_id: Mapped[Id] = mapped_column(ForeignKey("edition.id"))
    number: Mapped[int]
    holder: Mapped[str] = mapped_column(String(200))
    place: Mapped[str] = mapped_column(String(200))
    given_by: Mapped[str] = mapped_column(String(64))
    given_on: Mapped[date]
    outcome: Mapped[str] = mapped_column(String(10))
    ended_on: Mapped[date | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))


class FormUse(Base):
    """An engagement took a controlled form to fill in; `edition_id` is the one it took, which it may finish with."""

    __tablename__ = "form_use"
    __table_args__ = (Index(None, "engagement_id", "edition_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    edition_id: Mapped[Id] = mapped_column(ForeignKey("edition.id"))
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    taken_by: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime]


class Finding(Base):
    """What a periodic review of a controlled document found, or a look for new editions of an external one.

    `part` is review or watch; `outcome` fit, to_revise, to_withdraw, unchanged or new_edition.
    """

    __tablename__ = "finding"
    __table_args__ = (Index(None, "controlled_document_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    controlled_document_id: Mapped[Id] = mapped_column(ForeignKey("controlled_document.id"))
    part: Mapped[str] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(20))
    remark: Mapped[str] = mapped_column(String(1000))
    found_by: Mapped[str] = mapped_column(String(64))
    found_at: Mapped[datetime]

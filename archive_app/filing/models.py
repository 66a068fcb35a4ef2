"""Tables of declarations, case files 案卷, their numbers and their seals."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
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


class NumberSeries(Base):
    """A series of archival numbers 档号 of an organisation: `prefix` is all that stands before the number of the case
    file (DA/T 13-2022: fonds, category, year, retention), `last` the last number given. Numbers are never given again.
    """

    __tablename__ = "number_series"
    __table_args__ = (UniqueConstraint("organisation_id", "prefix"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    prefix: Mapped[str] = mapped_column(String(80))
    last: Mapped[int]


class NumberRule(Base):
    """How an organisation's archival numbers are made: its fonds 全宗号, and the digits of case file and item."""

    __tablename__ = "number_rule"

    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    fonds: Mapped[str] = mapped_column(String(20))
    file_digits: Mapped[int]
    item_digits: Mapped[int]
    changed_by: Mapped[str] = mapped_column(String(64))
    changed_at: Mapped[datetime]


class Submission(Base):
    """A file was submitted for archiving 提交归档. `state` is checking, failed (the checks found something), waiting
    (for the archivist), returned 退回补正, accepted 接收 or void. `findings` holds what the checks found, as JSON.

    `last_version_id` is how far the bytes were checked, `checked` of `total` versions; `malware` is empty while that
    goes on, then clean, found, unscanned or off. `fingerprint` is the digest of what was checked: only
    that is accepted.
    """

    __tablename__ = "submission"
    __table_args__ = (UniqueConstraint("engagement_id", "round"), Index(None, "state", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    round: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    findings: Mapped[str] = mapped_column(Text)
    total: Mapped[int]
    checked: Mapped[int]
    last_version_id: Mapped[Id | None]
    malware: Mapped[str] = mapped_column(String(10))
    fingerprint: Mapped[bytes | None]
    remark: Mapped[str] = mapped_column(String(1000))
    submitted_by: Mapped[str] = mapped_column(String(64))
    submitted_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(1000))


class CaseFile(Base):
    """A case file 案卷 of an engagement; one engagement gives one or more. `number` is its archival number, given when
    it is first submitted and kept for ever; `year`, `category` and `retention` (Y, D30, D10) stand in it."""

    __tablename__ = "case_file"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        UniqueConstraint("engagement_id", "position"),
        CheckConstraint("(number IS NULL) = (sequence IS NULL)", name="numbered"),
        UniqueConstraint("series_id", "sequence"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(300))
    year: Mapped[int]
    category: Mapped[str] = mapped_column(String(20))
    retention: Mapped[str] = mapped_column(String(4))
    series_id: Mapped[Id | None] = mapped_column(ForeignKey("number_series.id"))
    sequence: Mapped[int | None]
    number: Mapped[str | None] = mapped_column(String(100))
    remark: Mapped[str] = mapped_column(String(1000))
    voided_at: Mapped[datetime | None]
    voided_reason: Mapped[str] = mapped_column(String(1000))
    created_at: Mapped[datetime]


class CaseItem(Base):
    """An item 件 of a case file: a document of the engagement at its place in the order. `number` is its archival
    number, `seal_id` the seal that it came under; `late_reason` says why it was added after the first."""

    __tablename__ = "case_item"
    __table_args__ = (UniqueConstraint("case_file_id", "position"), UniqueConstraint("document_id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    case_file_id: Mapped[Id] = mapped_column(ForeignKey("case_file.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    position: Mapped[int]
    number: Mapped[str | None] = mapped_column(String(110))
    pages: Mapped[int | None]
    first_page: Mapped[int | None]
    seal_id: Mapped[Id | None] = mapped_column(ForeignKey("seal.id"))
    late_reason: Mapped[str] = mapped_column(String(1000))
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime]


class LeftOut(Base):
    """A document of an engagement that belongs to none of its case files, and why."""

    __tablename__ = "left_out"
    __table_args__ = (Index(None, "engagement_id", "document_id"),)

    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    reason: Mapped[str] = mapped_column(String(1000))
    left_by: Mapped[str] = mapped_column(String(64))
    left_at: Mapped[datetime]


class Seal(Base):
    """The file of an engagement was sealed: `document_id` is the manifest, with the digest of every item. `kind` is
    first, supplement (late additions) or again (after it was reopened)."""

    __tablename__ = "seal"
    __table_args__ = (UniqueConstraint("engagement_id", "ordinal"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    ordinal: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    manifest_sha256: Mapped[bytes]
    items: Mapped[int]
    sealed_by: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime]


class Reopening(Base):
    """A sealed file was opened again, for a reason; that it was stays for ever. `resealed_by_seal` ended it."""

    __tablename__ = "reopening"
    __table_args__ = (Index(None, "engagement_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    reason: Mapped[str] = mapped_column(String(1000))
    reopened_by: Mapped[str] = mapped_column(String(64))
    reopened_at: Mapped[datetime]
    resealed_by_seal: Mapped[Id | None] = mapped_column(ForeignKey("seal.id"))

"""Tables of registers, their rows, the files attached to them, and remembered layouts."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Register(Base):
    """A register that somebody brought: its file stays in the vault as evidence of what was taken over.

    `engagement_id` is set where all rows belong to one engagement. `state` is one of mapping, checking, ready, filing,
    closed, undoing. `facts` (sheets, notes, first rows) and `layout` (header, columns) are JSON. `sources` lists every
    file that was brought, the newest last. `loader` names the run that fills the rows; a later run takes over.
    """

    __tablename__ = "register"
    __table_args__ = (Index(None, "organisation_id", "id"), Index(None, "engagement_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    engagement_id: Mapped[Id | None] = mapped_column(ForeignKey("engagement.id"))
    name: Mapped[str] = mapped_column(String(255))
    held_id: Mapped[Id] = mapped_column(ForeignKey("held_content.id"))
    kind: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[bytes]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sources: Mapped[str] = mapped_column(Text)
    facts: Mapped[str] = mapped_column(Text)
    layout: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    fault: Mapped[str | None] = mapped_column(String(40))
    loader: Mapped[Id | None]
    done: Mapped[int]
    total: Mapped[int]
    left_out: Mapped[int]
    brought_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class RegisterRow(Base):
    """One row: `source` as it was read, `fields` as it stands now, both JSON.

    `number` is the row's number in the file, `source_key` a digest of `source` by which a corrected file's rows are
    known again, `run` the loading that has seen the row last. `state` is one of open, filed, closed (no electronic
    file, or left out, with its `reason`). `worst` is empty, warn or refuse; `confirmed` lists faults that a person
    accepted. The keys are what duplicates are looked for by. `refusal` is why filing it failed last.
    """

    __tablename__ = "register_row"
    __table_args__ = (
        Index(None, "register_id", "number", "id"),
        Index(None, "register_id", "state", "worst"),
        Index(None, "register_id", "source_key"),
        Index(None, "register_id", "number_key"),
        Index(None, "register_id", "archive_key"),
        Index(None, "register_id", "file_key"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    register_id: Mapped[Id] = mapped_column(ForeignKey("register.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    source: Mapped[str] = mapped_column(Text)
    source_key: Mapped[bytes]
    run: Mapped[Id]
    fields: Mapped[str] = mapped_column(Text)
    faults: Mapped[str] = mapped_column(Text)
    worst: Mapped[str] = mapped_column(String(6))
    confirmed: Mapped[str] = mapped_column(Text)
    engagement_id: Mapped[Id | None] = mapped_column(ForeignKey("engagement.id"))
    number_key: Mapped[str | None] = mapped_column(String(200))
    archive_key: Mapped[str | None] = mapped_column(String(200))
    file_key: Mapped[str | None] = mapped_column(String(300))
    reason: Mapped[str | None] = mapped_column(String(300))
    refusal: Mapped[str | None] = mapped_column(Text)
    changed_at: Mapped[datetime]


class RegisterFile(Base):
    """A file of the inbox that came with a register, and the row it is attached to 挂接, if any.

    `how` says what they were brought together by: name, stem, number, barcode, group or hand. `document_id` is the
    record that it became.
    """

    __tablename__ = "register_file"
    __table_args__ = (Index(None, "register_id", "row_id"), Index(None, "row_id"), Index(None, "document_id"))

    inbox_file_id: Mapped[Id] = mapped_column(ForeignKey("inbox_file.id"), primary_key=True)
    register_id: Mapped[Id] = mapped_column(ForeignKey("register.id"))
    row_id: Mapped[Id | None] = mapped_column(ForeignKey("register_row.id"))
    how: Mapped[str | None] = mapped_column(String(8))
    position: Mapped[int]
    document_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))


class RegisterLayout(Base):
    """Which column means what, as an organisation once said for a header of this signature; `columns` is JSON."""

    __tablename__ = "register_layout"

    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    signature: Mapped[str] = mapped_column(String(64), primary_key=True)
    columns: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]

"""Tables of the log: leaves, tiles of hashes, signed checkpoints, and what the checks of it found."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class LogLeaf(Base):
    """The place of an event in the tree; positions count from 0 without gaps."""

    __tablename__ = "log_leaf"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event_id: Mapped[Id] = mapped_column(ForeignKey("event.id"), unique=True)
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogTile(Base):
    """Up to 256 hashes of one level (C2SP tlog-tiles); the last tile of a level grows in place."""

    __tablename__ = "log_tile"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpoint(Base):
    """A signed statement of the tree's size and root."""

    __tablename__ = "log_checkpoint"

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root_hash: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime]


class LogCheck(Base):
    """One recomputation of the whole log. `findings` is a JSON list of the first ones, `finding_count` counts all."""

    __tablename__ = "log_check"

    id: Mapped[Id] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    size: Mapped[int] = mapped_column(BigInteger)
    finding_count: Mapped[int] = mapped_column(BigInteger)
    findings: Mapped[str] = mapped_column(Text)

"""Tables of tasks and notices, and of the days that the calendar was told of."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id

_LISTED = ("due_on", "id", "kind")
_OPEN = text("closed_at IS NULL")
_WHERE_OPEN: dict[str, Any] = {"sqlite_where": _OPEN, "postgresql_where": _OPEN}


class Task(Base):
    """Something that waits for somebody: `person_id`, or whoever has the `part` in the engagement, or whoever holds the
    `permission` in the organisation; exactly one of the three is set.

    `kind` is the code of a `kinds.TaskKind`, `subject_id` what the task is about, `about` its name as people see it.
    `due_on` is a day in the archive's zone, 9999-12-31 where nothing is due; `provisional` says that the calendar does
    not know that far. `closed_at` with `outcome` (done, void) ends it.
    """

    __tablename__ = "task"
    __table_args__ = (
        # Of open tasks only: these are what lists are made of, in the order that lists have. With all that a list asks
        # for in the index, the rows of what is not shown stay untouched.
        Index("ix_task_open_of_person", "person_id", *_LISTED, "engagement_id", "closed_at", **_WHERE_OPEN),
        Index("ix_task_open_of_part", "engagement_id", "part", *_LISTED, "closed_at", **_WHERE_OPEN),
        Index(
            "ix_task_open_of_permission",
            "organisation_id",
            "permission",
            *_LISTED,
            "engagement_id",
            "closed_at",
            **_WHERE_OPEN,
        ),
        Index(None, "subject_id", "kind", "closed_at"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    engagement_id: Mapped[Id | None]
    subject_id: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    part: Mapped[str | None] = mapped_column(String(20))
    permission: Mapped[str | None] = mapped_column(String(60))
    about: Mapped[str] = mapped_column(String(300))
    due_on: Mapped[date]
    provisional: Mapped[bool]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(10))


class Notice(Base):
    """A message to somebody outside the archive's pages, sent once.

    `state` is waiting, claimed (a worker is connecting), handing_over (the mail server was being given it), sent,
    uncertain (a crash came in between: never sent again), refused (by the mail server, for good) or void (it was no
    longer needed). `key` is what makes it one: the same notice is never written twice. `address` stands for people
    without an account. `wrapped_secret` is a one-time code, wrapped like a data key, erased when it was sent.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "state", "not_before", "id"),
        Index(None, "person_id", "id"),
        Index(None, "key_epoch", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(40))
    organisation_id: Mapped[Id | None] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    task_id: Mapped[Id | None] = mapped_column(ForeignKey("task.id"))
    engagement_id: Mapped[Id | None]
    address: Mapped[str | None] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16))
    link: Mapped[str] = mapped_column(String(300))
    key_epoch: Mapped[int | None]
    wrapped_secret: Mapped[bytes | None]
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int]
    not_before: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


class NoticeWish(Base):
    """How somebody wants to be told: where to, at once or once a day or not at all, and when not.

    `way` is `at_once`, `daily` or `none`; `daily_at`, `quiet_from` and `quiet_until` are minutes after midnight in the
    archive's zone. `confirmed_at` is when they showed that the address is theirs. `digest_on` is the last day that was
    told of in a digest. `urgent_anyway`: what is overdue or an alarm is told on days of rest as well.
    """

    __tablename__ = "notice_wish"

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    confirmed_at: Mapped[datetime | None]
    confirmation_sha256: Mapped[bytes | None]
    confirmation_until: Mapped[datetime | None]
    way: Mapped[str] = mapped_column(String(8))
    daily_at: Mapped[int]
    quiet_from: Mapped[int | None]
    quiet_until: Mapped[int | None]
    digest_on: Mapped[date | None]
    urgent_anyway: Mapped[bool]
    changed_at: Mapped[datetime]


class CalendarDay(Base):
    """A day of the yearly notice on holidays 放假通知, as an administrator entered it: it goes before the calendar that
    the program brings. `working` says whether it is worked on."""

    __tablename__ = "calendar_day"

    on: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    notice: Mapped[str] = mapped_column(String(200))
    entered_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime]


class CalendarYear(Base):
    """A year whose holidays are known because an administrator entered its notice."""

    __tablename__ = "calendar_year"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    notice: Mapped[str] = mapped_column(String(200))
    entered_by: Mapped[str] = mapped_column(String(64))
    entered_at: Mapped[datetime]

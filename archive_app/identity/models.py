"""Tables of people and how they come in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Organisation(Base):
    """A body whose people use the archive."""

    __tablename__ = "organisation"

    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]


class Person(Base):
    """Somebody with an account. Never deleted: events refer to them."""

    __tablename__ = "person"
    __table_args__ = (Index(None, "organisation_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    login: Mapped[str] = mapped_column(String(100), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool]
    created_at: Mapped[datetime]


class PersonRole(Base):
    """A role that a person holds; roles add up."""

    __tablename__ = "person_role"

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(40), primary_key=True)


class SignInSession(Base):
    """A browser that somebody signed in with. The cookie holds a random token, this row only its digest."""

    __tablename__ = "sign_in_session"
    __table_args__ = (Index(None, "person_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OneTimeLink(Base):
    """A link that works once: first set-up (no person yet), invitation, or password reset."""

    __tablename__ = "one_time_link"

    id: Mapped[Id] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInDelay(Base):
    """Failed tries of one source against one account: the next try waits, other sources do not."""

    __tablename__ = "sign_in_delay"

    key_digest: Mapped[bytes] = mapped_column(primary_key=True)
    failures: Mapped[int]
    next_try_at: Mapped[datetime]


class AccessToken(Base):
    """What a program comes with instead of a person at a browser; this row holds only the token's digest.

    `scopes` are the permissions it was given, separated by blanks: what it may do at most, while its person may.
    """

    __tablename__ = "access_token"
    __table_args__ = (Index(None, "person_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

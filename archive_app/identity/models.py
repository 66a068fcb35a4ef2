"""Tables of people and how they come in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Organisation(Base):
    """A body whose people use the archive; `kind` is one of `organisations.KINDS`.

    Exactly one `runs_archive`: only its people hold permissions over the archive as a whole.
    """

    __tablename__ = "organisation"

    id: Mapped[Id] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(24))
    credit_code: Mapped[str | None] = mapped_column(String(18), unique=True)
    runs_archive: Mapped[bool]
    created_at: Mapped[datetime]


class Person(Base):
    """Somebody with an account. Never deleted: events refer to them. `highest_level` bounds what they see."""

    __tablename__ = "person"
    __table_args__ = (Index(None, "organisation_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    login: Mapped[str] = mapped_column(String(100), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool]
    highest_level: Mapped[int]
    created_at: Mapped[datetime]


class PersonRole(Base):
    """A role of a person; roles add up. It counts once somebody else has granted it: until then it is proposed."""

    __tablename__ = "person_role"

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime]
    granted_by: Mapped[str | None] = mapped_column(String(64))
    granted_at: Mapped[datetime | None]


class SecondFactor(Base):
    """The secret of a person's one-time passwords (RFC 6238), wrapped like a data key under the archive's master key.

    It is kept from `enrolled_at` on, when the person showed that their device has it. `last_step` is the last time
    step that was used: no password opens anything twice.
    """

    __tablename__ = "second_factor"
    __table_args__ = (Index(None, "key_epoch", "person_id"),)

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key_epoch: Mapped[int]
    wrapped_secret: Mapped[bytes]
    enrolled_at: Mapped[datetime]
    last_step: Mapped[int]


class RecoveryCode(Base):
    """A code that stands in for the second factor, once; this row holds only its digest."""

    __tablename__ = "recovery_code"

    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    code_digest: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]


class SignInSession(Base):
    """A browser that somebody signed in with. The cookie holds a random token, this row only its digest.

    `passed_at` is when the second factor was given, or the password where there is none; without it the session opens
    nothing but the page that asks for the factor. `confirmed_at` is when the person last proved who they are.
    """

    __tablename__ = "sign_in_session"
    __table_args__ = (Index(None, "person_id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    passed_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
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

"""Tables of clients, engagements, and who may see them and why."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class SchemeEdition(Base):
    """The text of a scheme's version, kept from the first engagement on that began with it."""

    __tablename__ = "scheme_edition"

    code: Mapped[str] = mapped_column(String(60), primary_key=True)
    version: Mapped[str] = mapped_column(String(20), primary_key=True)
    sha256: Mapped[bytes]
    text: Mapped[str] = mapped_column(Text)
    kept_at: Mapped[datetime]


class Client(Base):
    """A reporting entity 重点排放单位 whose emissions are verified.

    `entity_id` is the organisation that it is in this archive, if its own people use it. `province` is the two-digit
    code of GB/T 2260, `sector` one of `config/sectors.toml`.
    """

    __tablename__ = "client"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        Index(None, "organisation_id", "id"),
        Index(None, "entity_id", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str] = mapped_column(String(200))
    credit_code: Mapped[str | None] = mapped_column(String(18))
    sector: Mapped[str | None] = mapped_column(String(40))
    entity_id: Mapped[Id | None] = mapped_column(ForeignKey("organisation.id"))
    province: Mapped[str | None] = mapped_column(String(2))
    created_at: Mapped[datetime]


class Engagement(Base):
    """A verification assignment 核查项目 while work goes on.

    `activity` is one of `scheme_values.ACTIVITIES`; `project_number` is the registered number of the project, where
    what is verified or validated is one. `scheme` of `scheme_version` says by which steps it goes on, and `stage` where
    it is; `parent_id` is the engagement that it follows, as a re-check 复查 or a surveillance. From `sealed_at` on
    nothing in it changes, unless it is reopened; what is added all the same is late. One whose activity is library is
    where an organisation's documents are that belong to no engagement (`libraries.py`).
    """

    __tablename__ = "engagement"
    __table_args__ = (
        ForeignKeyConstraint(["scheme", "scheme_version"], ["scheme_edition.code", "scheme_edition.version"]),
        Index(None, "parent_id", "id"),
        Index(None, "organisation_id", "scheme", "stage", "id"),
        UniqueConstraint("organisation_id", "number"),
        Index(None, "organisation_id", "id"),
        Index(None, "client_id", "id"),
        Index(None, "project_number", "id"),
        Index(None, "organisation_id", "year", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    client_id: Mapped[Id] = mapped_column(ForeignKey("client.id"))
    number: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    year: Mapped[int]
    activity: Mapped[str] = mapped_column(String(16))
    project_number: Mapped[str | None] = mapped_column(String(60))
    scheme: Mapped[str] = mapped_column(String(60))
    scheme_version: Mapped[str] = mapped_column(String(20))
    stage: Mapped[str] = mapped_column(String(40))
    parent_id: Mapped[Id | None] = mapped_column(ForeignKey("engagement.id"))
    sealed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Assignment(Base):
    """A person assigned to an engagement; `part` is one of `teams.PARTS`.

    It opens the engagement from `declared_at`, when the person declared their impartiality, until `ended_at`. The row
    stays: who was on a team is asked long after.
    """

    __tablename__ = "assignment"
    __table_args__ = (Index(None, "person_id", "engagement_id"),)

    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"), primary_key=True)
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(20))
    assigned_at: Mapped[datetime]
    declared_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class GroupMember(Base):
    """Somebody assigned to an engagement works in a group of its team, such as 现场核查组; `group` is one of the
    scheme's."""

    __tablename__ = "group_member"
    __table_args__ = (
        ForeignKeyConstraint(["engagement_id", "person_id"], ["assignment.engagement_id", "assignment.person_id"]),
    )

    engagement_id: Mapped[Id] = mapped_column(primary_key=True)
    person_id: Mapped[Id] = mapped_column(primary_key=True)
    group: Mapped[str] = mapped_column(String(40), primary_key=True)
    named_at: Mapped[datetime]


class PersonDays(Base):
    """Time that somebody worked on an engagement 核查人日: `quarters` of a day, on a day, in a stage."""

    __tablename__ = "person_days"
    __table_args__ = (Index(None, "engagement_id", "id"), Index(None, "person_id", "on"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    stage: Mapped[str] = mapped_column(String(40))
    on: Mapped[date]
    quarters: Mapped[int]
    on_site: Mapped[bool]
    remark: Mapped[str] = mapped_column(String(300))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Competence(Base):
    """What somebody is able and entitled to do 人员能力: `kind` is education, sector, training or title; `code` one of
    `config/sectors.toml` for sectors, of the schemes' competences otherwise. Valid from and until days in the archive's
    zone. What was recorded wrongly is withdrawn; nothing is deleted."""

    __tablename__ = "competence"
    __table_args__ = (Index(None, "person_id", "kind", "code"), Index(None, "organisation_id", "valid_until", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    certificate: Mapped[str] = mapped_column(String(100))
    issued_by: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))


class AccessRequest(Base):
    """Somebody who is not on the team asks to read an engagement.

    `wanted` is what they wrote; `engagement_id` is what it was found to mean, which they are never told. `outcome` is
    granted, refused or withdrawn, and empty while the request waits.
    """

    __tablename__ = "access_request"
    __table_args__ = (
        Index(None, "person_id", "id"),
        Index(None, "organisation_id", "outcome", "id"),
        Index(None, "engagement_id", "outcome", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    engagement_id: Mapped[Id | None] = mapped_column(ForeignKey("engagement.id"))
    wanted: Mapped[str] = mapped_column(String(200))
    grounds: Mapped[str] = mapped_column(String(1000))
    days: Mapped[int]
    asked_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(1000))


class Access(Base):
    """A person may read an engagement for a time without being assigned to it.

    `ground` is `request` (granted on request) or `broken_glass` (taken by the archivist in an emergency).
    """

    __tablename__ = "access"
    __table_args__ = (
        Index(None, "person_id", "engagement_id"),
        Index(None, "engagement_id", "id"),
        Index(None, "ended_at", "until"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    person_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    request_id: Mapped[Id | None] = mapped_column(ForeignKey("access_request.id"))
    ground: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(1000))
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Interest(Base):
    """A relation that may touch somebody's independence: of a person, or of the whole body where nobody is named.

    `kind` is one of `independence.KINDS`. A relation names who it is with (`party_name`, `party_code`: the unified
    social credit code), and the client that this is where it is one already; work done in a province names that.
    `began_on` and `ended_on` are days in the archive's zone; withdrawn is what was recorded wrongly.
    """

    __tablename__ = "interest"
    __table_args__ = (Index(None, "organisation_id", "id"), Index(None, "person_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    client_id: Mapped[Id | None] = mapped_column(ForeignKey("client.id"))
    party_name: Mapped[str] = mapped_column(String(200))
    party_code: Mapped[str | None] = mapped_column(String(18))
    province: Mapped[str | None] = mapped_column(String(2))
    kind: Mapped[str] = mapped_column(String(20))
    began_on: Mapped[date]
    ended_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(1000))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_reason: Mapped[str] = mapped_column(String(1000))

"""Tables of records, stages, deadlines, material requests, nonconformities, review and issue."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Record(Base):
    """What makes a document evidence: what type of record it is, and what it shows, how, of when and from whom.

    `type` is one of `config/record_types.toml`, `methods` of 查/问/看/验 (examine, ask, look, verify; codes with
    commas), `facet` what point of the verification it is about (S0 1.2.1). `evidence_on` is the date of the evidence,
    never of its filing; `period_from` and `period_to` what it covers. `source` … `cross_check` describe activity data
    (S4 6.2.4). `authenticity` is the verdict on the material (S0 5.6): empty, authentic, doubtful or not_authentic.

    `state` is proposed (by the archive; nobody confirmed it), delivered 已交, accepted 接收 or returned 退回 with a
    reason. What the team files itself is accepted by describing it. `rendition_of` is the record whose rendition this
    is: `rendition` says which (final, sealed_scan, sealed_ofd).
    """

    __tablename__ = "record"
    __table_args__ = (
        Index(None, "engagement_id", "type", "state"),
        Index(None, "engagement_id", "state", "document_id"),
        Index(None, "rendition_of"),
    )

    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    type: Mapped[str] = mapped_column(String(60))
    shows: Mapped[str] = mapped_column(String(500))
    methods: Mapped[str] = mapped_column(String(40))
    facet: Mapped[str] = mapped_column(String(40))
    originator: Mapped[str] = mapped_column(String(200))
    evidence_on: Mapped[date | None]
    period_from: Mapped[date | None]
    period_to: Mapped[date | None]
    source: Mapped[str] = mapped_column(String(200))
    unit: Mapped[str] = mapped_column(String(60))
    monitoring_frequency: Mapped[str] = mapped_column(String(100))
    department: Mapped[str] = mapped_column(String(200))
    cross_check: Mapped[str] = mapped_column(String(500))
    authenticity: Mapped[str] = mapped_column(String(16))
    authenticity_reason: Mapped[str] = mapped_column(String(500))
    paper_place: Mapped[str] = mapped_column(String(200))
    rendition_of: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    rendition: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(1000))
    described_by: Mapped[str] = mapped_column(String(64))
    described_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None]


class SealUse(Base):
    """The body's seal was put on a record 用印登记: which seal, when, on how many copies, who asked and who
    approved."""

    __tablename__ = "seal_use"
    __table_args__ = (Index(None, "engagement_id", "id"), Index(None, "document_id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    seal: Mapped[str] = mapped_column(String(100))
    sealed_on: Mapped[date]
    copies: Mapped[int]
    asked_by: Mapped[str] = mapped_column(String(100))
    approved_by: Mapped[str] = mapped_column(String(100))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]


class Waiver(Base):
    """A required record does not apply to the engagement 不适用, for a reason. `ended_at`: it does after all."""

    __tablename__ = "waiver"
    __table_args__ = (Index(None, "engagement_id", "stage", "type", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    stage: Mapped[str] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(String(1000))
    waived_by: Mapped[str] = mapped_column(String(64))
    waived_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StageMove(Base):
    """An engagement was taken from a stage to another. `ordinal` counts its moves from 1: their order is known whatever
    the clock does."""

    __tablename__ = "stage_move"
    __table_args__ = (UniqueConstraint("engagement_id", "ordinal"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    ordinal: Mapped[int]
    from_stage: Mapped[str] = mapped_column(String(40))
    to_stage: Mapped[str] = mapped_column(String(40))
    remark: Mapped[str] = mapped_column(String(1000))
    moved_by: Mapped[str] = mapped_column(String(64))
    moved_at: Mapped[datetime]


class Deadline(Base):
    """A term of the scheme that runs for an engagement; `kept_on` ends it. Days in the archive's zone. Somebody may
    move the day, with a reason; `void` says that the stage it ran from was taken back."""

    __tablename__ = "deadline"
    __table_args__ = (Index(None, "engagement_id", "code"), Index(None, "kept_on", "due_on", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    code: Mapped[str] = mapped_column(String(40))
    started_on: Mapped[date]
    due_on: Mapped[date]
    provisional: Mapped[bool]
    kept_on: Mapped[date | None]
    void: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(1000))
    changed_by: Mapped[str | None] = mapped_column(String(64))


class MaterialRequest(Base):
    """What the client was asked for 资料清单, and the link by which they bring it.

    `link_sha256` is the digest of the link's secret part. Whoever opens the link gives a one-time code that goes to the
    recipient by `channel`: `email` to `address`, or `told` (the leader reads it out: by telephone, by message).
    """

    __tablename__ = "material_request"
    __table_args__ = (Index(None, "engagement_id", "id"), UniqueConstraint("link_sha256"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    recipient: Mapped[str] = mapped_column(String(100))
    channel: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16))
    message: Mapped[str] = mapped_column(String(1000))
    link_sha256: Mapped[bytes | None]
    until: Mapped[datetime]
    due_on: Mapped[date | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(64))
    received_bytes: Mapped[int] = mapped_column(BigInteger)
    reminded_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]


class RequestCode(Base):
    """A one-time code of a material request; `sha256` is of code and a salt. It opens once, until `until`; after a few
    wrong tries it opens nothing any more."""

    __tablename__ = "request_code"
    __table_args__ = (Index(None, "request_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("material_request.id"))
    salt: Mapped[bytes]
    sha256: Mapped[bytes]
    made_at: Mapped[datetime]
    until: Mapped[datetime]
    tries: Mapped[int]
    used_at: Mapped[datetime | None]


class RequestSession(Base):
    """A browser that opened a material request: nothing but this request, until `until`. `token_sha256` is the digest
    of its cookie."""

    __tablename__ = "request_session"
    __table_args__ = (UniqueConstraint("token_sha256"), Index(None, "request_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("material_request.id"))
    token_sha256: Mapped[bytes]
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(45))
    opened_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class MaterialLine(Base):
    """A line of a material request. `state` is open 未交, delivered 已交, returned 退回 (with `reason`), accepted 接收
    or dropped."""

    __tablename__ = "material_line"
    __table_args__ = (UniqueConstraint("request_id", "position"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    request_id: Mapped[Id] = mapped_column(ForeignKey("material_request.id"))
    position: Mapped[int]
    record_type: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(200))
    explanation: Mapped[str] = mapped_column(String(1000))
    example: Mapped[str] = mapped_column(String(300))
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(1000))
    changed_at: Mapped[datetime]


class MaterialDelivery(Base):
    """A file that the client brought for a line; `document_id` is the document it became."""

    __tablename__ = "material_delivery"
    __table_args__ = (Index(None, "line_id", "id"), UniqueConstraint("document_id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    line_id: Mapped[Id] = mapped_column(ForeignKey("material_line.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    session_id: Mapped[Id] = mapped_column(ForeignKey("request_session.id"))
    remark: Mapped[str] = mapped_column(String(500))
    delivered_at: Mapped[datetime]


class Nonconformity(Base):
    """A nonconformity 不符合项 that the team raised. `state` is raised 开具, answered 整改, confirmed 确认, returned
    (the answer was not enough) or withdrawn. `grade` is minor, major or observation. `position` numbers them in the
    engagement; `request_id` is the link by which the client answers."""

    __tablename__ = "nonconformity"
    __table_args__ = (UniqueConstraint("engagement_id", "position"), Index(None, "engagement_id", "state"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    position: Mapped[int]
    grade: Mapped[str] = mapped_column(String(12))
    clause: Mapped[str] = mapped_column(String(100))
    statement: Mapped[str] = mapped_column(String(2000))
    evidence: Mapped[str] = mapped_column(String(2000))
    request_id: Mapped[Id | None] = mapped_column(ForeignKey("material_request.id"))
    due_on: Mapped[date]
    provisional: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10))
    raised_by: Mapped[str] = mapped_column(String(64))
    raised_at: Mapped[datetime]
    closed_by: Mapped[str | None] = mapped_column(String(64))
    closed_at: Mapped[datetime | None]
    effectiveness: Mapped[str] = mapped_column(String(2000))


class NonconformityStep(Base):
    """What happened with a nonconformity, in the order of `position`. `kind` is raised, answered (with cause, similar
    cases, correction, corrective action), shown (evidence of the correction came by the link), returned, confirmed or
    withdrawn. `by` is a person's id or `request:<id>` of the client's link; `name` who it was, for the client."""

    __tablename__ = "nonconformity_step"
    __table_args__ = (UniqueConstraint("nonconformity_id", "position"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    nonconformity_id: Mapped[Id] = mapped_column(ForeignKey("nonconformity.id"))
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    correction: Mapped[str] = mapped_column(String(2000))
    cause: Mapped[str] = mapped_column(String(2000))
    similar_cases: Mapped[str] = mapped_column(String(2000))
    corrective_action: Mapped[str] = mapped_column(String(2000))
    reason: Mapped[str] = mapped_column(String(2000))
    name: Mapped[str] = mapped_column(String(100))
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class NonconformityDocument(Base):
    """A document that a nonconformity is about (`evidence`), or that shows its correction (`correction`)."""

    __tablename__ = "nonconformity_document"

    nonconformity_id: Mapped[Id] = mapped_column(ForeignKey("nonconformity.id"), primary_key=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(10))


class Review(Base):
    """A round of the technical review 技术复核 of a version of the report. `verdict` is empty as long as it goes on,
    then passed or returned."""

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("engagement_id", "round"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    round: Mapped[int]
    version_id: Mapped[Id] = mapped_column(ForeignKey("version.id"))
    reviewer_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(10))
    summary: Mapped[str] = mapped_column(String(2000))
    decided_at: Mapped[datetime | None]


class ReviewComment(Base):
    """A remark of the reviewer on a place of a document, and what the team answers. `resolved_at`: the reviewer is
    satisfied. `grave` ones stand in the way of passing as long as they are not resolved."""

    __tablename__ = "review_comment"
    __table_args__ = (Index(None, "review_id", "id"), Index(None, "document_id", "id"))

    id: Mapped[Id] = mapped_column(primary_key=True)
    review_id: Mapped[Id] = mapped_column(ForeignKey("review.id"))
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"))
    page: Mapped[int | None]
    quote: Mapped[str] = mapped_column(String(500))
    remark: Mapped[str] = mapped_column(String(2000))
    grave: Mapped[bool] = mapped_column(Boolean)
    written_by: Mapped[str] = mapped_column(String(64))
    written_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(String(2000))
    answered_by: Mapped[str | None] = mapped_column(String(64))
    answered_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]


class Issue(Base):
    """The report was issued 签发 (`issue`), or its result told to somebody 告知 (`notification`): which version, by
    whom, to whom; `document_id` proves a notification. A withdrawn one stays, with its reason."""

    __tablename__ = "issue"
    __table_args__ = (Index(None, "engagement_id", "kind", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    engagement_id: Mapped[Id] = mapped_column(ForeignKey("engagement.id"))
    kind: Mapped[str] = mapped_column(String(12))
    version_id: Mapped[Id] = mapped_column(ForeignKey("version.id"))
    number: Mapped[str] = mapped_column(String(100))
    told_to: Mapped[str] = mapped_column(String(200))
    way: Mapped[str] = mapped_column(String(100))
    on: Mapped[date]
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    document_id: Mapped[Id | None] = mapped_column(ForeignKey("document.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)

"""Tables of the legal register."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.tables import Base, Id


class Law(Base):
    """A law, regulation, standard or other requirement that applies to an organisation, with its dates of validity.

    `kind` is one of `laws.kinds.KINDS`. It applies from `effective_on` on, and from `ended_on` on no more;
    `replaced_by_id` came in its place. It was last looked at on `reviewed_on`, and is looked at again every
    `review_months`, next by `review_on`, which is `provisional` while the calendar of that year is not known. What was
    recorded wrongly is withdrawn and stays.
    """

    __tablename__ = "law"
    __table_args__ = (
        Index(
            "uq_law_living",
            "organisation_id",
            "title",
            "number",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        Index(None, "organisation_id", "title", "id"),
        Index(None, "organisation_id", "review_on", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    title: Mapped[str] = mapped_column(String(300))
    number: Mapped[str] = mapped_column(String(100))
    issuer: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    published_on: Mapped[date | None]
    effective_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    ended_reason: Mapped[str] = mapped_column(String(1000))
    replaced_by_id: Mapped[Id | None] = mapped_column(ForeignKey("law.id"))
    controlled_document_id: Mapped[Id | None] = mapped_column(ForeignKey("controlled_document.id"))
    review_months: Mapped[int | None]
    reviewed_on: Mapped[date]
    review_on: Mapped[date | None]
    provisional: Mapped[bool]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_reason: Mapped[str] = mapped_column(String(1000))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]


class LawReview(Base):
    """Somebody looked whether a law is still as it was recorded (S1 A.2; S2 5.2 c). `outcome` is one of
    `laws.kinds.OUTCOMES`."""

    __tablename__ = "law_review"
    __table_args__ = (Index(None, "law_id", "id"),)

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    law_id: Mapped[Id] = mapped_column(ForeignKey("law.id"))
    outcome: Mapped[str] = mapped_column(String(20))
    remark: Mapped[str] = mapped_column(String(1000))
    reviewed_by: Mapped[str] = mapped_column(String(64))
    reviewed_at: Mapped[datetime]


class Obligation(Base):
    """What a law asks of the organisation 合规义务: which clause, in the organisation's words, how it is met, and who
    sees to it.

    It holds from `valid_from` until `valid_until`, that day included, and as long as the law does. It is evaluated
    every `every_months`, first by `first_on`; `evaluate_on` is the next time, a working day, and `provisional` while
    the calendar of that year is not known. `last_evaluation_id` is the newest evaluation that was not withdrawn;
    `carried_from_id` the obligation of an older law that this one continues.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        Index(None, "law_id", "id"),
        Index(None, "organisation_id", "evaluate_on", "id"),
        Index(None, "owner_id", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    law_id: Mapped[Id] = mapped_column(ForeignKey("law.id"))
    clause: Mapped[str] = mapped_column(String(100))
    requirement: Mapped[str] = mapped_column(String(1000))
    met_by: Mapped[str] = mapped_column(String(1000))
    department: Mapped[str] = mapped_column(String(200))
    owner_id: Mapped[Id] = mapped_column(ForeignKey("person.id"))
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    ended_reason: Mapped[str] = mapped_column(String(1000))
    every_months: Mapped[int]
    first_on: Mapped[date]
    evaluate_on: Mapped[date]
    provisional: Mapped[bool]
    last_evaluation_id: Mapped[Id | None]
    carried_from_id: Mapped[Id | None] = mapped_column(ForeignKey("obligation.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_reason: Mapped[str] = mapped_column(String(1000))
    recorded_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]


class Evaluation(Base):
    """A compliance evaluation 合规性评价 of an obligation (S1 10.1.3, S2 10.1.2).

    `result` is complies, partly, fails or not_applicable; where it rests on no document, `without_evidence` says why.
    What does not comply has an action, whose responsible and day are said. Once done, somebody else confirms that it
    was effective (`effect`), or returns it (`action_returned`). What was recorded wrongly is withdrawn and stays.
    """

    __tablename__ = "evaluation"
    __table_args__ = (
        Index(None, "obligation_id", "evaluated_on", "id"),
        Index(None, "organisation_id", "evaluated_on", "id"),
        Index(None, "action_owner_id", "id"),
    )

    id: Mapped[Id] = mapped_column(primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id"))
    obligation_id: Mapped[Id] = mapped_column(ForeignKey("obligation.id"))
    evaluated_on: Mapped[date]
    result: Mapped[str] = mapped_column(String(16))
    grounds: Mapped[str] = mapped_column(String(2000))
    without_evidence: Mapped[str] = mapped_column(String(500))
    action: Mapped[str] = mapped_column(String(1000))
    action_owner_id: Mapped[Id | None] = mapped_column(ForeignKey("person.id"))
    action_due_on: Mapped[date | None]
    action_done_at: Mapped[datetime | None]
    action_done_by: Mapped[str | None] = mapped_column(String(64))
    action_result: Mapped[str] = mapped_column(String(1000))
    action_returned: Mapped[str] = mapped_column(String(1000))
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(64))
    effect: Mapped[str] = mapped_column(String(1000))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(String(64))
    withdrawn_reason: Mapped[str] = mapped_column(String(1000))
    evaluated_by: Mapped[str] = mapped_column(String(64))
    recorded_at: Mapped[datetime]


class EvaluationRecord(Base):
    """A document that an evaluation rests on."""

    __tablename__ = "evaluation_record"
    __table_args__ = (Index(None, "document_id"),)

    evaluation_id: Mapped[Id] = mapped_column(ForeignKey("evaluation.id"), primary_key=True)
    document_id: Mapped[Id] = mapped_column(ForeignKey("document.id"), primary_key=True)

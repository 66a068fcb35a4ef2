"""Laws, obligations, evaluations of compliance"""

import sqlalchemy as sa
from alembic import op

from archive_app.kernel.tables import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "law",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_reason", sa.String(length=1000), nullable=False),
        sa.Column("replaced_by_id", sa.String(length=36), nullable=True),
        sa.Column("controlled_document_id", sa.String(length=36), nullable=True),
        sa.Column("review_months", sa.Integer(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=1000), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_law_organisation_id")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["law.id"], name=op.f("fk_law_replaced_by_id")),
        sa.ForeignKeyConstraint(
            ["controlled_document_id"], ["controlled_document.id"], name=op.f("fk_law_controlled_document_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_law")),
    )
    op.create_index(op.f("ix_law_organisation_id_review_on_id"), "law", ["organisation_id", "review_on", "id"])
    op.create_index(op.f("ix_law_organisation_id_title_id"), "law", ["organisation_id", "title", "id"])
    op.create_index(
        "uq_law_living",
        "law",
        ["organisation_id", "title", "number"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "law_review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("law_id", sa.String(length=36), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("remark", sa.String(length=1000), nullable=False),
        sa.Column("reviewed_by", sa.String(length=64), nullable=False),
        sa.Column("reviewed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_law_review_organisation_id")),
        sa.ForeignKeyConstraint(["law_id"], ["law.id"], name=op.f("fk_law_review_law_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_law_review")),
    )
    op.create_index(op.f("ix_law_review_law_id_id"), "law_review", ["law_id", "id"])
    op.create_table(
        "obligation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("law_id", sa.String(length=36), nullable=False),
        sa.Column("clause", sa.String(length=100), nullable=False),
        sa.Column("requirement", sa.String(length=1000), nullable=False),
        sa.Column("met_by", sa.String(length=1000), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("ended_reason", sa.String(length=1000), nullable=False),
        sa.Column("every_months", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("evaluate_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("last_evaluation_id", sa.String(length=36), nullable=True),
        sa.Column("carried_from_id", sa.String(length=36), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=1000), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_obligation_organisation_id")),
        sa.ForeignKeyConstraint(["law_id"], ["law.id"], name=op.f("fk_obligation_law_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_obligation_owner_id")),
        sa.ForeignKeyConstraint(["carried_from_id"], ["obligation.id"], name=op.f("fk_obligation_carried_from_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
    )
    op.create_index(op.f("ix_obligation_law_id_id"), "obligation", ["law_id", "id"])
    op.create_index(
        op.f("ix_obligation_organisation_id_evaluate_on_id"), "obligation", ["organisation_id", "evaluate_on", "id"]
    )
    op.create_index(op.f("ix_obligation_owner_id_id"), "obligation", ["owner_id", "id"])
    op.create_table(
        "evaluation",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("obligation_id", sa.String(length=36), nullable=False),
        sa.Column("evaluated_on", sa.Date(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("grounds", sa.String(length=2000), nullable=False),
        sa.Column("without_evidence", sa.String(length=500), nullable=False),
        sa.Column("action", sa.String(length=1000), nullable=False),
        sa.Column("action_owner_id", sa.String(length=36), nullable=True),
        sa.Column("action_due_on", sa.Date(), nullable=True),
        sa.Column("action_done_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("action_done_by", sa.String(length=64), nullable=True),
        sa.Column("action_result", sa.String(length=1000), nullable=False),
        sa.Column("action_returned", sa.String(length=1000), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.String(length=64), nullable=True),
        sa.Column("effect", sa.String(length=1000), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=1000), nullable=False),
        sa.Column("evaluated_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_evaluation_organisation_id")),
        sa.ForeignKeyConstraint(["obligation_id"], ["obligation.id"], name=op.f("fk_evaluation_obligation_id")),
        sa.ForeignKeyConstraint(["action_owner_id"], ["person.id"], name=op.f("fk_evaluation_action_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
    )
    op.create_index(op.f("ix_evaluation_action_owner_id_id"), "evaluation", ["action_owner_id", "id"])
    op.create_index(
        op.f("ix_evaluation_obligation_id_evaluated_on_id"), "evaluation", ["obligation_id", "evaluated_on", "id"]
    )
    op.create_index(
        op.f("ix_evaluation_organisation_id_evaluated_on_id"), "evaluation", ["organisation_id", "evaluated_on", "id"]
    )
    op.create_table(
        "evaluation_record",
        sa.Column("evaluation_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluation.id"], name=op.f("fk_evaluation_record_evaluation_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_evaluation_record_document_id")),
        sa.PrimaryKeyConstraint("evaluation_id", "document_id", name=op.f("pk_evaluation_record")),
    )
    op.create_index(op.f("ix_evaluation_record_document_id"), "evaluation_record", ["document_id"])


def downgrade() -> None:
    op.drop_table("evaluation_record")
    op.drop_table("evaluation")
    op.drop_table("obligation")
    op.drop_table("law_review")
    op.drop_table("law")

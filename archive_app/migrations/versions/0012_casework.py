"""The work on a case"""

import sqlalchemy as sa
from alembic import op

from archive_app.kernel.tables import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deadline",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("kept_on", sa.Date(), nullable=True),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_deadline_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline")),
    )
    op.create_index(op.f("ix_deadline_engagement_id_code"), "deadline", ["engagement_id", "code"])
    op.create_index(op.f("ix_deadline_kept_on_due_on_id"), "deadline", ["kept_on", "due_on", "id"])
    op.create_table(
        "material_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("recipient", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("message", sa.String(length=1000), nullable=False),
        sa.Column("link_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("sent_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("reminded_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_material_request_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_request")),
        sa.UniqueConstraint("link_sha256", name=op.f("uq_material_request_link_sha256")),
    )
    op.create_index(op.f("ix_material_request_engagement_id_id"), "material_request", ["engagement_id", "id"])
    op.create_table(
        "stage_move",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("from_stage", sa.String(length=40), nullable=False),
        sa.Column("to_stage", sa.String(length=40), nullable=False),
        sa.Column("remark", sa.String(length=1000), nullable=False),
        sa.Column("moved_by", sa.String(length=64), nullable=False),
        sa.Column("moved_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_stage_move_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_move")),
        sa.UniqueConstraint("engagement_id", "ordinal", name=op.f("uq_stage_move_engagement_id_ordinal")),
    )
    op.create_table(
        "waiver",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("waived_by", sa.String(length=64), nullable=False),
        sa.Column("waived_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_waiver_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
    )
    op.create_index(op.f("ix_waiver_engagement_id_stage_type_id"), "waiver", ["engagement_id", "stage", "type", "id"])
    op.create_table(
        "material_line",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("record_type", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("explanation", sa.String(length=1000), nullable=False),
        sa.Column("example", sa.String(length=300), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("changed_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["material_request.id"], name=op.f("fk_material_line_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_line")),
        sa.UniqueConstraint("request_id", "position", name=op.f("uq_material_line_request_id_position")),
    )
    op.create_table(
        "nonconformity",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("grade", sa.String(length=12), nullable=False),
        sa.Column("clause", sa.String(length=100), nullable=False),
        sa.Column("statement", sa.String(length=2000), nullable=False),
        sa.Column("evidence", sa.String(length=2000), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("raised_by", sa.String(length=64), nullable=False),
        sa.Column("raised_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.String(length=64), nullable=True),
        sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("effectiveness", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_nonconformity_engagement_id")),
        sa.ForeignKeyConstraint(["request_id"], ["material_request.id"], name=op.f("fk_nonconformity_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nonconformity")),
        sa.UniqueConstraint("engagement_id", "position", name=op.f("uq_nonconformity_engagement_id_position")),
    )
    op.create_index(op.f("ix_nonconformity_engagement_id_state"), "nonconformity", ["engagement_id", "state"])
    op.create_table(
        "record",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("shows", sa.String(length=500), nullable=False),
        sa.Column("methods", sa.String(length=40), nullable=False),
        sa.Column("facet", sa.String(length=40), nullable=False),
        sa.Column("originator", sa.String(length=200), nullable=False),
        sa.Column("evidence_on", sa.Date(), nullable=True),
        sa.Column("period_from", sa.Date(), nullable=True),
        sa.Column("period_to", sa.Date(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("monitoring_frequency", sa.String(length=100), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=False),
        sa.Column("cross_check", sa.String(length=500), nullable=False),
        sa.Column("authenticity", sa.String(length=16), nullable=False),
        sa.Column("authenticity_reason", sa.String(length=500), nullable=False),
        sa.Column("paper_place", sa.String(length=200), nullable=False),
        sa.Column("rendition_of", sa.String(length=36), nullable=True),
        sa.Column("rendition", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("described_by", sa.String(length=64), nullable=False),
        sa.Column("described_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_record_document_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_record_engagement_id")),
        sa.ForeignKeyConstraint(["rendition_of"], ["document.id"], name=op.f("fk_record_rendition_of")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_record")),
    )
    op.create_index(
        op.f("ix_record_engagement_id_state_document_id"), "record", ["engagement_id", "state", "document_id"]
    )
    op.create_index(op.f("ix_record_engagement_id_type_state"), "record", ["engagement_id", "type", "state"])
    op.create_index(op.f("ix_record_rendition_of"), "record", ["rendition_of"])
    op.create_table(
        "request_code",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["material_request.id"], name=op.f("fk_request_code_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_code")),
    )
    op.create_index(op.f("ix_request_code_request_id_id"), "request_code", ["request_id", "id"])
    op.create_table(
        "request_session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("opened_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["material_request.id"], name=op.f("fk_request_session_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_session")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_request_session_token_sha256")),
    )
    op.create_index(op.f("ix_request_session_request_id_id"), "request_session", ["request_id", "id"])
    op.create_table(
        "seal_use",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("seal", sa.String(length=100), nullable=False),
        sa.Column("sealed_on", sa.Date(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("approved_by", sa.String(length=100), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_seal_use_document_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_seal_use_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_use")),
    )
    op.create_index(op.f("ix_seal_use_document_id"), "seal_use", ["document_id"])
    op.create_index(op.f("ix_seal_use_engagement_id_id"), "seal_use", ["engagement_id", "id"])
    op.create_table(
        "issue",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("told_to", sa.String(length=200), nullable=False),
        sa.Column("way", sa.String(length=100), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_issue_document_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_issue_engagement_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_issue_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
    )
    op.create_index(op.f("ix_issue_engagement_id_kind_id"), "issue", ["engagement_id", "kind", "id"])
    op.create_table(
        "material_delivery",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("line_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("delivered_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_material_delivery_document_id")),
        sa.ForeignKeyConstraint(["line_id"], ["material_line.id"], name=op.f("fk_material_delivery_line_id")),
        sa.ForeignKeyConstraint(["session_id"], ["request_session.id"], name=op.f("fk_material_delivery_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_delivery")),
        sa.UniqueConstraint("document_id", name=op.f("uq_material_delivery_document_id")),
    )
    op.create_index(op.f("ix_material_delivery_line_id_id"), "material_delivery", ["line_id", "id"])
    op.create_table(
        "nonconformity_document",
        sa.Column("nonconformity_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_nonconformity_document_document_id")),
        sa.ForeignKeyConstraint(
            ["nonconformity_id"], ["nonconformity.id"], name=op.f("fk_nonconformity_document_nonconformity_id")
        ),
        sa.PrimaryKeyConstraint("nonconformity_id", "document_id", name=op.f("pk_nonconformity_document")),
    )
    op.create_table(
        "nonconformity_step",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("nonconformity_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("correction", sa.String(length=2000), nullable=False),
        sa.Column("cause", sa.String(length=2000), nullable=False),
        sa.Column("similar_cases", sa.String(length=2000), nullable=False),
        sa.Column("corrective_action", sa.String(length=2000), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["nonconformity_id"], ["nonconformity.id"], name=op.f("fk_nonconformity_step_nonconformity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nonconformity_step")),
        sa.UniqueConstraint(
            "nonconformity_id", "position", name=op.f("uq_nonconformity_step_nonconformity_id_position")
        ),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("reviewer_id", sa.String(length=36), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("summary", sa.String(length=2000), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_review_engagement_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["person.id"], name=op.f("fk_review_reviewer_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_review_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("engagement_id", "round", name=op.f("uq_review_engagement_id_round")),
    )
    op.create_table(
        "review_comment",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("review_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("quote", sa.String(length=500), nullable=False),
        sa.Column("remark", sa.String(length=2000), nullable=False),
        sa.Column("grave", sa.Boolean(), nullable=False),
        sa.Column("written_by", sa.String(length=64), nullable=False),
        sa.Column("written_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=False),
        sa.Column("answered_by", sa.String(length=64), nullable=True),
        sa.Column("answered_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_review_comment_document_id")),
        sa.ForeignKeyConstraint(["review_id"], ["review.id"], name=op.f("fk_review_comment_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_comment")),
    )
    op.create_index(op.f("ix_review_comment_document_id_id"), "review_comment", ["document_id", "id"])
    op.create_index(op.f("ix_review_comment_review_id_id"), "review_comment", ["review_id", "id"])


def downgrade() -> None:
    op.drop_table("review_comment")
    op.drop_table("review")
    op.drop_table("nonconformity_step")
    op.drop_table("nonconformity_document")
    op.drop_table("material_delivery")
    op.drop_table("issue")
    op.drop_table("seal_use")
    op.drop_table("request_session")
    op.drop_table("request_code")
    op.drop_table("record")
    op.drop_table("nonconformity")
    op.drop_table("material_line")
    op.drop_table("waiver")
    op.drop_table("stage_move")
    op.drop_table("material_request")
    op.drop_table("deadline")

"""Management reviews and disclosure"""

import sqlalchemy as sa
from alembic import op

from archive_app.kernel.tables import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disclosure_page",
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("introduction", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_disclosure_page_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_disclosure_page")),
        sa.UniqueConstraint("code", name=op.f("uq_disclosure_page_code")),
    )
    op.create_table(
        "management_review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("reviewer_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("suitability", sa.Text(), nullable=False),
        sa.Column("adequacy", sa.Text(), nullable=False),
        sa.Column("effectiveness", sa.Text(), nullable=False),
        sa.Column("held_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("report_id", sa.String(length=36), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_management_review_organisation_id")
        ),
        sa.ForeignKeyConstraint(["report_id"], ["document.id"], name=op.f("fk_management_review_report_id")),
        sa.ForeignKeyConstraint(["reviewer_id"], ["person.id"], name=op.f("fk_management_review_reviewer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_management_review")),
        sa.UniqueConstraint(
            "organisation_id", "year", "ordinal", name=op.f("uq_management_review_organisation_id_year_ordinal")
        ),
    )
    op.create_table(
        "disclosure",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("proposed_by", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.String(length=1000), nullable=False),
        sa.Column("published_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("ended_reason", sa.String(length=1000), nullable=False),
        sa.Column("downloads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_disclosure_document_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_disclosure_organisation_id")),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_disclosure_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosure")),
    )
    op.create_index(op.f("ix_disclosure_document_id_id"), "disclosure", ["document_id", "id"])
    op.create_index(op.f("ix_disclosure_organisation_id_state_id"), "disclosure", ["organisation_id", "state", "id"])
    op.create_index(
        "uq_disclosure_living",
        "disclosure",
        ["document_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('proposed', 'published')"),
        postgresql_where=sa.text("state IN ('proposed', 'published')"),
    )
    op.create_table(
        "review_attendance",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("review_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("function", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_review_attendance_person_id")),
        sa.ForeignKeyConstraint(["review_id"], ["management_review.id"], name=op.f("fk_review_attendance_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_attendance")),
    )
    op.create_index(op.f("ix_review_attendance_review_id"), "review_attendance", ["review_id"])
    op.create_table(
        "review_decision",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("review_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("words", sa.String(length=2000), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=64), nullable=True),
        sa.Column("result", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_review_decision_organisation_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_review_decision_owner_id")),
        sa.ForeignKeyConstraint(["review_id"], ["management_review.id"], name=op.f("fk_review_decision_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_decision")),
    )
    op.create_index(
        op.f("ix_review_decision_organisation_id_done_at_due_on_id"),
        "review_decision",
        ["organisation_id", "done_at", "due_on", "id"],
    )
    op.create_index(op.f("ix_review_decision_review_id_id"), "review_decision", ["review_id", "id"])
    op.create_table(
        "review_input",
        sa.Column("review_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("filled_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("said_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["review_id"], ["management_review.id"], name=op.f("fk_review_input_review_id")),
        sa.PrimaryKeyConstraint("review_id", "code", name=op.f("pk_review_input")),
    )
    op.create_table(
        "review_nothing",
        sa.Column("review_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("said_by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["review_id"], ["management_review.id"], name=op.f("fk_review_nothing_review_id")),
        sa.PrimaryKeyConstraint("review_id", "code", name=op.f("pk_review_nothing")),
    )


def downgrade() -> None:
    op.drop_table("review_nothing")
    op.drop_table("review_input")
    op.drop_table("review_decision")
    op.drop_table("review_attendance")
    op.drop_table("disclosure")
    op.drop_table("management_review")
    op.drop_table("disclosure_page")

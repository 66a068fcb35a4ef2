"""Controlled documents, their editions and who reads them"""

import sqlalchemy as sa
from alembic import op

from archive_app.kernel.tables import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_pattern",
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("pattern", sa.String(length=100), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_number_pattern_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "kind", name=op.f("pk_number_pattern")),
    )
    op.create_table(
        "controlled_document",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("keeping", sa.String(length=10), nullable=False),
        sa.Column("department", sa.String(length=200), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("clauses", sa.String(length=300), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("in_force_id", sa.String(length=36), nullable=True),
        sa.Column("review_months", sa.Integer(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("review_on", sa.Date(), nullable=True),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("issuer_number", sa.String(length=100), nullable=False),
        sa.Column("watched_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=1000), nullable=False),
        sa.Column("replaced_by_id", sa.String(length=36), nullable=True),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_controlled_document_organisation_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_controlled_document_owner_id")),
        sa.ForeignKeyConstraint(
            ["replaced_by_id"], ["controlled_document.id"], name=op.f("fk_controlled_document_replaced_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_document")),
        sa.UniqueConstraint("organisation_id", "number", name=op.f("uq_controlled_document_organisation_id_number")),
    )
    op.create_index(
        op.f("ix_controlled_document_organisation_id_kind_number"),
        "controlled_document",
        ["organisation_id", "kind", "number"],
    )
    op.create_index(
        op.f("ix_controlled_document_organisation_id_state_number"),
        "controlled_document",
        ["organisation_id", "state", "number"],
    )
    op.create_index(op.f("ix_controlled_document_review_on_id"), "controlled_document", ["review_on", "id"])
    op.create_table(
        "finding",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("controlled_document_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("remark", sa.String(length=1000), nullable=False),
        sa.Column("found_by", sa.String(length=64), nullable=False),
        sa.Column("found_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["controlled_document_id"], ["controlled_document.id"], name=op.f("fk_finding_controlled_document_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(op.f("ix_finding_controlled_document_id_id"), "finding", ["controlled_document_id", "id"])
    op.create_table(
        "recipient",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("controlled_document_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("role", sa.String(length=40), nullable=True),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["controlled_document_id"], ["controlled_document.id"], name=op.f("fk_recipient_controlled_document_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recipient_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipient")),
    )
    op.create_index(op.f("ix_recipient_controlled_document_id_id"), "recipient", ["controlled_document_id", "id"])
    op.create_table(
        "edition",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("controlled_document_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("on_the_way", sa.Boolean(), nullable=False),
        sa.Column("base_id", sa.String(length=36), nullable=True),
        sa.Column("change_note", sa.String(length=2000), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=True),
        sa.Column("author_id", sa.String(length=36), nullable=False),
        sa.Column("begun_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("approved_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("issued_by", sa.String(length=64), nullable=True),
        sa.Column("issued_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_edition_author_id")),
        sa.ForeignKeyConstraint(["base_id"], ["edition.id"], name=op.f("fk_edition_base_id")),
        sa.ForeignKeyConstraint(
            ["controlled_document_id"], ["controlled_document.id"], name=op.f("fk_edition_controlled_document_id")
        ),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_edition_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition")),
        sa.UniqueConstraint(
            "controlled_document_id", "ordinal", name=op.f("uq_edition_controlled_document_id_ordinal")
        ),
    )
    op.create_index(op.f("ix_edition_document_id"), "edition", ["document_id"])
    op.create_index(op.f("ix_edition_state_effective_on_id"), "edition", ["state", "effective_on", "id"])
    op.create_index(
        "uq_edition_on_the_way",
        "edition",
        ["controlled_document_id"],
        unique=True,
        sqlite_where=sa.text("on_the_way"),
        postgresql_where=sa.text("on_the_way"),
    )
    op.create_table(
        "acknowledgement",
        sa.Column("edition_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("told_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("read_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_acknowledgement_edition_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_acknowledgement_person_id")),
        sa.PrimaryKeyConstraint("edition_id", "person_id", name=op.f("pk_acknowledgement")),
    )
    op.create_index(
        op.f("ix_acknowledgement_person_id_state_edition_id"), "acknowledgement", ["person_id", "state", "edition_id"]
    )
    op.create_index(
        op.f("ix_acknowledgement_state_due_on_edition_id"), "acknowledgement", ["state", "due_on", "edition_id"]
    )
    op.create_table(
        "controlled_copy",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("edition_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("given_by", sa.String(length=64), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_controlled_copy_edition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_controlled_copy")),
        sa.UniqueConstraint("edition_id", "number", name=op.f("uq_controlled_copy_edition_id_number")),
    )
    op.create_table(
        "edition_file",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("edition_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("added_by", sa.String(length=36), nullable=False),
        sa.Column("added_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_edition_file_added_by")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_edition_file_document_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_edition_file_edition_id")),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_edition_file")),
        sa.UniqueConstraint("edition_id", "ordinal", name=op.f("uq_edition_file_edition_id_ordinal")),
    )
    op.create_table(
        "edition_step",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("edition_id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("remark", sa.String(length=2000), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_edition_step_document_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_edition_step_edition_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_edition_step_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_edition_step")),
    )
    op.create_index(op.f("ix_edition_step_edition_id_id"), "edition_step", ["edition_id", "id"])
    op.create_index(op.f("ix_edition_step_person_id_state_id"), "edition_step", ["person_id", "state", "id"])
    op.create_table(
        "form_use",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("edition_id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("taken_by", sa.String(length=36), nullable=False),
        sa.Column("taken_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["edition.id"], name=op.f("fk_form_use_edition_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_form_use_engagement_id")),
        sa.ForeignKeyConstraint(["taken_by"], ["person.id"], name=op.f("fk_form_use_taken_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_form_use")),
    )
    op.create_index(op.f("ix_form_use_engagement_id_edition_id"), "form_use", ["engagement_id", "edition_id"])


def downgrade() -> None:
    op.drop_table("form_use")
    op.drop_table("edition_step")
    op.drop_table("edition_file")
    op.drop_table("controlled_copy")
    op.drop_table("acknowledgement")
    op.drop_table("edition")
    op.drop_table("recipient")
    op.drop_table("finding")
    op.drop_table("controlled_document")
    op.drop_table("number_pattern")

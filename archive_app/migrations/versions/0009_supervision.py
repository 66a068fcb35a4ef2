"""What authorities may read"""

import sqlalchemy as sa
from alembic import op

from archive_app.kernel.tables import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supervision_grant",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("authority_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("offered_to", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=300), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("wanted", sa.String(length=1000), nullable=False),
        sa.Column("asked_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("asked_until", UtcDateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("until", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.Column("end_reason", sa.String(length=1000), nullable=False),
        sa.CheckConstraint(
            "outcome <> 'granted' OR (person_id IS NOT NULL AND until IS NOT NULL)",
            name=op.f("ck_supervision_grant_of_a_person"),
        ),
        sa.ForeignKeyConstraint(["authority_id"], ["organisation.id"], name=op.f("fk_supervision_grant_authority_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_supervision_grant_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_supervision_grant_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_grant")),
    )
    for column in ("authority_id", "offered_to", "organisation_id", "person_id"):
        op.create_index(op.f(f"ix_supervision_grant_{column}_id"), "supervision_grant", [column, "id"])
    op.create_table(
        "supervision_scope",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=True),
        sa.Column("client_id", sa.String(length=36), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(whole AND engagement_id IS NULL AND client_id IS NULL AND year IS NULL) OR "
            "(NOT whole AND engagement_id IS NOT NULL AND client_id IS NULL AND year IS NULL) OR "
            "(NOT whole AND engagement_id IS NULL AND (client_id IS NOT NULL OR year IS NOT NULL))",
            name=op.f("ck_supervision_scope_one_thing"),
        ),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_supervision_scope_client_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_supervision_scope_engagement_id")),
        sa.ForeignKeyConstraint(["grant_id"], ["supervision_grant.id"], name=op.f("fk_supervision_scope_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supervision_scope")),
    )
    op.create_index(
        op.f("ix_supervision_scope_engagement_id_grant_id"), "supervision_scope", ["engagement_id", "grant_id"]
    )
    op.create_index(op.f("ix_supervision_scope_grant_id_id"), "supervision_scope", ["grant_id", "id"])


def downgrade() -> None:
    op.drop_table("supervision_scope")
    op.drop_table("supervision_grant")

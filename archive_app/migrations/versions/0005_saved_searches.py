"""Saved searches"""

import sqlalchemy as sa
from alembic import op

import archive_app.kernel.tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_search",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_saved_search_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_search_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_search")),
        sa.UniqueConstraint("person_id", "name", name=op.f("uq_saved_search_person_id_name")),
    )
    with op.batch_alter_table("saved_search", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_search_organisation_id_id"), ["organisation_id", "id"], unique=False)
    op.create_table(
        "saved_search_seen",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("saved_search_id", sa.String(length=36), nullable=False),
        sa.Column("seen_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_search_seen_person_id")),
        sa.ForeignKeyConstraint(
            ["saved_search_id"], ["saved_search.id"], name=op.f("fk_saved_search_seen_saved_search_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "saved_search_id", name=op.f("pk_saved_search_seen")),
    )
    with op.batch_alter_table("saved_search_seen", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_search_seen_saved_search_id"), ["saved_search_id"], unique=False)


def downgrade() -> None:
    op.drop_table("saved_search_seen")
    op.drop_table("saved_search")

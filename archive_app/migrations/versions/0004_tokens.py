"""Tokens of programs, and writes that were answered"""

import sqlalchemy as sa
from alembic import op

import archive_app.kernel.tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = archive_app.kernel.tables.UtcDateTime(timezone=True)
    op.create_table(
        "access_token",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("last_used_at", moment, nullable=True),
        sa.Column("ended_at", moment, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_access_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_access_token_token_digest")),
    )
    op.create_index(op.f("ix_access_token_person_id_id"), "access_token", ["person_id", "id"], unique=False)
    op.create_table(
        "answered_write",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("leased_until", moment, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("location", sa.String(length=300), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answered_write")),
        sa.UniqueConstraint("person_id", "key", name=op.f("uq_answered_write_person_id_key")),
    )
    op.create_index(op.f("ix_answered_write_expires_at"), "answered_write", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("answered_write")
    op.drop_table("access_token")

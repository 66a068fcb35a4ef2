"""Description of documents, and how their text was read"""

import sqlalchemy as sa
from alembic import op

import archive_app.kernel.tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("document") as document:
        document.add_column(sa.Column("number", sa.String(length=100), nullable=True))
        document.add_column(sa.Column("dated_on", sa.Date(), nullable=True))
        document.add_column(sa.Column("remark", sa.String(length=1000), nullable=True))
    with op.batch_alter_table("version") as version:
        version.add_column(sa.Column("recogniser", sa.String(length=60), nullable=True))
        version.add_column(sa.Column("confidence", sa.Integer(), nullable=True))
        version.add_column(sa.Column("recognised_pages", sa.Integer(), nullable=True))
        version.add_column(sa.Column("unread_pages", sa.Integer(), nullable=True))
    with op.batch_alter_table("derivative") as derivative:
        derivative.alter_column(
            "part", existing_type=sa.String(length=20), type_=sa.String(length=40), existing_nullable=False
        )
    op.create_table(
        "part",
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("reading", sa.String(length=8), nullable=False),
        sa.Column("reading_note", sa.String(length=300), nullable=True),
        sa.Column("reader", sa.String(length=60), nullable=True),
        sa.Column("page_count", sa.Integer(), nullable=True),
        sa.Column("recogniser", sa.String(length=60), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("recognised_pages", sa.Integer(), nullable=True),
        sa.Column("unread_pages", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_part_version_id")),
        sa.PrimaryKeyConstraint("version_id", "number", name=op.f("pk_part")),
    )
    op.create_table(
        "reading_run",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("handed_on", sa.Integer(), nullable=False),
        sa.Column("last_version_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("changed_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_reading_run_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_run")),
    )
    with op.batch_alter_table("reading_run") as run:
        run.create_index(run.f("ix_reading_run_organisation_id_id"), ["organisation_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("reading_run")
    op.drop_table("part")
    op.execute("DELETE FROM derivative WHERE length(part) > 20")
    with op.batch_alter_table("derivative") as derivative:
        derivative.alter_column(
            "part", existing_type=sa.String(length=40), type_=sa.String(length=20), existing_nullable=False
        )
    with op.batch_alter_table("version") as version:
        version.drop_column("unread_pages")
        version.drop_column("recognised_pages")
        version.drop_column("confidence")
        version.drop_column("recogniser")
    with op.batch_alter_table("document") as document:
        document.drop_column("remark")
        document.drop_column("dated_on")
        document.drop_column("number")

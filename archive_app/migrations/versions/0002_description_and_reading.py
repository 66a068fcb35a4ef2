"""Description of documents, and how their text was read"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("document") as document:
        document.add_column(sa.Column("number", sa.String(length=100), nullable=True))
        document.add_column(sa.Column("dated_on", sa.Date(), nullable=True))
        document.add_column(sa.Column("remark", sa.String(length=1000), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("document") as document:
        document.drop_column("remark")
        document.drop_column("dated_on")
        document.drop_column("number")

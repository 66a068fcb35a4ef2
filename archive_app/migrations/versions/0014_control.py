"""What a controlled document is at"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("document") as batch:
        batch.add_column(sa.Column("control", sa.String(length=10), nullable=False, server_default=""))
    with op.batch_alter_table("document") as batch:
        batch.alter_column("control", existing_type=sa.String(length=10), existing_nullable=False, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("document") as batch:
        batch.drop_column("control")

"""Assignments, access for a time, relations that touch independence"""

import sqlalchemy as sa
from alembic import op

import archive_app.kernel.tables

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ENGAGEMENT = sa.table("engagement", sa.column("activity"))
_TEAM_MEMBER, _ASSIGNMENT = (
    sa.table(name, *(sa.column(c) for c in ("engagement_id", "person_id", "part", "assigned_at", "ended_at")))
    for name in ("team_member", "assignment")
)


def upgrade() -> None:
    op.create_table(
        "assignment",
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.String(length=20), nullable=False),
        sa.Column("assigned_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("declared_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("ended_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_assignment_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assignment_person_id")),
        sa.PrimaryKeyConstraint("engagement_id", "person_id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_assignment_person_id_engagement_id"), ["person_id", "engagement_id"], unique=False
        )
    columns = ("engagement_id", "person_id", "part", "assigned_at")
    op.execute(_ASSIGNMENT.insert().from_select(columns, sa.select(*(_TEAM_MEMBER.c[name] for name in columns))))
    op.drop_table("team_member")
    op.create_table(
        "access_request",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=True),
        sa.Column("wanted", sa.String(length=200), nullable=False),
        sa.Column("grounds", sa.String(length=1000), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("asked_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("decided_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_access_request_engagement_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_access_request_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_access_request_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_request")),
    )
    with op.batch_alter_table("access_request", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_access_request_organisation_id_outcome_id"),
            ["organisation_id", "outcome", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_access_request_person_id_id"), ["person_id", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_access_request_engagement_id_outcome_id"), ["engagement_id", "outcome", "id"], unique=False
        )
    op.create_table(
        "access",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("ground", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("granted_by", sa.String(length=64), nullable=False),
        sa.Column("granted_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_access_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_access_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["access_request.id"], name=op.f("fk_access_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access")),
    )
    with op.batch_alter_table("access", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_engagement_id_id"), ["engagement_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_access_ended_at_until"), ["ended_at", "until"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_access_person_id_engagement_id"), ["person_id", "engagement_id"], unique=False
        )
    op.create_table(
        "interest",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=True),
        sa.Column("client_id", sa.String(length=36), nullable=True),
        sa.Column("party_name", sa.String(length=200), nullable=False),
        sa.Column("party_code", sa.String(length=18), nullable=True),
        sa.Column("province", sa.String(length=2), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("began_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_interest_client_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_interest_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_interest_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
    )
    with op.batch_alter_table("interest", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_interest_organisation_id_id"), ["organisation_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_interest_person_id_id"), ["person_id", "id"], unique=False)
    with op.batch_alter_table("client", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entity_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("province", sa.String(length=2), nullable=True))
        batch_op.create_index(batch_op.f("ix_client_entity_id_id"), ["entity_id", "id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_client_entity_id"), "organisation", ["entity_id"], ["id"])
    with op.batch_alter_table("engagement") as engagement:
        engagement.add_column(sa.Column("activity", sa.String(length=16), nullable=True))
        engagement.add_column(sa.Column("project_number", sa.String(length=60), nullable=True))
        engagement.create_index(op.f("ix_engagement_project_number_id"), ["project_number", "id"], unique=False)
        engagement.create_index(
            op.f("ix_engagement_organisation_id_year_id"), ["organisation_id", "year", "id"], unique=False
        )
    op.execute(_ENGAGEMENT.update().values(activity="verification"))
    with op.batch_alter_table("engagement") as engagement:
        engagement.alter_column("activity", existing_type=sa.String(length=16), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("engagement") as engagement:
        engagement.drop_index(op.f("ix_engagement_organisation_id_year_id"))
        engagement.drop_index(op.f("ix_engagement_project_number_id"))
        engagement.drop_column("project_number")
        engagement.drop_column("activity")
    with op.batch_alter_table("client") as client:
        client.drop_constraint(op.f("fk_client_entity_id"), type_="foreignkey")
        client.drop_index(op.f("ix_client_entity_id_id"))
        client.drop_column("province")
        client.drop_column("entity_id")
    for table in ("interest", "access", "access_request"):
        op.drop_table(table)
    _make_team_member()
    op.drop_table("assignment")


def _make_team_member() -> None:
    op.create_table(
        "team_member",
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("assigned_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_team_member_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_team_member_person_id")),
        sa.PrimaryKeyConstraint("engagement_id", "person_id", name=op.f("pk_team_member")),
    )
    with op.batch_alter_table("team_member") as member:
        member.create_index(op.f("ix_team_member_person_id_engagement_id"), ["person_id", "engagement_id"])
    # Only what still counts goes back: the older table knew neither ends nor reviewers.
    columns = ("engagement_id", "person_id", "part", "assigned_at")
    living = sa.select(*(_ASSIGNMENT.c[name] for name in columns)).where(
        _ASSIGNMENT.c.ended_at.is_(None), _ASSIGNMENT.c.part.in_(("leader", "member"))
    )
    op.execute(_TEAM_MEMBER.insert().from_select(columns, living))

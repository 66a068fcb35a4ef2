"""Schemes, groups, time and competence"""

import hashlib

import sqlalchemy as sa
from alembic import op

from archive_app.kernel.tables import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CODE = "key_emitter_verification"
_TEXT = """
# What engagements follow that were opened before there were schemes: work, then the file.
code = "key_emitter_verification"
version = "0"
activity = "verification"
report = "verification_report"
sources = ["S0 1.2.1"]
person_days = false

[name]
zh = "重点排放单位年度核查（未分阶段）"
en = "Annual verification of a key emitter (without stages)"

[summary]
zh = "在设定阶段之前开立的核查项目。"
en = "Engagements that were opened before there were stages."

[team]
least_people = 1
leaders = 0
reviewer = false
source = "S0 1.2.1"

[[stages]]
code = "work"
name = { zh = "核查实施", en = "Work" }
source = "S0 1.2.1"
moved_by = ["leader", "archivist"]

[[stages]]
code = "keeping"
name = { zh = "保存核查记录", en = "Keeping the records" }
source = "S0 1.2.1"
moved_by = ["archivist"]
"""
_ENGAGEMENT = sa.table("engagement", *(sa.column(name) for name in ("scheme", "scheme_version", "stage")))
_EDITION = sa.table(
    "scheme_edition",
    *(sa.column(name) for name in ("code", "version", "text")),
    sa.column("sha256", sa.LargeBinary),
    sa.column("kept_at", UtcDateTime(timezone=True)),
)


def upgrade() -> None:
    op.create_table(
        "scheme_edition",
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kept_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_scheme_edition")),
    )
    op.create_table(
        "competence",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("certificate", sa.String(length=100), nullable=False),
        sa.Column("issued_by", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_competence_organisation_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_competence_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_competence")),
    )
    op.create_index(
        op.f("ix_competence_organisation_id_valid_until_id"), "competence", ["organisation_id", "valid_until", "id"]
    )
    op.create_index(op.f("ix_competence_person_id_kind_code"), "competence", ["person_id", "kind", "code"])
    op.create_table(
        "person_days",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("stage", sa.String(length=40), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("quarters", sa.Integer(), nullable=False),
        sa.Column("on_site", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.String(length=300), nullable=False),
        sa.Column("recorded_by", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_person_days_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_days_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_days")),
    )
    op.create_index(op.f("ix_person_days_engagement_id_id"), "person_days", ["engagement_id", "id"])
    op.create_index(op.f("ix_person_days_person_id_on"), "person_days", ["person_id", "on"])
    op.create_table(
        "group_member",
        sa.Column("engagement_id", sa.String(length=36), nullable=False),
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("group", sa.String(length=40), nullable=False),
        sa.Column("named_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["engagement_id", "person_id"],
            ["assignment.engagement_id", "assignment.person_id"],
            name=op.f("fk_group_member_engagement_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("engagement_id", "person_id", "group", name=op.f("pk_group_member")),
    )
    _keep_the_steps_of_before()
    with op.batch_alter_table("client") as batch_op:
        batch_op.add_column(sa.Column("sector", sa.String(length=40), nullable=True))
    with op.batch_alter_table("engagement") as batch_op:
        for name, length in (("scheme", 60), ("scheme_version", 20), ("stage", 40)):
            batch_op.add_column(sa.Column(name, sa.String(length=length), nullable=True))
        batch_op.add_column(sa.Column("parent_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("sealed_at", UtcDateTime(timezone=True), nullable=True))
    op.execute(_ENGAGEMENT.update().values(scheme=_CODE, scheme_version="0", stage="work"))
    with op.batch_alter_table("engagement") as batch_op:
        for name, length in (("scheme", 60), ("scheme_version", 20), ("stage", 40)):
            batch_op.alter_column(name, existing_type=sa.String(length=length), nullable=False)
        batch_op.create_foreign_key(
            op.f("fk_engagement_scheme_scheme_version"),
            "scheme_edition",
            ["scheme", "scheme_version"],
            ["code", "version"],
        )
        batch_op.create_foreign_key(op.f("fk_engagement_parent_id"), "engagement", ["parent_id"], ["id"])
    op.create_index(
        op.f("ix_engagement_organisation_id_scheme_stage_id"),
        "engagement",
        ["organisation_id", "scheme", "stage", "id"],
    )
    op.create_index(op.f("ix_engagement_parent_id_id"), "engagement", ["parent_id", "id"])


def _keep_the_steps_of_before() -> None:
    opened = sa.table("engagement", sa.column("created_at", UtcDateTime(timezone=True)))
    first = op.get_bind().execute(sa.select(sa.func.min(opened.c.created_at))).scalar_one()
    if first is None:
        return
    row = {"code": _CODE, "version": "0", "text": _TEXT, "sha256": hashlib.sha256(_TEXT.encode()).digest()}
    op.execute(_EDITION.insert().values(**row, kept_at=first))


def downgrade() -> None:
    op.drop_index(op.f("ix_engagement_parent_id_id"), "engagement")
    op.drop_index(op.f("ix_engagement_organisation_id_scheme_stage_id"), "engagement")
    with op.batch_alter_table("engagement") as batch_op:
        batch_op.drop_constraint(op.f("fk_engagement_parent_id"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_engagement_scheme_scheme_version"), type_="foreignkey")
        for name in ("sealed_at", "parent_id", "stage", "scheme_version", "scheme"):
            batch_op.drop_column(name)
    with op.batch_alter_table("client") as batch_op:
        batch_op.drop_column("sector")
    op.drop_table("group_member")
    op.drop_table("person_days")
    op.drop_table("competence")
    op.drop_table("scheme_edition")

"""Kinds of organisation, granted roles, second factors"""

import sqlalchemy as sa
from alembic import op

import archive_app.kernel.tables

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = archive_app.kernel.tables.UtcDateTime(timezone=True)
_ORGANISATION = sa.table("organisation", sa.column("id"), sa.column("kind"), sa.column("runs_archive", sa.Boolean()))
_PERSON = sa.table("person", sa.column("id"), sa.column("highest_level"), sa.column("created_at", _MOMENT))
_ROLE = sa.table(
    "person_role",
    *(sa.column(name) for name in ("person_id", "proposed_by", "granted_by")),
    sa.column("proposed_at", _MOMENT),
    sa.column("granted_at", _MOMENT),
)
_TOKEN = sa.table("access_token", sa.column("scopes", sa.Text()))
_SESSION = sa.table("sign_in_session", sa.column("created_at", _MOMENT), sa.column("passed_at", _MOMENT))


def upgrade() -> None:
    op.create_table(
        "second_factor",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("key_epoch", sa.Integer(), nullable=False),
        sa.Column("wrapped_secret", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_second_factor_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factor")),
    )
    with op.batch_alter_table("second_factor", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_second_factor_key_epoch_person_id"), ["key_epoch", "person_id"], unique=False
        )
    op.create_table(
        "recovery_code",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recovery_code_person_id")),
        sa.PrimaryKeyConstraint("person_id", "code_digest", name=op.f("pk_recovery_code")),
    )
    with op.batch_alter_table("organisation") as organisation:
        organisation.add_column(sa.Column("kind", sa.String(length=24), nullable=True))
        organisation.add_column(sa.Column("credit_code", sa.String(length=18), nullable=True))
        organisation.add_column(sa.Column("runs_archive", sa.Boolean(), nullable=True))
    # Until now there were verification bodies only, and the first of them runs the archive.
    first = sa.select(sa.func.min(_ORGANISATION.c.id)).scalar_subquery()
    op.execute(_ORGANISATION.update().values(kind="verification_body", runs_archive=_ORGANISATION.c.id == first))
    with op.batch_alter_table("organisation") as organisation:
        organisation.alter_column("kind", existing_type=sa.String(length=24), nullable=False)
        organisation.alter_column("runs_archive", existing_type=sa.Boolean(), nullable=False)
        organisation.create_unique_constraint(op.f("uq_organisation_credit_code"), ["credit_code"])
    with op.batch_alter_table("person") as person:
        person.add_column(sa.Column("highest_level", sa.Integer(), nullable=True))
    op.execute(_PERSON.update().values(highest_level=2))
    with op.batch_alter_table("person") as person:
        person.alter_column("highest_level", existing_type=sa.Integer(), nullable=False)
    _add_grants()
    with op.batch_alter_table("sign_in_session") as session:
        session.add_column(sa.Column("passed_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True))
        session.add_column(
            sa.Column("confirmed_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True)
        )
    op.execute(_SESSION.update().values(passed_at=_SESSION.c.created_at))
    _rename_scopes("archive:log:", "organisation:log:")


def downgrade() -> None:
    _rename_scopes("organisation:log:", "archive:log:")
    with op.batch_alter_table("sign_in_session") as session:
        session.drop_column("confirmed_at")
        session.drop_column("passed_at")
    # A role that was only proposed gave nothing; without the column it would.
    op.execute(_ROLE.delete().where(_ROLE.c.granted_at.is_(None)))
    with op.batch_alter_table("person_role") as role:
        for name in ("granted_at", "granted_by", "proposed_at", "proposed_by"):
            role.drop_column(name)
    with op.batch_alter_table("person") as person:
        person.drop_column("highest_level")
    with op.batch_alter_table("organisation") as organisation:
        organisation.drop_constraint(op.f("uq_organisation_credit_code"), type_="unique")
        for name in ("runs_archive", "credit_code", "kind"):
            organisation.drop_column(name)
    op.drop_table("recovery_code")
    op.drop_table("second_factor")


def _rename_scopes(old: str, new: str) -> None:
    """The log of one's own organisation is not that of the archive, which the same words mean from now on."""
    op.execute(_TOKEN.update().values(scopes=sa.func.replace(_TOKEN.c.scopes, old, new)))


def _add_grants() -> None:
    """Roles that people have were granted by whoever ran the archive."""
    with op.batch_alter_table("person_role") as role:
        role.add_column(sa.Column("proposed_by", sa.String(length=64), nullable=True))
        role.add_column(sa.Column("proposed_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True))
        role.add_column(sa.Column("granted_by", sa.String(length=64), nullable=True))
        role.add_column(sa.Column("granted_at", archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=True))
    since = sa.select(_PERSON.c.created_at).where(_PERSON.c.id == _ROLE.c.person_id).scalar_subquery()
    by = "system:migration"
    op.execute(_ROLE.update().values(proposed_by=by, proposed_at=since, granted_by=by, granted_at=since))
    with op.batch_alter_table("person_role") as role:
        role.alter_column("proposed_by", existing_type=sa.String(length=64), nullable=False)
        role.alter_column(
            "proposed_at", existing_type=archive_app.kernel.tables.UtcDateTime(timezone=True), nullable=False
        )

"""Registers, their rows, and the inbox"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

import archive_app.kernel.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_HELD = sa.table(
    "held_content",
    *(sa.column(name) for name in ("id", "version_id", "key_epoch", "wrapped_key", "blob_id", "size_bytes", "sha256")),
    *(sa.column(name) for name in ("sm3", "stored_size_bytes", "stored_sha256", "kind", "media_type", "name")),
    sa.column("created_at", archive_app.kernel.tables.UtcDateTime()),
)
_UPLOAD = sa.table(
    "upload",
    *(sa.column(name) for name in ("id", "name", "held", "held_id")),
    sa.column("changed_at", archive_app.kernel.tables.UtcDateTime()),
)


def upgrade() -> None:
    _make_held_content()
    _make_inbox()
    _make_registers()
    _make_register_rows()


def downgrade() -> None:
    with op.batch_alter_table("document") as document:
        document.drop_column("withdrawn_at")
    for table in ("register_layout", "register_file", "register_row", "register"):
        op.drop_table(table)
    op.drop_table("inbox_file")
    op.drop_table("watched_folder")
    _drop_held_content()


def _make_held_content() -> None:
    """What duplicates kept in their own rows moves into a table that others share."""
    moment = archive_app.kernel.tables.UtcDateTime(timezone=True)
    op.create_table(
        "held_content",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("version_id", sa.String(length=36), nullable=False),
        sa.Column("key_epoch", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("blob_id", sa.String(length=32), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sm3", sa.LargeBinary(), nullable=True),
        sa.Column("stored_size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_content")),
        sa.UniqueConstraint("version_id", name=op.f("uq_held_content_version_id")),
        sa.UniqueConstraint("blob_id", name=op.f("uq_held_content_blob_id")),
    )
    op.create_index(op.f("ix_held_content_key_epoch_id"), "held_content", ["key_epoch", "id"])
    with op.batch_alter_table("upload") as upload:
        upload.add_column(sa.Column("held_id", sa.String(length=36), nullable=True))
        upload.add_column(sa.Column("received_bytes", sa.BigInteger(), nullable=False, server_default="0"))
        upload.create_foreign_key(op.f("fk_upload_held_id"), "held_content", ["held_id"], ["id"])
    connection = op.get_bind()
    waiting = sa.select(_UPLOAD.c.id, _UPLOAD.c.name, _UPLOAD.c.held, _UPLOAD.c.changed_at)
    for row in connection.execute(waiting.where(_UPLOAD.c.held.is_not(None))).all():
        # The upload's own identifier is as good as a new one, and says where the bytes came from.
        connection.execute(
            sa.insert(_HELD).values(id=row.id, name=row.name, created_at=row.changed_at, **_of(row.held))
        )
        connection.execute(sa.update(_UPLOAD).where(_UPLOAD.c.id == row.id).values(held_id=row.id))
    with op.batch_alter_table("upload") as upload:
        upload.alter_column("received_bytes", server_default=None)
        upload.drop_column("held")
    op.create_table(
        "upload_part",
        sa.Column("upload_id", sa.String(length=36), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("held_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_part_upload_id")),
        sa.ForeignKeyConstraint(["held_id"], ["held_content.id"], name=op.f("fk_upload_part_held_id")),
        sa.PrimaryKeyConstraint("upload_id", "start", name=op.f("pk_upload_part")),
        sa.UniqueConstraint("held_id", name=op.f("uq_upload_part_held_id")),
    )


def _drop_held_content() -> None:
    """Duplicates take their bytes back; files of the inbox and parts of uploads become orphan blobs."""
    op.drop_table("upload_part")
    with op.batch_alter_table("upload") as upload:
        upload.add_column(sa.Column("held", sa.Text(), nullable=True))
    connection = op.get_bind()
    held = sa.select(_HELD, _UPLOAD.c.id.label("upload_id")).join(_UPLOAD, _UPLOAD.c.held_id == _HELD.c.id)
    for row in connection.execute(held).all():
        connection.execute(sa.update(_UPLOAD).where(_UPLOAD.c.id == row.upload_id).values(held=_as_text(row)))
    with op.batch_alter_table("upload") as upload:
        upload.drop_constraint(op.f("fk_upload_held_id"), type_="foreignkey")
        upload.drop_column("received_bytes")
        upload.drop_column("held_id")
    op.drop_table("held_content")


def _of(held: str) -> dict[str, Any]:
    told = json.loads(held)
    blob, kind = told["blob"], told["kind"]
    return {
        "version_id": told["version_id"],
        "key_epoch": told["key"]["epoch"],
        "wrapped_key": bytes.fromhex(told["key"]["wrapped"]),
        "blob_id": blob["blob_id"],
        "size_bytes": blob["size_bytes"],
        "sha256": bytes.fromhex(blob["sha256"]),
        "sm3": bytes.fromhex(blob["sm3"]) if blob["sm3"] else None,
        "stored_size_bytes": blob["stored_size_bytes"],
        "stored_sha256": bytes.fromhex(blob["stored_sha256"]),
        "kind": kind["code"],
        "media_type": kind["media_type"],
    }


def _as_text(row: Any) -> str:
    text: Callable[[bytes | None], str | None] = lambda value: bytes(value).hex() if value else None  # noqa: E731
    blob = {
        "blob_id": row.blob_id,
        "size_bytes": row.size_bytes,
        "sha256": text(row.sha256),
        "sm3": text(row.sm3),
        "stored_size_bytes": row.stored_size_bytes,
        "stored_sha256": text(row.stored_sha256),
    }
    key = {"epoch": row.key_epoch, "wrapped": text(row.wrapped_key)}
    kind = {"code": row.kind, "media_type": row.media_type}
    return json.dumps({"version_id": row.version_id, "key": key, "blob": blob, "kind": kind})


def _make_inbox() -> None:
    moment = archive_app.kernel.tables.UtcDateTime(timezone=True)
    op.create_table(
        "inbox_file",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=True),
        sa.Column("register_id", sa.String(length=36), nullable=True),
        sa.Column("folder", sa.String(length=100), nullable=False),
        sa.Column("brought_by", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=1000), nullable=False),
        sa.Column("source_path", sa.Text(), nullable=False),
        sa.Column("source_system", sa.String(length=100), nullable=False),
        sa.Column("originator", sa.String(length=200), nullable=False),
        sa.Column("activity", sa.String(length=200), nullable=False),
        sa.Column("modified_at", moment, nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("held_id", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("document_id", sa.String(length=36), nullable=True),
        sa.Column("sorted_by", sa.String(length=64), nullable=True),
        sa.Column("source_key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_inbox_file_organisation_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_inbox_file_engagement_id")),
        sa.ForeignKeyConstraint(["held_id"], ["held_content.id"], name=op.f("fk_inbox_file_held_id")),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_inbox_file_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_file")),
        sa.UniqueConstraint("held_id", name=op.f("uq_inbox_file_held_id")),
    )
    op.create_index(op.f("ix_inbox_file_organisation_id_state_id"), "inbox_file", ["organisation_id", "state", "id"])
    op.create_index(op.f("ix_inbox_file_register_id_id"), "inbox_file", ["register_id", "id"])
    op.create_index(op.f("ix_inbox_file_source_key"), "inbox_file", ["source_key"])
    op.create_index(op.f("ix_inbox_file_sorted_by_changed_at"), "inbox_file", ["sorted_by", "changed_at"])
    op.create_table(
        "watched_folder",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=True),
        sa.Column("looked_at", moment, nullable=False),
        sa.Column("growing", sa.Integer(), nullable=False),
        sa.Column("left_behind", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("fault_since", moment, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_watched_folder_organisation_id")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_watched_folder")),
    )


def _make_registers() -> None:
    moment = archive_app.kernel.tables.UtcDateTime(timezone=True)
    with op.batch_alter_table("document") as document:
        document.add_column(sa.Column("withdrawn_at", moment, nullable=True))
    op.create_table(
        "register",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("held_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.Column("loader", sa.String(length=36), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("brought_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_register_engagement_id")),
        sa.ForeignKeyConstraint(["held_id"], ["held_content.id"], name=op.f("fk_register_held_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_register_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register")),
    )
    op.create_index(op.f("ix_register_engagement_id_id"), "register", ["engagement_id", "id"], unique=False)
    op.create_index(op.f("ix_register_organisation_id_id"), "register", ["organisation_id", "id"], unique=False)


def _make_register_rows() -> None:
    moment = archive_app.kernel.tables.UtcDateTime(timezone=True)
    op.create_table(
        "register_row",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("register_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_key", sa.LargeBinary(), nullable=False),
        sa.Column("run", sa.String(length=36), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("worst", sa.String(length=6), nullable=False),
        sa.Column("confirmed", sa.Text(), nullable=False),
        sa.Column("engagement_id", sa.String(length=36), nullable=True),
        sa.Column("number_key", sa.String(length=200), nullable=True),
        sa.Column("archive_key", sa.String(length=200), nullable=True),
        sa.Column("file_key", sa.String(length=300), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("changed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_register_row_engagement_id")),
        sa.ForeignKeyConstraint(["register_id"], ["register.id"], name=op.f("fk_register_row_register_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_row")),
    )
    op.create_index(
        op.f("ix_register_row_register_id_archive_key"), "register_row", ["register_id", "archive_key"], unique=False
    )
    op.create_index(
        op.f("ix_register_row_register_id_file_key"), "register_row", ["register_id", "file_key"], unique=False
    )
    op.create_index(
        op.f("ix_register_row_register_id_number_id"), "register_row", ["register_id", "number", "id"], unique=False
    )
    op.create_index(
        op.f("ix_register_row_register_id_number_key"), "register_row", ["register_id", "number_key"], unique=False
    )
    op.create_index(
        op.f("ix_register_row_register_id_source_key"), "register_row", ["register_id", "source_key"], unique=False
    )
    op.create_index(
        op.f("ix_register_row_register_id_state_worst"),
        "register_row",
        ["register_id", "state", "worst"],
        unique=False,
    )
    op.create_table(
        "register_file",
        sa.Column("inbox_file_id", sa.String(length=36), nullable=False),
        sa.Column("register_id", sa.String(length=36), nullable=False),
        sa.Column("row_id", sa.String(length=36), nullable=True),
        sa.Column("how", sa.String(length=8), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_register_file_document_id")),
        sa.ForeignKeyConstraint(["inbox_file_id"], ["inbox_file.id"], name=op.f("fk_register_file_inbox_file_id")),
        sa.ForeignKeyConstraint(["register_id"], ["register.id"], name=op.f("fk_register_file_register_id")),
        sa.ForeignKeyConstraint(["row_id"], ["register_row.id"], name=op.f("fk_register_file_row_id")),
        sa.PrimaryKeyConstraint("inbox_file_id", name=op.f("pk_register_file")),
    )
    op.create_index(op.f("ix_register_file_document_id"), "register_file", ["document_id"], unique=False)
    op.create_index(
        op.f("ix_register_file_register_id_row_id"), "register_file", ["register_id", "row_id"], unique=False
    )
    op.create_index(op.f("ix_register_file_row_id"), "register_file", ["row_id"], unique=False)
    op.create_table(
        "register_layout",
        sa.Column("organisation_id", sa.String(length=36), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_register_layout_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", "signature", name=op.f("pk_register_layout")),
    )

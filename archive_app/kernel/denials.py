"""Refusals leave a trace: a person's in the log, an unknown caller's as a count per minute."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.kernel.actor import Actor
from archive_app.kernel.database import insert_for
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.tables import Base

if TYPE_CHECKING:
    from archive_app.kernel.archive import Archive

ACCESS_DENIED = event_type("access.denied", N_("Access denied"))


class AnonymousDenials(Base):
    """How often unknown callers were refused in one minute: counting keeps a flood from becoming the log."""

    __tablename__ = "anonymous_denials"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    permission: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]


def note_denial(archive: "Archive", actor: Actor, permission: Permission, subject: Mapping[str, str]) -> None:
    """Records one refusal in a transaction of its own."""
    if actor.person_id is not None:
        with archive.transaction(actor) as uow:
            uow.record(ACCESS_DENIED, subject, permission=permission)
        return
    with archive.transaction(actor, eventless=True) as uow:
        minute = uow.now.replace(second=0, microsecond=0)
        counted = insert_for(uow.session)(AnonymousDenials).values(minute=minute, permission=str(permission), count=1)
        key = [AnonymousDenials.minute, AnonymousDenials.permission]
        one_more = {"count": AnonymousDenials.count + 1}
        uow.session.execute(counted.on_conflict_do_update(index_elements=key, set_=one_more))

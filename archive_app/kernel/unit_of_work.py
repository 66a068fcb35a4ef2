"""One use case, one transaction: what a use case holds in its hand while it works."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, event
from sqlalchemy.orm import ORMExecuteState, Session

from archive_app.kernel import outbox
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import NotFoundError, PermissionMissingError
from archive_app.kernel.events import EventType, write_event
from archive_app.kernel.ids import new_id
from archive_app.kernel.permissions import Permission

if TYPE_CHECKING:
    from archive_app.kernel.archive import Archive


_UNIT = "unit_of_work"
_READING = "a reading unit of work tried to change something"


class DeniedError(NotFoundError):
    """The subject exists and the actor may not see it. To them it is not found; to the log it is a denial."""

    def __init__(self, kind: str, subject_id: str) -> None:
        super().__init__()
        self.subject = {kind: subject_id}
        self.noted = False


class UnitOfWork:
    """A session, who acts in it, and the means to check, record and hand on."""

    def __init__(
        self,
        actor: Actor,
        archive: "Archive",
        session: Session,
        now: datetime,
        *,
        eventless: bool = False,
        readonly: bool = False,
    ) -> None:
        self.actor = actor
        self.archive = archive
        self.session = session
        self.now = now
        self.changed = False
        self._recorded = eventless
        self._readonly = readonly
        self._ids = 0
        session.info[_UNIT] = self

    def new_id(self) -> str:
        """A fresh identifier, after all that this unit of work gave out before."""
        self._ids += 1
        return new_id(self.now, self._ids)

    def visible(self, kind: str) -> ColumnElement[bool]:
        """The policy's clause for this actor, for use in any query."""
        return self.archive.policy.visible_to(self.actor, kind)

    def require(self, kind: str, subject_id: str, permission: Permission | None = None) -> None:
        """Refuses unless the actor may see the subject and, if given, holds `permission`.

        Raises: NotFoundError (DeniedError when it exists); PermissionMissingError.
        """
        policy = self.archive.policy
        if not policy.allows(self.session, self.actor, kind, subject_id):
            if policy.exists(self.session, kind, subject_id):
                raise DeniedError(kind, subject_id)
            raise NotFoundError
        if permission is not None and not self.actor.may(permission):
            raise PermissionMissingError(permission=permission)

    def record(self, kind: EventType, subjects: Mapping[str, str], **detail: object) -> str:
        """Writes the event of this unit of work, last; returns its id."""
        if self._readonly:
            raise RuntimeError(_READING)
        self.session.flush()
        self._recorded = True
        return write_event(self.session, self.actor, self.now, self.new_id(), kind, subjects, detail)

    def bookkeeping(self) -> None:
        """Says that what changed is the archive's own bookkeeping, which needs no event."""
        self.session.flush()
        self._recorded = True

    def enqueue(self, kind: str, subject_id: str, **payload: Any) -> None:
        """Hands work on to the worker: it is done if and only if this unit of work commits."""
        outbox.enqueue(self.session, self.now, kind, subject_id, payload)

    def close(self) -> None:
        """Flushes; refuses a change that nobody will ever know of."""
        self.session.flush()
        if self.changed and not self._recorded:
            raise RuntimeError("a unit of work changed something and recorded no event")

    def notice_flush(self) -> None:
        """Hears of every flush before it happens."""
        changes = bool(self.session.new or self.session.dirty or self.session.deleted)
        if changes and self._readonly:
            raise RuntimeError(_READING)
        self.changed = self.changed or changes

    def notice_statement(self, *, is_select: bool) -> None:
        """Hears of every statement before it runs."""
        self.changed = self.changed or not is_select


class UnitSession(Session):
    """A session that tells its unit of work what happens in it."""


# Once for the class: listening on each session by itself costs as much as a small query.
@event.listens_for(UnitSession, "before_flush")
def _before_flush(session: Session, _context: object, _instances: Sequence[object] | None) -> None:
    unit: UnitOfWork = session.info[_UNIT]
    unit.notice_flush()


@event.listens_for(UnitSession, "do_orm_execute")
def _before_statement(state: ORMExecuteState) -> None:
    unit: UnitOfWork = state.session.info[_UNIT]
    unit.notice_statement(is_select=state.is_select)

"""Originals on their way out: a right that is lost during a download ends it.

The look was recorded and allowed at its beginning. What goes out meanwhile is asked about again after every few
megabytes and every few seconds, of the very same policy and for the person as they are then; what is in the reader's
hands already is theirs. Each request for a range asks anew by itself.
"""

import io
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from archive_app.identity.actors import actor_for, standing_of
from archive_app.identity.models import Person, SignInSession
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.denials import note_denial
from archive_app.kernel.errors import NotFoundError
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from storage import BlobReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ASK_EVERY_BYTES = 8 * 2**20
ASK_EVERY_SECONDS = 5.0


class WhileAllowed(io.RawIOBase):
    """The bytes of a document's blob, readable and seekable, as long as the actor may see the document.

    Raises: NotFoundError on reading, once they may not; the refusal is recorded, and nothing more is given out.
    """

    def __init__(self, blob: BlobReader, archive: Archive, actor: Actor, document_id: str) -> None:
        super().__init__()
        self._blob, self._archive, self._actor, self._document_id = blob, archive, actor, document_id
        self._since_bytes, self._since = 0, time.monotonic()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._blob.seek(offset, whence)

    def tell(self) -> int:
        return self._blob.tell()

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        if self._since_bytes >= ASK_EVERY_BYTES or time.monotonic() - self._since >= ASK_EVERY_SECONDS:
            self._ask_again()
        count = self._blob.readinto(buffer)
        self._since_bytes += count
        return count

    def close(self) -> None:
        if not self.closed:
            self._blob.close()
        super().close()

    def _ask_again(self) -> None:
        with self._archive.reading(self._actor) as uow:
            now = _as_of_now(uow)
            allowed = now is not None and self._archive.policy.allows(uow.session, now, "document", self._document_id)
        if not allowed:
            note_denial(self._archive, self._actor, Permission.DOCUMENTS_READ, {"document": self._document_id})
            raise NotFoundError
        self._since_bytes, self._since = 0, time.monotonic()


def _as_of_now(uow: UnitOfWork) -> Actor | None:
    """The actor with the rights that they still have; None once their account or session is closed."""
    actor = uow.actor
    if actor.person_id is None:
        return actor
    person = uow.session.get(Person, actor.person_id)
    session = uow.session.get(SignInSession, actor.session_id) if actor.session_id else None
    if person is None or not person.active or (session is not None and session.ended_at is not None):
        return None
    now = actor_for(person, standing_of(uow, person), address=actor.address)
    # A program never gets more than its token gave it.
    return replace(now, permissions=now.permissions & actor.permissions)

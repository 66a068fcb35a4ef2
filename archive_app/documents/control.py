"""What a controlled document 受控文件 is at, as far as documents know of it: who controls it, and how, is said above.

A draft is seen by those who work on it and found by nobody; what is obsolete is found where older versions are looked
for, and says what it is wherever it is shown.
"""

from collections.abc import Mapping

from sqlalchemy import select, update

from archive_app.documents.models import Document, Version
from archive_app.kernel.language import N_
from archive_app.kernel.marks import Stamp
from archive_app.kernel.unit_of_work import UnitOfWork

DRAFT, IN_FORCE, SUPERSEDED, WITHDRAWN = "draft", "in_force", "superseded", "withdrawn"
CONTROLS: Mapping[str, str] = {
    DRAFT: N_("Draft"),
    IN_FORCE: N_("In force"),
    SUPERSEDED: N_("Superseded"),
    WITHDRAWN: N_("Out of force"),
}
"""What a controlled document is at, in words; every other document is at none of it."""
OBSOLETE = frozenset({SUPERSEDED, WITHDRAWN})


def set_control(uow: UnitOfWork, document_id: str, control: str) -> None:
    """A step: a controlled document is at `control` from now on; the search follows."""
    if control not in CONTROLS:
        raise ValueError(control)
    uow.session.execute(update(Document).where(Document.id == document_id).values(control=control))
    for version_id in uow.session.scalars(select(Version.id).where(Version.document_id == document_id)):
        uow.enqueue("documents.index", version_id)


def stamp_of(uow: UnitOfWork, document_id: str) -> Stamp | None:
    """A step: what stands over a document that is obsolete, for whoever acts; None for every other one.

    The room that controls documents says the words. An obsolete document that it does not know of bears a stamp all
    the same.
    """
    control = uow.session.scalar(select(Document.control).where(Document.id == document_id))
    if control not in OBSOLETE:
        return None
    return uow.archive.stamp_of(uow, document_id) or Stamp(("作废",), ("VOID",), bare=uow.actor.is_system)

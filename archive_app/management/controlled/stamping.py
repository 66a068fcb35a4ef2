"""What stands over an edition that is not in force any more: 作废 or 废止, since when, and what came in its place."""

from sqlalchemy import select

from archive_app.kernel.marks import Stamp
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.controlled.kinds import REGULATION
from archive_app.management.controlled.models import ControlledDocument, Edition

_OBSOLETE = ("superseded", "withdrawn")
_BARE = (Permission.CONTROLLED_MANAGE, Permission.ENGAGEMENTS_KEEP)
"""Who may take the original of an obsolete edition as it is: those who control documents, and archivists."""


def stamp_of(uow: UnitOfWork, document_id: str) -> Stamp | None:
    """The stamp of an obsolete edition's file; see `kernel.marks.Stamper`. Its words are of the document and not of who
    reads it: a paper says the same to everybody."""
    found = uow.session.execute(
        select(Edition, ControlledDocument)
        .join(ControlledDocument, ControlledDocument.id == Edition.controlled_document_id)
        .where(Edition.document_id == document_id, Edition.state.in_(_OBSOLETE))
    ).first()
    if found is None:
        return None
    edition, controlled = found
    repealed = edition.state == "withdrawn" and controlled.kind == REGULATION
    day = edition.ended_at.astimezone(uow.archive.rules.zone).date().isoformat() if edition.ended_at else ""
    instead = _instead_of(uow, controlled, edition)
    head = f"{controlled.number} {edition.label}"
    lines = [
        "废止" if repealed else "作废",
        head,
        f"{day} 起" if day else "",
        f"已被 {instead} 替代" if instead else "",
    ]
    plain = [
        "REPEALED" if repealed else "VOID",
        head,
        f"since {day}" if day else "",
        f"see {instead}" if instead else "",
    ]
    return Stamp(
        tuple(line for line in lines if line),
        tuple(line.encode("ascii", "replace").decode() for line in plain if line),
        bare=_may_have_bare(uow, controlled),
    )


def _instead_of(uow: UnitOfWork, controlled: ControlledDocument, edition: Edition) -> str:
    """What came in its place: the next edition that was in force, or another document."""
    if edition.state == "superseded":
        following = select(Edition.label).where(
            Edition.controlled_document_id == controlled.id,
            Edition.ordinal > edition.ordinal,
            Edition.state.in_(("in_force", *_OBSOLETE)),
        )
        return uow.session.scalar(following.order_by(Edition.ordinal).limit(1)) or ""
    replaced_by = select(ControlledDocument.number).where(ControlledDocument.id == controlled.replaced_by_id)
    return uow.session.scalar(replaced_by) or ""


def _may_have_bare(uow: UnitOfWork, controlled: ControlledDocument) -> bool:
    if uow.actor.is_system:
        return True
    return uow.actor.organisation_id == controlled.organisation_id and any(map(uow.actor.may, _BARE))

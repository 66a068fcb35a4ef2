"""Something that an organisation of the access matrix made public."""

from sqlalchemy import select

from archive_app.documents.models import Version
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.management.disclosure.models import Disclosure
from tests.access.expectation import FOREIGN
from tests.access.things import MARKER, add_row


def disclosure_row(uow: UnitOfWork, told: dict[str, str], place: str) -> dict[str, str]:
    """The place's own report is public, on a page that nobody opened."""
    version = select(Version.id).where(Version.document_id == told["document_id"], Version.current)
    row = Disclosure(
        id=uow.new_id(), organisation_id=told["organisation_id"], document_id=told["document_id"],
        version_id=uow.session.scalars(version).one(), title=f"{MARKER if place == FOREIGN else ''}报告", reason="x",
        source="", state="published", proposed_by="system:test", proposed_at=uow.now, decided_by="system:test",
        decided_at=uow.now, decision="", published_at=uow.now, ended_reason="", downloads=0,
    )  # fmt: skip
    add_row(uow, row)
    return {"disclosure_id": row.id}

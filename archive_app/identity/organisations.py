"""Reading: the organisations that one belongs to."""

from sqlalchemy import select

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query


@query(Permission.SIGNED_IN)
def list_organisations(
    actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[Organisation]:
    """Visible organisations, oldest first."""
    statement = select(Organisation).where(uow.visible("organisation"))
    page = fetch_page(uow.session, statement, [Organisation.id], after=after, limit=limit)
    return Page([row[0] for row in page.items], page.next_key)


@query(Permission.SIGNED_IN)
def view_organisation(actor: Actor, uow: UnitOfWork, *, organisation_id: str) -> Organisation:
    """One organisation. Raises: NotFoundError."""
    uow.require("organisation", organisation_id)
    return uow.session.get_one(Organisation, organisation_id)

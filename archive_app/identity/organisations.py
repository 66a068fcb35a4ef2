"""Organisations: their kinds, and reading the one that one belongs to and those that one otherwise sees."""

from sqlalchemy import select

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query

KINDS = {
    "verification_body": N_("Verification body"),
    "authority": N_("Authority"),
    "reporting_entity": N_("Reporting entity"),
    "park": N_("Park"),
    "service_institution": N_("Service institution"),
}
"""The kinds of organisation, with the catalogue keys of their words."""


def checked_kind(kind: str) -> str:
    """A kind of organisation. Raises: InvalidInputError."""
    if kind not in KINDS:
        raise InvalidInputError(field=N_("Kind of organisation"), reason=N_("Choose a kind from the list."))
    return kind


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

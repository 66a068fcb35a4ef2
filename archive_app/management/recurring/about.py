"""Sites and changes of the organisation, as lists show them."""

from dataclasses import dataclass

from sqlalchemy import func, select

from archive_app.kernel.actor import Actor
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from archive_app.management.recurring.rules import OPEN, require_member


@dataclass(frozen=True)
class SiteLine:
    """A site, and how many duties it has."""

    site: Site
    duties: int


@dataclass(frozen=True)
class ChangeLine:
    """A change, the site it concerns, and how many times of duties it made due; `waiting` are still open."""

    change: Change
    site: str
    made_due: int
    waiting: int


@query(Permission.DUTIES_READ)
def list_sites(actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE) -> Page[SiteLine]:
    """The sites of the actor's organisation, by name. Raises: InvalidInputError."""
    kept = select(func.count(OwnDuty.id)).where(OwnDuty.site_id == Site.id, OwnDuty.ended_on.is_(None))
    sites = select(Site, kept.correlate(Site).scalar_subquery()).where(
        Site.organisation_id == require_member(uow), uow.visible("site")
    )
    page = fetch_page(uow.session, sites, [Site.name, Site.id], after=after, limit=limit)
    return Page([SiteLine(row[0], row[1]) for row in page.items], page.next_key)


@query(Permission.DUTIES_READ)
def list_changes(
    actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[ChangeLine]:
    """The changes of the actor's organisation, the latest recorded first. Raises: InvalidInputError."""
    made = select(func.count(Occurrence.id)).where(Occurrence.change_id == Change.id)
    changes = (
        select(
            Change,
            Site.name,
            made.correlate(Change).scalar_subquery(),
            made.where(Occurrence.state == OPEN).correlate(Change).scalar_subquery(),
        )
        .outerjoin(Site, Site.id == Change.site_id)
        .where(Change.organisation_id == require_member(uow), uow.visible("change"))
    )
    page = fetch_page(uow.session, changes, [Change.id], after=after, descending=True, limit=limit)
    return Page([ChangeLine(row[0], row[1] or "", row[2], row[3]) for row in page.items], page.next_key)

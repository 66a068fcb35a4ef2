"""Sites 场所: opened, closed and opened again, with what becomes of their duties."""

from datetime import date

from sqlalchemy import select

from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line, some_lines
from archive_app.management.own import require_own
from archive_app.management.recurring.falling_due import plan
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from archive_app.management.recurring.rules import (
    BY_SITE,
    OPEN,
    VOID,
    lock_organisation,
    require_member,
    revive,
    rule_day,
    void,
)

SITE_OPENED = event_type("site.opened", N_("Site opened"))
SITE_CLOSED = event_type("site.closed", N_("Site closed"))
SITE_REOPENED = event_type("site.reopened", N_("Site opened again"))
NAME_LIMIT, REASON_LIMIT = 200, 1000
_NAME, _DAY = N_("Name of the site"), N_("Day")


class SiteThereError(ArchiveError):
    """The organisation has a site of this name."""

    code = "site_there"
    message = N_("Your organisation has a site called %(name)s already. Nothing was added; open it again if it closed.")


class SiteStateError(ArchiveError):
    """A closed site is not closed, and one that is there is not opened again."""

    code = "site_state"
    message = N_("%(name)s is closed already, or open already. Nothing was changed; reload the page of the sites.")


@use_case(Permission.DUTIES_MANAGE)
def open_site(actor: Actor, uow: UnitOfWork, *, name: str, opened_on: date | None = None) -> Site:
    """A site of the organisation, which duties can be taken on for. Raises: InvalidInputError, SiteThereError."""
    organisation_id = require_member(uow)
    name = one_line(name, field=_NAME, limit=NAME_LIMIT)
    lock_organisation(uow, organisation_id)
    there = select(Site.id).where(Site.organisation_id == organisation_id, Site.name == name)
    if uow.session.scalar(there) is not None:
        raise SiteThereError(name=name)
    site = Site(
        id=uow.new_id(),
        organisation_id=organisation_id,
        name=name,
        opened_on=opened_on,
        closed_reason="",
        created_by=actor.name,
        created_at=uow.now,
    )
    uow.session.add(site)
    uow.record(SITE_OPENED, {"organisation": organisation_id, "site": site.id}, name=name)
    return site


@use_case(Permission.DUTIES_MANAGE)
def close_site(actor: Actor, uow: UnitOfWork, *, site_id: str, closed_on: date, reason: str) -> Site:
    """Closes a site: from that day on none of its duties falls due, and what is open of them is void with the reason.
    What fell due before and was not done stays open: it was owed.

    Raises: NotFoundError, InvalidInputError, SiteStateError.
    """
    site = _lock(uow, site_id)
    if site.closed_on is not None:
        raise SiteStateError(name=site.name)
    if site.opened_on is not None and closed_on < site.opened_on:
        raise InvalidInputError(field=_DAY, reason=N_("The site was not open yet on this day."))
    why = some_lines(reason, field=N_("Reason"), limit=REASON_LIMIT)
    duties = _duties(uow, site)
    for duty in duties:
        # What fell due while the site was there is planned before it closes, however long the job did not run.
        plan(uow, duty)
    site.closed_on, site.closed_reason = closed_on, why
    uow.session.flush()
    void_count = 0
    for found in _times(uow, duties, OPEN):
        if rule_day(found) >= closed_on:
            void(uow, found, by=BY_SITE, reason=why)
            void_count += 1
    told = {"name": site.name, "on": closed_on.isoformat(), "reason": why, "void": void_count}
    uow.record(SITE_CLOSED, {"organisation": site.organisation_id, "site": site.id}, **told)
    return site


@use_case(Permission.DUTIES_MANAGE)
def reopen_site(actor: Actor, uow: UnitOfWork, *, site_id: str, opened_on: date) -> Site:
    """Opens a closed site again: its duties fall due again from that day on, and what would have fallen due while it
    was closed does not.

    Raises: NotFoundError, InvalidInputError, SiteStateError.
    """
    site = _lock(uow, site_id)
    if site.closed_on is None:
        raise SiteStateError(name=site.name)
    if opened_on < site.closed_on:
        raise InvalidInputError(field=_DAY, reason=N_("The site was still open on this day."))
    site.opened_on, site.closed_on, site.closed_reason = opened_on, None, ""
    uow.session.flush()
    duties = _duties(uow, site)
    for duty in duties:
        plan(uow, duty)
    for found in _times(uow, duties, VOID):
        if found.change_id and found.void_by == BY_SITE and found.due_on >= opened_on:
            change = uow.session.get_one(Change, found.change_id, populate_existing=True)
            if change.withdrawn_at is None:
                revive(uow, found)
    told = {"name": site.name, "on": opened_on.isoformat()}
    uow.record(SITE_REOPENED, {"organisation": site.organisation_id, "site": site.id}, **told)
    return site


def _lock(uow: UnitOfWork, site_id: str) -> Site:
    uow.require("site", site_id)
    site = uow.session.get_one(Site, site_id)
    require_own(uow, site.organisation_id, Permission.DUTIES_DO)
    lock_organisation(uow, site.organisation_id)
    return uow.session.get_one(Site, site_id, with_for_update=True, populate_existing=True)


def _duties(uow: UnitOfWork, site: Site) -> list[OwnDuty]:
    of_site = select(OwnDuty).where(OwnDuty.site_id == site.id).order_by(OwnDuty.id).with_for_update()
    return list(uow.session.scalars(of_site.execution_options(populate_existing=True)))


def _times(uow: UnitOfWork, duties: list[OwnDuty], state: str) -> list[Occurrence]:
    ids = [duty.id for duty in duties]
    of_site = select(Occurrence).where(Occurrence.own_duty_id.in_(ids), Occurrence.state == state)
    return list(uow.session.scalars(of_site.order_by(Occurrence.id).execution_options(populate_existing=True)))

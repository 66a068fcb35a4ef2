"""Changes of an organisation, and what they make due again: S2 7.3.1 (the reviews of the system), 7.5 and S1 7.5 (the
baseline). Which duties a change makes due says the catalogue."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import some_lines
from archive_app.management.own import require_own
from archive_app.management.recurring.catalogue import CHANGES, known_duty
from archive_app.management.recurring.falling_due import due_by_change
from archive_app.management.recurring.models import Change, Occurrence, OwnDuty, Site
from archive_app.management.recurring.rules import (
    BY_CHANGE,
    OPEN,
    falls_due,
    keep_tasks,
    lock_organisation,
    require_member,
    void,
)
from archive_app.worklist.calendar import working_days

KINDS = CHANGES
CHANGE_RECORDED = event_type("change.recorded", N_("Change of the organisation recorded"))
CHANGE_WITHDRAWN = event_type("change.withdrawn", N_("Change of the organisation withdrawn"))
DESCRIPTION_LIMIT, REASON_LIMIT = 2000, 1000


class ChangeWithdrawnError(ArchiveError):
    """The change was withdrawn before."""

    code = "change_withdrawn"
    message = N_("This change was withdrawn already. Nothing was changed; record it anew if it happened after all.")


@dataclass(frozen=True)
class Told:
    """What changed: `kind` is one of KINDS; with `site_id` it concerns that site and the organisation as a whole, and
    without it every site."""

    kind: str
    happened_on: date
    description: str
    site_id: str = ""


@dataclass(frozen=True)
class Recorded:
    """A change, and the times of duties that it made due. `again` says that it had been recorded before."""

    change: Change
    occurrences: int
    again: bool = False


@use_case(Permission.DUTIES_MANAGE)
def record_change(actor: Actor, uow: UnitOfWork, *, told: Told) -> Recorded:
    """Records a change: each duty that the catalogue names falls due once more because of it. The same change is
    recorded once, however often it is sent.

    Raises: InvalidInputError, NotFoundError for a site that is not there.
    """
    organisation = lock_organisation(uow, require_member(uow))
    description = _checked(uow, told)
    same = select(Change).where(
        Change.organisation_id == organisation.id,
        Change.site_id == (told.site_id or None),
        Change.kind == told.kind,
        Change.happened_on == told.happened_on,
        Change.description == description,
        Change.withdrawn_at.is_(None),
    )
    before = uow.session.scalars(same).first()
    if before is not None:
        made = uow.session.scalars(select(Occurrence.id).where(Occurrence.change_id == before.id)).all()
        return Recorded(before, len(made), again=True)
    change = Change(
        id=uow.new_id(),
        organisation_id=organisation.id,
        site_id=told.site_id or None,
        kind=told.kind,
        happened_on=told.happened_on,
        description=description,
        recorded_by=actor.name,
        recorded_at=uow.now,
        withdrawn_reason="",
    )
    uow.session.add(change)
    uow.session.flush()
    duties = _concerned(uow, organisation, change)
    for duty in duties:
        _fall_due_again(uow, duty, change)
    subjects = {"organisation": organisation.id, "change": change.id}
    uow.record(
        CHANGE_RECORDED,
        subjects,
        change_kind=change.kind,
        happened_on=change.happened_on.isoformat(),
        duties=[duty.code for duty in duties],
    )
    return Recorded(change, len(duties))


@use_case(Permission.DUTIES_MANAGE)
def withdraw_change(actor: Actor, uow: UnitOfWork, *, change_id: str, reason: str) -> Change:
    """Withdraws a change that was recorded wrongly: what it made due and is still open is void; what was done stays.

    Raises: NotFoundError, InvalidInputError, ChangeWithdrawnError.
    """
    uow.require("change", change_id)
    change = uow.session.get_one(Change, change_id)
    require_own(uow, change.organisation_id, Permission.DUTIES_DO)
    lock_organisation(uow, change.organisation_id)
    uow.session.refresh(change)
    if change.withdrawn_at is not None:
        raise ChangeWithdrawnError
    why = some_lines(reason, field=N_("Reason"), limit=REASON_LIMIT)
    change.withdrawn_by, change.withdrawn_at, change.withdrawn_reason = actor.name, uow.now, why
    made = select(Occurrence.own_duty_id).where(Occurrence.change_id == change.id)
    # The duties are locked first, as by everybody who settles one of their times.
    of_change = select(OwnDuty).where(OwnDuty.id.in_(made)).order_by(OwnDuty.id).with_for_update()
    uow.session.scalars(of_change).all()
    still_open = select(Occurrence).where(Occurrence.change_id == change.id, Occurrence.state == OPEN)
    left = uow.session.scalars(still_open.execution_options(populate_existing=True)).all()
    for found in left:
        void(uow, found, by=BY_CHANGE, reason=why)
    uow.record(
        CHANGE_WITHDRAWN, {"organisation": change.organisation_id, "change": change.id}, reason=why, void=len(left)
    )
    return change


def _checked(uow: UnitOfWork, told: Told) -> str:
    if told.kind not in KINDS:
        raise InvalidInputError(field=N_("What changed"), reason=N_("Choose one from the list."))
    if told.happened_on > uow.archive.today():
        raise InvalidInputError(field=N_("Day of the change"), reason=N_("This day has not come yet."))
    if told.site_id:
        uow.require("site", told.site_id)
        require_own(uow, uow.session.get_one(Site, told.site_id).organisation_id, Permission.DUTIES_DO)
    return some_lines(told.description, field=N_("Description"), limit=DESCRIPTION_LIMIT)


def _concerned(uow: UnitOfWork, organisation: Organisation, change: Change) -> list[OwnDuty]:
    """The duties that the change makes due again, each locked, in their order."""
    today = uow.archive.today()
    living = select(OwnDuty).where(OwnDuty.organisation_id == organisation.id).order_by(OwnDuty.id)
    if change.site_id is not None:
        living = living.where(OwnDuty.site_id.is_(None) | (OwnDuty.site_id == change.site_id))
    sites = {site.id: site for site in uow.session.scalars(select(Site).where(Site.organisation_id == organisation.id))}
    concerned = []
    for duty in uow.session.scalars(living.with_for_update().execution_options(populate_existing=True)):
        known = known_duty(organisation.kind, duty.code)
        if known is None or change.kind not in known.reviewed_again_by:
            continue
        if falls_due(duty, sites.get(duty.site_id or ""), today):
            concerned.append(duty)
    return concerned


def _fall_due_again(uow: UnitOfWork, duty: OwnDuty, change: Change) -> None:
    due = due_by_change(uow, change, working_days(uow))
    found = Occurrence(
        id=uow.new_id(),
        organisation_id=duty.organisation_id,
        own_duty_id=duty.id,
        key=f"change:{change.id}",
        change_id=change.id,
        year=due.on.year,
        due_on=due.on,
        provisional=due.provisional,
        owner_id=duty.owner_id,
        state=OPEN,
        void_by="",
        remark="",
        created_at=uow.now,
    )
    uow.session.add(found)
    uow.session.flush()
    keep_tasks(uow, found)

"""An organisation takes on duties: those of its catalogue in one act, and those of its own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive_app.engagements.record_types import all_record_types
from archive_app.identity.models import Organisation
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.management.colleagues import colleague
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.own import require_own
from archive_app.management.periods import MOST_MONTHS, month_later
from archive_app.management.recurring.catalogue import Duty, known_duty
from archive_app.management.recurring.falling_due import plan
from archive_app.management.recurring.models import OwnDuty, Site
from archive_app.management.recurring.rules import lock_organisation, require_member

DUTIES_TAKEN_ON = event_type("duty.taken_on", N_("Recurring duties taken on"))
MOST_AT_ONCE = 200
MOST_RECORDS = 7
TITLE_LIMIT, SOURCE_LIMIT = 200, 100
OWNER, FIRST_DAY, INTERVAL, SITE = N_("Responsible"), N_("First day"), N_("Months between two times"), N_("Site")


class DutyTakenOnError(ArchiveError):
    """The organisation took the duty on before."""

    code = "duty_taken_on"
    message = N_(
        "“%(title)s” was taken on already. Nothing was taken on; change the one that is there, or end it first."
    )


@dataclass(frozen=True)
class Wish:
    """A duty of the catalogue to take on: who has to do it (login or identifier) and when first; `every_months` only
    where it differs from what the catalogue proposes."""

    code: str
    owner: str
    first_on: date
    site_id: str = ""
    every_months: int | None = None


@dataclass(frozen=True)
class OwnWords:
    """A duty of the organisation's own words; `records` are types of records that show that it was done."""

    title: str
    source: str
    owner: str
    first_on: date
    every_months: int
    records: Sequence[str] = ()
    site_id: str = ""
    template_id: str = ""


@use_case(Permission.DUTIES_MANAGE)
def take_on(actor: Actor, uow: UnitOfWork, *, wishes: Sequence[Wish]) -> list[OwnDuty]:
    """Takes on duties of the catalogue for the actor's organisation, all of them or none.

    Raises: InvalidInputError, NotFoundError for a site that is not there, DutyTakenOnError.
    """
    if not 1 <= len(wishes) <= MOST_AT_ONCE:
        raise InvalidInputError(field=N_("Duties"), reason=N_("Choose one at least, and not more than 200."))
    organisation = lock_organisation(uow, require_member(uow))
    taken = [_take_on(uow, organisation, wish) for wish in wishes]
    return _recorded(uow, organisation, taken)


@use_case(Permission.DUTIES_MANAGE)
def take_on_own(actor: Actor, uow: UnitOfWork, *, own: OwnWords) -> OwnDuty:
    """Takes on a duty of the organisation's own words. Raises: InvalidInputError, NotFoundError."""
    organisation = lock_organisation(uow, require_member(uow))
    title = one_line(own.title, field=N_("What is to be done"), limit=TITLE_LIMIT)
    unknown = [code for code in own.records if code not in all_record_types()]
    if unknown or len(own.records) > MOST_RECORDS:
        raise InvalidInputError(field=N_("Records"), reason=N_("Choose up to seven from the list."))
    duty = _new(
        uow,
        organisation,
        title=title,
        source=one_line(own.source, field=N_("Source"), limit=SOURCE_LIMIT, required=False),
        records=" ".join(dict.fromkeys(own.records)),
        owner=own.owner,
        site_id=own.site_id,
        template_id=checked_template(uow, own.template_id),
        every_months=checked_interval(own.every_months, None),
        first_on=checked_first_day(uow, own.first_on, None),
    )
    return _recorded(uow, organisation, [duty])[0]


def checked_interval(months: int, known: Duty | None) -> int:
    """How often; where the source says how often, never less. Raises: InvalidInputError."""
    if not 1 <= months <= MOST_MONTHS:
        raise InvalidInputError(field=INTERVAL, reason=N_("Give a number from 1 to 120."))
    if known is not None and known.interval == "rule" and months > known.every_months:
        raise InvalidInputError(field=INTERVAL, reason=N_("The source says how often this is done at least."))
    return months


def checked_first_day(uow: UnitOfWork, day: date, known: Duty | None) -> date:
    """The first day: a year ago at most, so that this year's plan can be whole; where the source says how often, not
    later than one interval from now. Raises: InvalidInputError."""
    today = uow.archive.today()
    last = month_later(today, MOST_MONTHS)
    if known is not None and known.interval == "rule":
        last = month_later(today, known.every_months)
    if not date(today.year - 1, today.month, 1) <= day <= last:
        reason = N_("Choose a day from a year ago on, and not later than the source allows.")
        raise InvalidInputError(field=FIRST_DAY, reason=reason)
    return day


def checked_template(uow: UnitOfWork, template_id: str) -> str | None:
    """The controlled document that is filled in for it, of the same organisation. Raises: NotFoundError."""
    if not template_id:
        return None
    uow.require("controlled_document", template_id)
    require_own(uow, uow.session.get_one(ControlledDocument, template_id).organisation_id, Permission.DUTIES_DO)
    return template_id


def _take_on(uow: UnitOfWork, organisation: Organisation, wish: Wish) -> OwnDuty:
    known = known_duty(organisation.kind, wish.code)
    if known is None:
        raise InvalidInputError(field=N_("Duties"), reason=N_("Choose one from the list."))
    there = select(OwnDuty.id).where(
        OwnDuty.organisation_id == organisation.id,
        OwnDuty.code == known.code,
        OwnDuty.site_id == (wish.site_id or None),
        OwnDuty.ended_on.is_(None) | (OwnDuty.ended_on > uow.archive.today()),
    )
    if uow.session.scalars(there).first() is not None:
        raise DutyTakenOnError(title={"zh": known.name.zh, "en": known.name.en})
    return _new(
        uow,
        organisation,
        code=known.code,
        # Kept with it, so that it has a name when the file has it no more.
        title=known.name.zh,
        source=known.source,
        records=" ".join(known.records),
        owner=wish.owner,
        site_id=wish.site_id,
        every_months=checked_interval(wish.every_months or known.every_months, known),
        first_on=checked_first_day(uow, wish.first_on, known),
    )


def _new(
    uow: UnitOfWork, organisation: Organisation, *, owner: str, site_id: str, code: str = "", **facts: object
) -> OwnDuty:
    if site_id:
        uow.require("site", site_id)
        site = uow.session.get_one(Site, site_id, populate_existing=True)
        require_own(uow, site.organisation_id, Permission.DUTIES_DO)
        if site.closed_on is not None:
            raise InvalidInputError(field=SITE, reason=N_("This site is closed."))
    duty = OwnDuty(
        id=uow.new_id(),
        organisation_id=organisation.id,
        site_id=site_id or None,
        code=code,
        owner_id=colleague(uow, organisation.id, owner, Permission.DUTIES_DO, field=OWNER).id,
        taken_on_by=uow.actor.name,
        taken_on_at=uow.now,
        ended_reason="",
        **facts,
    )
    uow.session.add(duty)
    uow.session.flush()
    plan(uow, duty)
    return duty


def _recorded(uow: UnitOfWork, organisation: Organisation, taken: list[OwnDuty]) -> list[OwnDuty]:
    subjects = {"organisation": organisation.id}
    if len(taken) == 1:
        subjects["own_duty"] = taken[0].id
    uow.record(DUTIES_TAKEN_ON, subjects, duties=[duty.title for duty in taken])
    return taken

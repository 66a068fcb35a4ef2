"""A duty with its history, and one time of it with what it rests on.

Documents show to whoever may see each of them; of the others a page says how many there are, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, not_, or_, select

from archive_app.casework.models import Record
from archive_app.documents.control import DRAFT
from archive_app.documents.models import Document
from archive_app.engagements.data_files import Words
from archive_app.engagements.libraries import LIBRARY
from archive_app.engagements.models import Engagement
from archive_app.engagements.record_types import record_type_name
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.paging import Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query
from archive_app.management.colleagues import Colleague, colleagues
from archive_app.management.controlled.models import ControlledDocument
from archive_app.management.recurring.catalogue import Catalogue, Duty, catalogue_of, known_duty
from archive_app.management.recurring.models import Change, Occurrence, OccurrenceRecord, OwnDuty, Site
from archive_app.management.recurring.planning import Time, mark_of, title_of
from archive_app.management.recurring.rules import FINISHED, NOT_NEEDED, OPEN, may_settle, require_member

HISTORY_SHOWN = 24
MOST_CHOICES = 200
TEMPLATES_OFFERED = 500


@dataclass(frozen=True)
class RequiredRecord:
    """A type of record that a duty asks for."""

    code: str
    name: Words


@dataclass(frozen=True)
class ShownRecord:
    """A document that a time of a duty rests on, and the type of record that it stands for."""

    document_id: str
    title: str
    name: Words


@dataclass(frozen=True)
class DutyPage:
    """Everything that the page of a duty shows; `known` is what the catalogue says of it, None for one of own words."""

    duty: OwnDuty
    title: Words
    known: Duty | None
    organisation: Organisation
    owner: Person
    site: Site | None
    template: ControlledDocument | None
    records: Sequence[RequiredRecord]
    times: Page[Time]
    next_on: date | None
    may_manage: bool


@dataclass(frozen=True)
class OccurrencePage:
    """Everything that the page of one time shows. `hidden` counts documents that the actor does not see; `acts` is what
    the actor could do now: settle, set_aside, take_back."""

    occurrence: Occurrence
    mark: str
    duty: OwnDuty
    title: Words
    known: Duty | None
    organisation: Organisation
    owner: Person
    settled_by: str
    site: Site | None
    template: ControlledDocument | None
    required: Sequence[RequiredRecord]
    records: Sequence[ShownRecord]
    hidden: int
    change: Change | None
    acts: frozenset[str]


@dataclass(frozen=True)
class Choice:
    """A document to choose as a record; `type` is what it was described as, empty where it was not."""

    document_id: str
    title: str
    type: str


@dataclass(frozen=True)
class Offer:
    """What the page of taking on shows: the catalogue of the organisation, what it has of it by site, its sites, and
    the people who can be responsible."""

    organisation: Organisation
    catalogue: Catalogue | None
    taken: frozenset[tuple[str, str]]
    sites: Sequence[Site]
    people: Sequence[Colleague]
    today: date


@dataclass(frozen=True)
class RestsOn:
    """A time of a duty that rests on a document, as the document's page shows it."""

    occurrence: Occurrence
    title: Words
    organisation: str


@query(Permission.DUTIES_READ)
def view_duty(actor: Actor, uow: UnitOfWork, *, duty_id: str, after: str | None = None) -> DutyPage:
    """A duty with its times, the latest first. Raises: NotFoundError."""
    uow.require("own_duty", duty_id)
    duty = uow.session.get_one(OwnDuty, duty_id)
    organisation = uow.session.get_one(Organisation, duty.organisation_id)
    times = select(Occurrence).where(Occurrence.own_duty_id == duty.id)
    order = [Occurrence.due_on, Occurrence.id]
    page = fetch_page(uow.session, times, order, after=after, descending=True, limit=HISTORY_SHOWN)
    today, zone = uow.archive.today(), uow.archive.rules.zone
    waiting = select(func.min(Occurrence.due_on)).where(Occurrence.own_duty_id == duty.id, Occurrence.state == OPEN)
    return DutyPage(
        duty=duty,
        title=title_of(organisation.kind, duty),
        known=known_duty(organisation.kind, duty.code),
        organisation=organisation,
        owner=uow.session.get_one(Person, duty.owner_id),
        site=uow.session.get(Site, duty.site_id) if duty.site_id else None,
        template=_template(uow, duty),
        records=_required(duty),
        times=Page([Time(row[0], mark_of(row[0], today, zone)) for row in page.items], page.next_key),
        next_on=uow.session.scalar(waiting),
        may_manage=_manages(actor, duty.organisation_id) and duty.ended_on is None,
    )


@query(Permission.DUTIES_READ)
def view_occurrence(actor: Actor, uow: UnitOfWork, *, occurrence_id: str) -> OccurrencePage:
    """One time of a duty. Raises: NotFoundError."""
    uow.require("occurrence", occurrence_id)
    found = uow.session.get_one(Occurrence, occurrence_id)
    duty = uow.session.get_one(OwnDuty, found.own_duty_id)
    organisation = uow.session.get_one(Organisation, found.organisation_id)
    settler = uow.session.get(Person, found.settled_by) if found.settled_by else None
    rests_on = select(Document, OccurrenceRecord.type).join(
        OccurrenceRecord, OccurrenceRecord.document_id == Document.id
    )
    rests_on = rests_on.where(OccurrenceRecord.occurrence_id == found.id).order_by(Document.id)
    shown = uow.session.execute(rests_on.where(uow.visible("document"))).all()
    hidden = rests_on.where(not_(uow.visible("document")))
    return OccurrencePage(
        occurrence=found,
        mark=mark_of(found, uow.archive.today(), uow.archive.rules.zone),
        duty=duty,
        title=title_of(organisation.kind, duty),
        known=known_duty(organisation.kind, duty.code),
        organisation=organisation,
        owner=uow.session.get_one(Person, found.owner_id),
        settled_by=settler.display_name if settler else "",
        site=uow.session.get(Site, duty.site_id) if duty.site_id else None,
        template=_template(uow, duty),
        required=_required(duty),
        records=[ShownRecord(document.id, document.title, record_type_name(code)) for document, code in shown],
        hidden=len(uow.session.execute(hidden).all()),
        change=uow.session.get(Change, found.change_id) if found.change_id else None,
        acts=_acts(actor, found),
    )


@query(Permission.DUTIES_DO)
def choices(actor: Actor, uow: UnitOfWork, *, occurrence_id: str, find: str = "") -> Sequence[Choice]:
    """Documents to choose as records of a time of a duty, the newest of those that the actor sees: what was described
    as a type that the duty asks for, what is in the library of the organisation, and what the words find in a title.

    Raises: NotFoundError.
    """
    uow.require("occurrence", occurrence_id)
    found = uow.session.get_one(Occurrence, occurrence_id)
    wanted = uow.session.get_one(OwnDuty, found.own_duty_id).records.split()
    fitting = or_(Record.type.in_(wanted), Engagement.activity == LIBRARY)
    words = find.strip()
    if words:
        fitting = Document.title.icontains(words, autoescape=True)
    kept = select(OccurrenceRecord.document_id).where(OccurrenceRecord.occurrence_id == found.id)
    offered = (
        select(Document.id, Document.title, func.coalesce(Record.type, ""))
        .join(Engagement, Engagement.id == Document.engagement_id)
        .outerjoin(Record, Record.document_id == Document.id)
        .where(uow.visible("document"), Document.control != DRAFT, or_(fitting, Document.id.in_(kept)))
        .order_by(Document.id.desc())
        .limit(MOST_CHOICES)
    )
    return [Choice(*row) for row in uow.session.execute(offered)]


@query(Permission.DUTIES_MANAGE)
def offer(actor: Actor, uow: UnitOfWork) -> Offer:
    """What the actor's organisation can take on. Raises: InvalidInputError."""
    organisation = uow.session.get_one(Organisation, require_member(uow))
    kept = OwnDuty.ended_on.is_(None) | (OwnDuty.ended_on > uow.archive.today())
    taken = select(OwnDuty.code, OwnDuty.site_id).where(OwnDuty.organisation_id == organisation.id, kept)
    sites = select(Site).where(Site.organisation_id == organisation.id, Site.closed_on.is_(None)).order_by(Site.name)
    return Offer(
        organisation=organisation,
        catalogue=catalogue_of(organisation.kind),
        taken=frozenset((code, site_id or "") for code, site_id in uow.session.execute(taken)),
        sites=uow.session.scalars(sites).all(),
        people=colleagues(uow, organisation.id, Permission.DUTIES_DO),
        today=uow.archive.today(),
    )


@query(Permission.DUTIES_MANAGE)
def templates_offered(actor: Actor, uow: UnitOfWork) -> Sequence[tuple[str, str]]:
    """Controlled documents in force that can be a template: id, number and title."""
    in_force = select(ControlledDocument.id, ControlledDocument.number, ControlledDocument.title).where(
        ControlledDocument.organisation_id == actor.organisation_id,
        ControlledDocument.state == "in_force",
        uow.visible("controlled_document"),
    )
    rows = uow.session.execute(in_force.order_by(ControlledDocument.number).limit(TEMPLATES_OFFERED))
    return [(controlled_id, f"{number} {title}") for controlled_id, number, title in rows]


@query(Permission.DUTIES_READ)
def panel_of_document(actor: Actor, uow: UnitOfWork, *, document_id: str) -> Sequence[RestsOn] | None:
    """The times of duties that rest on a document, latest first; None where there is none. Raises: NotFoundError."""
    uow.require("document", document_id)
    resting = (
        select(Occurrence, OwnDuty, Organisation)
        .join(OccurrenceRecord, OccurrenceRecord.occurrence_id == Occurrence.id)
        .join(OwnDuty, OwnDuty.id == Occurrence.own_duty_id)
        .join(Organisation, Organisation.id == Occurrence.organisation_id)
        .where(OccurrenceRecord.document_id == document_id, uow.visible("occurrence"))
        .order_by(Occurrence.due_on.desc(), Occurrence.id.desc())
        .limit(HISTORY_SHOWN)
    )
    rows = uow.session.execute(resting).all()
    return [RestsOn(row[0], title_of(row[2].kind, row[1]), row[2].name) for row in rows] or None


def _manages(actor: Actor, organisation_id: str) -> bool:
    return actor.may(Permission.DUTIES_MANAGE) and actor.organisation_id == organisation_id


def _acts(actor: Actor, found: Occurrence) -> frozenset[str]:
    manages = _manages(actor, found.organisation_id)
    acts = set()
    if found.state == OPEN:
        acts |= {"settle"} if may_settle(found, actor) else set()
        acts |= {"set_aside"} if manages else set()
    elif (found.state == FINISHED and may_settle(found, actor)) or (found.state == NOT_NEEDED and manages):
        acts.add("take_back")
    return frozenset(acts)


def _required(duty: OwnDuty) -> list[RequiredRecord]:
    return [RequiredRecord(code, record_type_name(code)) for code in duty.records.split()]


def _template(uow: UnitOfWork, duty: OwnDuty) -> ControlledDocument | None:
    """The template, where the actor sees it."""
    shown = select(ControlledDocument).where(
        ControlledDocument.id == duty.template_id, uow.visible("controlled_document")
    )
    return uow.session.scalar(shown)

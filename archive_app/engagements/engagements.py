"""Use cases of engagements 核查项目: open one, list them, look at one."""

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.engagements.independence import lock_relations, require_independent
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.identity.models import Organisation, Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import VALIDATION_AND_VERIFICATION_APART
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

ENGAGEMENT_OPENED = event_type("engagement.opened", N_("Engagement opened"))
FIRST_YEAR, LAST_YEAR = 1990, 2200
_DASHES = re.compile(r"[-‐‑‒–—―−]+")
ACTIVITIES = {"verification": N_("Verification of a statement"), "validation": N_("Validation of a project")}


class NumberTakenError(ArchiveError):
    """Another engagement of the organisation has this number."""

    code = "engagement_number_taken"
    message = N_("The number %(number)s belongs to another engagement. Nothing was opened; choose another number.")


@dataclass(frozen=True)
class EngagementFilters:
    """What a list of engagements is narrowed to; empty fields narrow nothing."""

    text: str = ""
    client_id: str = ""
    year: int | None = None
    activity: str = ""


@dataclass(frozen=True)
class EngagementLine:
    """An engagement as lists show it."""

    engagement: Engagement
    client_name: str


@dataclass(frozen=True)
class EngagementPage:
    """An engagement as its own page shows it."""

    engagement: Engagement
    client: Client
    organisation_name: str


@use_case(Permission.ENGAGEMENTS_CREATE)
def open_engagement(
    actor: Actor,
    uow: UnitOfWork,
    *,
    client_id: str,
    number: str,
    title: str,
    year: int,
    activity: str = "verification",
    project_number: str = "",
) -> Engagement:
    """Opens an engagement for a client; a team leader who opens it is assigned to it as leader, and declares next.

    `project_number` is the registered number of the project that is verified or validated, where it is one.

    Raises: InvalidInputError, NumberTakenError, NotFoundError for a client one may not see, and for one of another
    organisation; NotIndependentError, ClientProvinceMissingError; DutiesNotSeparateError where the body did the other
    activity for the same project.
    """
    client = _client_of_own_body(actor, uow, client_id)
    number = one_line(number, field=N_("Number"), limit=60)
    title = one_line(title, field=N_("Title"), limit=200)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year of emissions."))
    if activity not in ACTIVITIES:
        raise InvalidInputError(field=N_("Activity"), reason=N_("Choose one from the list."))
    project = project_key(project_number)
    lock_relations(uow, client.organisation_id)
    leader = uow.session.get(Person, actor.person_id) if actor.person_id and actor.may(Permission.TEAM_LEAD) else None
    require_independent(uow, client, *([leader] if leader else []))
    _keep_activities_apart(uow, client.organisation_id, project, activity)
    taken = select(Engagement.id).where(
        Engagement.organisation_id == client.organisation_id, Engagement.number == number
    )
    if uow.session.scalar(taken):
        raise NumberTakenError(number=number)
    engagement = Engagement(
        id=uow.new_id(),
        organisation_id=client.organisation_id,
        client_id=client.id,
        number=number,
        title=title,
        year=year,
        activity=activity,
        project_number=project or None,
        created_at=uow.now,
    )
    uow.session.add(engagement)
    uow.session.flush()
    if leader is not None:
        uow.session.add(
            Assignment(engagement_id=engagement.id, person_id=leader.id, part="leader", assigned_at=uow.now)
        )
    subjects = {"engagement": engagement.id, "client": client.id, "organisation": client.organisation_id}
    words = {"number": number, "title": title, "year": year, "client": client.name}
    uow.record(ENGAGEMENT_OPENED, subjects, **words, activity=activity, project_number=project)
    return engagement


@query(Permission.ENGAGEMENTS_READ)
def list_engagements(
    actor: Actor,
    uow: UnitOfWork,
    *,
    filters: EngagementFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[EngagementLine]:
    """Visible engagements, newest first."""
    statement = select(Engagement, Client.name).join(Client, Client.id == Engagement.client_id)
    statement = statement.where(uow.visible("engagement"))
    if text := filters.text.strip():
        statement = statement.where(
            Engagement.title.contains(text, autoescape=True)
            | Engagement.number.contains(text, autoescape=True)
            | Client.name.contains(text, autoescape=True)
            | Engagement.project_number.contains(_folded(text), autoescape=True)
        )
    if filters.client_id:
        statement = statement.where(Engagement.client_id == filters.client_id)
    if filters.year:
        statement = statement.where(Engagement.year == filters.year)
    if filters.activity:
        statement = statement.where(Engagement.activity == filters.activity)
    page = fetch_page(uow.session, statement, [Engagement.id], after=after, descending=True, limit=limit)
    return Page([EngagementLine(row[0], row[1]) for row in page.items], page.next_key)


@query(Permission.ENGAGEMENTS_READ)
def engagement_years(actor: Actor, uow: UnitOfWork) -> list[int]:
    """The years of visible engagements, newest first."""
    years = select(Engagement.year).where(uow.visible("engagement")).distinct()
    return list(uow.session.scalars(years.order_by(Engagement.year.desc())))


@query(Permission.ENGAGEMENTS_READ)
def view_engagement(actor: Actor, uow: UnitOfWork, *, engagement_id: str) -> EngagementPage:
    """One engagement. Raises: NotFoundError."""
    uow.require("engagement", engagement_id)
    row = uow.session.execute(
        select(Engagement, Client, Organisation.name)
        .join(Client, Client.id == Engagement.client_id)
        .join(Organisation, Organisation.id == Engagement.organisation_id)
        .where(Engagement.id == engagement_id)
    ).one()
    return EngagementPage(row[0], row[1], row[2])


def project_key(text: str) -> str:
    """A project's registered number as it is kept and compared: without blanks, widths and cases and with one
    kind of dash, so that nobody verifies what they validated because it was typed another way.
    `ccer－2025 001` and `CCER—2025001` -> `CCER-2025001`.

    Raises: InvalidInputError.
    """
    return one_line(_folded(text), field=N_("Project number"), limit=60, required=False)


def _folded(text: str) -> str:
    return _DASHES.sub("-", "".join(unicodedata.normalize("NFKC", text).split()).upper())


def _client_of_own_body(actor: Actor, uow: UnitOfWork, client_id: str) -> Client:
    uow.require("client", client_id)
    client = uow.session.get_one(Client, client_id)
    if not actor.is_system and client.organisation_id != actor.organisation_id:
        # Whoever sees another body's client, as its contact or as a supervisor, opens nothing in that body's name.
        raise DeniedError("client", client_id)
    return client


def _keep_activities_apart(uow: UnitOfWork, organisation_id: str, project: str, activity: str) -> None:
    if not project:
        return
    others = select(Engagement.organisation_id).where(
        Engagement.project_number == project, Engagement.activity != activity
    )
    VALIDATION_AND_VERIFICATION_APART.require_apart(organisation_id, uow.session.scalars(others))


def subjects_of(session: Session, engagement_id: str, **more: str) -> dict[str, str]:
    """What an event inside an engagement is about: the engagement, its organisation, and `more`."""
    # Whoever locked the engagement holds it already; the session then has nothing to ask.
    engagement = session.get(Engagement, engagement_id)
    return {"organisation": engagement.organisation_id if engagement else "", "engagement": engagement_id, **more}


def lock_engagement(session: Session, engagement_id: str) -> Engagement:
    """The engagement, with other changes to it waiting until this unit of work ends."""
    return session.get_one(Engagement, engagement_id, with_for_update=True)

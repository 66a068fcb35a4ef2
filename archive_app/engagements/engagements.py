"""Use cases of engagements 核查项目: open one, list them, look at one."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_app.engagements.independence import lock_relations, require_independent
from archive_app.engagements.models import Assignment, Client, Engagement
from archive_app.engagements.schemes import (
    USUAL_SCHEME,
    Scheme,
    Stage,
    keep_edition,
    scheme_named,
    scheme_of,
    schemes_of,
)
from archive_app.engagements.waiting import follow_declarations
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
Step = Callable[[UnitOfWork, Engagement], None]
_AFTER_OPENING: list[Step] = []
_DASHES = re.compile(r"[-‐‑‒–—―−]+")
ACTIVITIES = {
    "verification": N_("Verification of a statement"),
    "validation": N_("Validation of a project"),
    "certification": N_("Certification"),
    "evaluation": N_("Evaluation"),
    "service": N_("Carbon service"),
    "management": N_("Management system"),
}
"""What an engagement is about, in words (`scheme_values.ACTIVITIES`)."""
_OF_ONE_KIND = frozenset({"verification", "validation"})
"""Activities that share schemes; one body does not do both for the same project (S4 6.4.1)."""


class NumberTakenError(ArchiveError):
    """Another engagement of the organisation has this number."""

    code = "engagement_number_taken"
    message = N_("The number %(number)s belongs to another engagement. Nothing was opened; choose another number.")


class EngagementSealedError(ArchiveError):
    """The case file was accepted and sealed: nothing in it changes any more."""

    code = "engagement_sealed"
    message = N_(
        "The file of %(number)s is sealed. Nothing was changed. What is missing can be added as a late addition with "
        "its reason, or the archivist reopens the file."
    )


@dataclass(frozen=True)
class EngagementFilters:
    """What a list of engagements is narrowed to; empty fields narrow nothing."""

    text: str = ""
    client_id: str = ""
    year: int | None = None
    activity: str = ""
    scheme: str = ""
    stage: str = ""


@dataclass(frozen=True)
class EngagementLine:
    """An engagement as lists show it, with the scheme that it follows."""

    engagement: Engagement
    client_name: str
    scheme: Scheme

    @property
    def stage(self) -> Stage:
        """Where it is."""
        return self.scheme.stage(self.engagement.stage)


@dataclass(frozen=True)
class EngagementPage:
    """An engagement as its own page shows it."""

    engagement: Engagement
    client: Client
    organisation_name: str
    scheme: Scheme


def after_opening(step: Step) -> Step:
    """Registers a step of a room above that runs, in the same unit of work, when an engagement was opened."""
    _AFTER_OPENING.append(step)
    return step


@use_case(Permission.ENGAGEMENTS_CREATE)
def open_engagement(
    actor: Actor,
    uow: UnitOfWork,
    *,
    client_id: str,
    number: str,
    title: str,
    year: int,
    scheme: str = USUAL_SCHEME,
    activity: str = "",
    project_number: str = "",
    parent_id: str = "",
    parent_number: str = "",
) -> Engagement:
    """Opens an engagement for a client; a team leader who opens it is assigned to it as leader, and declares next.

    It follows `scheme` in today's version to its end; `activity` is the scheme's where nothing is said.
    `project_number` is the registered number of the project, where one is verified or validated; `parent_id`, or
    `parent_number`, the engagement of the same client that this one follows, as a re-check does.

    Raises: InvalidInputError, NumberTakenError, SchemeChangedError, NotFoundError for a client one may not see, and
    for one of another organisation; NotIndependentError, ClientProvinceMissingError; DutiesNotSeparateError where the
    body did the other activity for the same project.
    """
    client = _client_of_own_body(actor, uow, client_id)
    number = one_line(number, field=N_("Number"), limit=60)
    title = one_line(title, field=N_("Title"), limit=200)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidInputError(field=N_("Year"), reason=N_("This is not a year of emissions."))
    followed = scheme_named(scheme)
    activity = _activity_of(followed, activity)
    project = project_key(project_number)
    lock_relations(uow, client.organisation_id)
    leader = uow.session.get(Person, actor.person_id) if actor.person_id and actor.may(Permission.TEAM_LEAD) else None
    require_independent(uow, client, *([leader] if leader else []), activity=activity)
    _keep_activities_apart(uow, client.organisation_id, project, activity)
    _require_free_number(uow, client.organisation_id, number)
    parent_id = _parent_of(uow, followed, client, parent_id, parent_number)
    keep_edition(uow, followed)
    engagement = Engagement(
        id=uow.new_id(),
        organisation_id=client.organisation_id,
        client_id=client.id,
        number=number,
        title=title,
        year=year,
        activity=activity,
        project_number=project or None,
        scheme=followed.code,
        scheme_version=followed.version,
        stage=followed.stages[0].code,
        parent_id=parent_id or None,
        created_at=uow.now,
    )
    _begin(uow, engagement, leader)
    subjects = {"engagement": engagement.id, "client": client.id, "organisation": client.organisation_id}
    words = {"number": number, "title": title, "year": year, "client": client.name}
    words |= {"scheme": f"{followed.code} {followed.version}", "parent": parent_id}
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
    if filters.scheme:
        statement = statement.where(Engagement.scheme == filters.scheme)
    if filters.stage:
        statement = statement.where(Engagement.stage == filters.stage)
    page = fetch_page(uow.session, statement, [Engagement.id], after=after, descending=True, limit=limit)
    followed = schemes_of(uow.session, [row[0] for row in page.items])
    lines = [EngagementLine(row[0], row[1], followed[row[0].scheme, row[0].scheme_version]) for row in page.items]
    return Page(lines, page.next_key)


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
    return EngagementPage(row[0], row[1], row[2], scheme_of(uow, row[0]))


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


def _require_free_number(uow: UnitOfWork, organisation_id: str, number: str) -> None:
    taken = select(Engagement.id).where(Engagement.organisation_id == organisation_id, Engagement.number == number)
    if uow.session.scalar(taken):
        raise NumberTakenError(number=number)


def _begin(uow: UnitOfWork, engagement: Engagement, leader: Person | None) -> None:
    """Puts the engagement there, with whoever leads it, and lets the rooms above begin with it."""
    uow.session.add(engagement)
    uow.session.flush()
    if leader is not None:
        row = Assignment(engagement_id=engagement.id, person_id=leader.id, part="leader", assigned_at=uow.now)
        uow.session.add(row)
        follow_declarations(uow, engagement)
    for step in _AFTER_OPENING:
        step(uow, engagement)


def _activity_of(scheme: Scheme, activity: str) -> str:
    allowed = _OF_ONE_KIND if scheme.activity in _OF_ONE_KIND else {scheme.activity}
    if activity and activity not in allowed:
        raise InvalidInputError(field=N_("Activity"), reason=N_("This is not an activity of the chosen scheme."))
    return activity or scheme.activity


def _parent_of(uow: UnitOfWork, scheme: Scheme, client: Client, parent_id: str, number: str) -> str:
    """The engagement that one of `scheme` follows, empty where it follows none."""
    if number.strip():
        of_client = (Engagement.client_id == client.id, Engagement.number == number.strip())
        # A number that one may not see is answered as one that does not exist.
        parent_id = uow.session.scalar(select(Engagement.id).where(*of_client, uow.visible("engagement"))) or ""
        if not parent_id:
            raise InvalidInputError(field=N_("Follows"), reason=N_("This client has no such engagement."))
    if not parent_id:
        if scheme.parent:
            raise InvalidInputError(field=N_("Follows"), reason=N_("Say which engagement this one follows."))
        return ""
    uow.require("engagement", parent_id)
    parent = uow.session.get_one(Engagement, parent_id)
    if parent.client_id != client.id:
        raise InvalidInputError(field=N_("Follows"), reason=N_("This engagement is of another client."))
    if scheme.follows and parent.scheme not in scheme.follows:
        raise InvalidInputError(field=N_("Follows"), reason=N_("The chosen scheme does not follow one of that kind."))
    return parent_id


def _keep_activities_apart(uow: UnitOfWork, organisation_id: str, project: str, activity: str) -> None:
    if not project or activity not in _OF_ONE_KIND:
        return
    others = select(Engagement.organisation_id).where(
        Engagement.project_number == project, Engagement.activity.in_(_OF_ONE_KIND - {activity})
    )
    VALIDATION_AND_VERIFICATION_APART.require_apart(organisation_id, uow.session.scalars(others))


def subjects_of(session: Session, engagement_id: str, **more: str) -> dict[str, str]:
    """What an event inside an engagement is about: the engagement, its organisation, and `more`."""
    # Whoever locked the engagement holds it already; the session then has nothing to ask.
    engagement = session.get(Engagement, engagement_id)
    return {"organisation": engagement.organisation_id if engagement else "", "engagement": engagement_id, **more}


def lock_engagement(session: Session, engagement_id: str, *, sealed_too: bool = False) -> Engagement:
    """The engagement, with other changes to it waiting until this unit of work ends.

    `sealed_too` is for what may go on when the file is sealed: who has access to it, and what is added late.

    Raises: EngagementSealedError.
    """
    engagement = session.get_one(Engagement, engagement_id, with_for_update=True, populate_existing=True)
    if engagement.sealed_at is not None and not sealed_too:
        raise EngagementSealedError(number=engagement.number)
    return engagement


def require_unsealed(session: Session, engagement_id: str) -> None:
    """Refuses early, before work is done in vain; `lock_engagement` refuses for good. Raises: EngagementSealedError."""
    engagement = session.get_one(Engagement, engagement_id)
    if engagement.sealed_at is not None:
        raise EngagementSealedError(number=engagement.number)

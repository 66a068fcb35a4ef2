"""Use cases of competence 人员能力 (S0 5.5; S1 8.3): record it, withdraw what was wrong, list it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, select

from archive_app.engagements.abilities.kinds import KINDS, all_competences
from archive_app.engagements.models import Competence
from archive_app.identity.models import Person
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

COMPETENCE_RECORDED = event_type("competence.recorded", N_("Competence recorded"))
COMPETENCE_WITHDRAWN = event_type("competence.withdrawn", N_("Competence withdrawn"))
VALID, EXPIRING, ENDED, WITHDRAWN = "valid", "expiring", "ended", "withdrawn"
STATES = {VALID: N_("Valid"), EXPIRING: N_("Ends soon"), ENDED: N_("Ended"), WITHDRAWN: N_("Withdrawn")}
WARNED_BEFORE = timedelta(days=60)
_FIRST_DAY, _LAST_DAY = date(1950, 1, 1), date(2200, 12, 31)


@dataclass(frozen=True)
class Ability:
    """A competence as it is recorded; days are in the archive's zone, `valid_until` None where it does not end."""

    kind: str
    code: str
    valid_from: date
    valid_until: date | None = None
    title: str = ""
    certificate: str = ""
    issued_by: str = ""


@dataclass(frozen=True)
class AbilityFilters:
    """What a list of competences is narrowed to; empty fields narrow nothing."""

    text: str = ""
    person_id: str = ""
    kind: str = ""
    state: str = ""


@dataclass(frozen=True)
class AbilityLine:
    """A competence as lists show it."""

    competence: Competence
    display_name: str
    state: str


@use_case(Permission.COMPETENCE_MANAGE)
def record_competence(actor: Actor, uow: UnitOfWork, *, person_id: str, ability: Ability) -> Competence:
    """Records what a colleague is competent for. Raises: InvalidInputError, NotFoundError."""
    person = uow.session.get(Person, person_id)
    if person is None:
        raise NotFoundError
    if not actor.is_system and person.organisation_id != actor.organisation_id:
        raise DeniedError("person", person_id)
    ability = _checked(ability)
    row = Competence(
        id=uow.new_id(),
        organisation_id=person.organisation_id,
        person_id=person.id,
        kind=ability.kind,
        code=ability.code,
        title=ability.title,
        certificate=ability.certificate,
        issued_by=ability.issued_by,
        valid_from=ability.valid_from,
        valid_until=ability.valid_until,
        recorded_by=actor.name,
        recorded_at=uow.now,
    )
    uow.session.add(row)
    uow.session.flush()
    uow.record(
        COMPETENCE_RECORDED,
        {"competence": row.id, "person": person.id, "organisation": person.organisation_id},
        name=person.display_name,
        competence=f"{ability.kind} {ability.code}",
        title=ability.title,
        valid_from=ability.valid_from.isoformat(),
        valid_until=ability.valid_until.isoformat() if ability.valid_until else None,
    )
    return row


@use_case(Permission.COMPETENCE_MANAGE)
def withdraw_competence(actor: Actor, uow: UnitOfWork, *, competence_id: str, reason: str) -> Competence:
    """Takes back what was recorded wrongly; it stays in the list. Raises: NotFoundError, InvalidInputError."""
    uow.require("competence", competence_id)
    row = uow.session.get_one(Competence, competence_id, with_for_update=True)
    if row.withdrawn_at is not None:
        raise NotFoundError
    reason = one_line(reason, field=N_("Reason"), limit=1000)
    row.withdrawn_at, row.withdrawn_by = uow.now, actor.name
    subjects = {"competence": row.id, "person": row.person_id, "organisation": row.organisation_id}
    uow.record(COMPETENCE_WITHDRAWN, subjects, reason=reason)
    return row


@query(Permission.COMPETENCE_READ)
def list_competences(
    actor: Actor, uow: UnitOfWork, *, filters: AbilityFilters, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[AbilityLine]:
    """Competences of the organisation's people, newest first."""
    clauses: list[ColumnElement[bool]] = [Competence.organisation_id == actor.organisation_id]
    if filters.person_id:
        clauses.append(Competence.person_id == filters.person_id)
    if filters.kind:
        clauses.append(Competence.kind == filters.kind)
    if filters.state in STATES:
        clauses += _in_state(filters.state, uow.archive.today())
    if text := filters.text.strip():
        columns = (Person.display_name, Competence.title, Competence.certificate)
        found = [column.contains(text, autoescape=True) for column in columns]
        clauses.append(found[0] | found[1] | found[2])
    return _page(uow, clauses, after, limit)


@query(Permission.SIGNED_IN)
def list_own_competences(
    actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[AbilityLine]:
    """What is recorded about oneself, newest first."""
    return _page(uow, [Competence.person_id == actor.person_id], after, limit)


@query(Permission.COMPETENCE_MANAGE)
def list_people(actor: Actor, uow: UnitOfWork) -> Sequence[tuple[str, str]]:
    """People of the organisation whose competence can be recorded, by name: pairs of id and name."""
    rows = uow.session.execute(
        select(Person.id, Person.display_name)
        .where(Person.organisation_id == actor.organisation_id, Person.active)
        .order_by(Person.display_name, Person.id)
    )
    return [(row[0], row[1]) for row in rows]


def state_of(competence: Competence, today: date) -> str:
    """Where a competence stands on a day: one of STATES."""
    if competence.withdrawn_at is not None:
        return WITHDRAWN
    if competence.valid_until is None:
        return VALID
    if competence.valid_until < today:
        return ENDED
    return EXPIRING if competence.valid_until <= today + WARNED_BEFORE else VALID


def valid_on(day: date) -> list[ColumnElement[bool]]:
    """The clauses by which a competence counts on a day."""
    return [
        Competence.withdrawn_at.is_(None),
        Competence.valid_from <= day,
        Competence.valid_until.is_(None) | (Competence.valid_until >= day),
    ]


def _in_state(state: str, today: date) -> list[ColumnElement[bool]]:
    if state == WITHDRAWN:
        return [Competence.withdrawn_at.is_not(None)]
    standing: list[ColumnElement[bool]] = [Competence.withdrawn_at.is_(None)]
    soon = today + WARNED_BEFORE
    if state == ENDED:
        return [*standing, Competence.valid_until < today]
    if state == EXPIRING:
        return [*standing, Competence.valid_until >= today, Competence.valid_until <= soon]
    return [*standing, Competence.valid_until.is_(None) | (Competence.valid_until > soon)]


def _page(uow: UnitOfWork, clauses: Sequence[ColumnElement[bool]], after: str | None, limit: int) -> Page[AbilityLine]:
    statement = select(Competence, Person.display_name).join(Person, Person.id == Competence.person_id)
    statement = statement.where(uow.visible("competence"), *clauses)
    page = fetch_page(uow.session, statement, [Competence.id], after=after, descending=True, limit=limit)
    today = uow.archive.today()
    return Page([AbilityLine(row[0], row[1], state_of(row[0], today)) for row in page.items], page.next_key)


def _checked(ability: Ability) -> Ability:
    if ability.kind not in KINDS or ability.code not in all_competences()[ability.kind]:
        raise InvalidInputError(field=N_("Competence"), reason=N_("Choose one from the list."))
    for field, day in ((N_("Valid from"), ability.valid_from), (N_("Valid until"), ability.valid_until)):
        if day is not None and not _FIRST_DAY <= day <= _LAST_DAY:
            raise InvalidInputError(field=field, reason=N_("This is not a day that can be meant."))
    if ability.valid_until is not None and ability.valid_until < ability.valid_from:
        raise InvalidInputError(field=N_("Valid until"), reason=N_("This is before the first day."))
    return Ability(
        ability.kind,
        ability.code,
        ability.valid_from,
        ability.valid_until,
        one_line(ability.title, field=N_("Title"), limit=200, required=False),
        one_line(ability.certificate, field=N_("Number of the certificate"), limit=100, required=False),
        one_line(ability.issued_by, field=N_("Issued by"), limit=200, required=False),
    )

"""Use cases of relations that touch somebody's independence: record one, end it, withdraw a wrong one, list them.

People record their own; the quality manager and the archivist record those of others and of the body. Nothing is
deleted: who was independent of whom is asked long after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, select

from archive_app.engagements.independence import (
    KINDS,
    OF_PERSONS_ONLY,
    REPORT_COMPILING,
    TouchedAssignment,
    counting,
    counts,
    counts_until,
    lock_relations,
    party_key,
    touched_assignments,
)
from archive_app.engagements.models import Client, Interest
from archive_app.engagements.provinces import checked_province
from archive_app.identity.models import Person
from archive_app.identity.names import checked_credit_code
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError, PermissionMissingError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.paging import PAGE_SIZE, Page, fetch_page
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.kernel.words import one_line

INTEREST_RECORDED = event_type("interest.recorded", N_("Relation recorded"))
INTEREST_ENDED = event_type("interest.ended", N_("Relation ended"))
INTEREST_WITHDRAWN = event_type("interest.withdrawn", N_("Relation withdrawn"))
COUNTING, PAST, WITHDRAWN = "counting", "past", "withdrawn"
STATES = {COUNTING: N_("Counts"), PAST: N_("Counts no longer"), WITHDRAWN: N_("Withdrawn")}
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2200, 12, 31)


class OwnRelationError(ArchiveError):
    """Nobody withdraws a relation of their own."""

    code = "own_relation"
    message = N_(
        "This relation is your own, so somebody else withdraws it: ask the quality manager or the archivist. "
        "Nothing was changed. When the relation is over, you can say so yourself."
    )


@dataclass(frozen=True)
class Facts:
    """A relation as it is recorded: with `party_name` and `party_code`, or for the compiling of reports in a
    `province`. Days are in the archive's zone; `ended_on` is None while it goes on."""

    kind: str
    began_on: date
    ended_on: date | None = None
    party_name: str = ""
    party_code: str = ""
    province: str = ""
    note: str = ""


@dataclass(frozen=True)
class Recorded:
    """A relation that was recorded, and the assignments that stand although it touches them."""

    interest: Interest
    touched: Sequence[TouchedAssignment]


@dataclass(frozen=True)
class InterestFilters:
    """What a list of relations is narrowed to; empty fields narrow nothing. `person_id` may be "body"."""

    text: str = ""
    person_id: str = ""
    kind: str = ""
    state: str = ""


@dataclass(frozen=True)
class InterestLine:
    """A relation as lists show it: `display_name` is empty for the body's own; `counts_until` is the last day on which
    it counts, None while it goes on."""

    interest: Interest
    display_name: str
    state: str
    counts_until: date | None


@use_case(Permission.ENGAGEMENTS_READ)
def record_own_interest(actor: Actor, uow: UnitOfWork, *, facts: Facts) -> Recorded:
    """Records a relation of one's own. Raises: InvalidInputError."""
    if actor.person_id is None:
        raise NotFoundError
    return record(uow, uow.session.get_one(Person, actor.person_id), facts)


@use_case(Permission.INTERESTS_MANAGE)
def record_interest(actor: Actor, uow: UnitOfWork, *, person_id: str, facts: Facts) -> Recorded:
    """Records a relation of a colleague, or of the body where `person_id` is empty.

    Raises: InvalidInputError, NotFoundError for somebody of another organisation.
    """
    person = uow.session.get(Person, person_id) if person_id else None
    if person is not None and person.organisation_id != actor.organisation_id:
        raise DeniedError("person", person_id)
    if person_id and person is None:
        raise NotFoundError
    return record(uow, person, facts)


@use_case(Permission.ENGAGEMENTS_READ)
def end_interest(actor: Actor, uow: UnitOfWork, *, interest_id: str, ended_on: date) -> Interest:
    """Says on which day a relation ended: one's own, or any by whoever keeps them. It counts for some years more.

    Raises: NotFoundError, PermissionMissingError, InvalidInputError for a day before it began, or to come, and for one
    so long ago that one's own would not count any more.
    """
    interest = _open(uow, interest_id)
    if interest.person_id != actor.person_id and not actor.may(Permission.INTERESTS_MANAGE):
        raise PermissionMissingError(permission=Permission.INTERESTS_MANAGE)
    if interest.ended_on is not None:
        # Or whoever is held back by a relation could move its end into the past.
        raise InvalidInputError(
            field=N_("Ended on"),
            reason=N_("The end of this relation is recorded already. A wrong record is withdrawn and recorded anew."),
        )
    if not interest.began_on <= ended_on <= uow.archive.today():
        raise InvalidInputError(
            field=N_("Ended on"), reason=N_("This must be a day after the relation began, and not in the future.")
        )
    years = uow.archive.rules.interest_years
    if interest.person_id == actor.person_id and not counts(ended_on, uow.archive.today(), years):
        # Or whoever is held back by a relation, recorded by whomever, could have it over long ago.
        raise InvalidInputError(
            field=N_("Ended on"),
            reason=N_(
                "By this day your own relation would not count any more, so somebody else records the end: ask the "
                "quality manager or the archivist."
            ),
        )
    interest.ended_on = ended_on
    uow.record(INTEREST_ENDED, _subjects(interest), ended_on=ended_on.isoformat())
    return interest


@use_case(Permission.INTERESTS_MANAGE)
def withdraw_interest(actor: Actor, uow: UnitOfWork, *, interest_id: str, reason: str) -> Interest:
    """Takes back what was recorded wrongly; it stays in the list, with the reason.

    Raises: NotFoundError, InvalidInputError without a reason, OwnRelationError.
    """
    interest = _open(uow, interest_id)
    if interest.person_id is not None and interest.person_id == actor.person_id:
        raise OwnRelationError
    interest.withdrawn_reason = one_line(reason, field=N_("Reason"), limit=1000)
    interest.withdrawn_at, interest.withdrawn_by = uow.now, actor.name
    uow.record(INTEREST_WITHDRAWN, _subjects(interest), reason=interest.withdrawn_reason)
    return interest


@query(Permission.INTERESTS_READ)
def list_interests(
    actor: Actor,
    uow: UnitOfWork,
    *,
    filters: InterestFilters,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[InterestLine]:
    """Relations of the organisation's people and of itself, newest first."""
    statement = _lines(uow).where(Interest.organisation_id == actor.organisation_id)
    if filters.person_id == "body":
        statement = statement.where(Interest.person_id.is_(None))
    elif filters.person_id:
        statement = statement.where(Interest.person_id == filters.person_id)
    if filters.kind:
        statement = statement.where(Interest.kind == filters.kind)
    if text := filters.text.strip():
        statement = statement.where(
            Interest.party_name.contains(text, autoescape=True)
            | Interest.party_code.contains(text.upper(), autoescape=True)
            | Person.display_name.contains(text, autoescape=True)
        )
    for clause in _in_state(uow, filters.state):
        statement = statement.where(clause)
    return _page(uow, statement, after, limit)


@query(Permission.ENGAGEMENTS_READ)
def list_own_interests(
    actor: Actor, uow: UnitOfWork, *, after: str | None = None, limit: int = PAGE_SIZE
) -> Page[InterestLine]:
    """One's own relations, newest first."""
    return _page(uow, _lines(uow).where(Interest.person_id == actor.person_id), after, limit)


@query(Permission.INTERESTS_MANAGE)
def list_colleagues(actor: Actor, uow: UnitOfWork) -> list[tuple[str, str]]:
    """People of the organisation whose relations can be recorded, by name: pairs of id and name."""
    rows = uow.session.execute(
        select(Person.id, Person.display_name)
        .where(Person.organisation_id == actor.organisation_id, Person.active)
        .order_by(Person.display_name, Person.id)
    )
    return [(row[0], row[1]) for row in rows]


def record(uow: UnitOfWork, person: Person | None, facts: Facts, client: Client | None = None) -> Recorded:
    """A step: records a relation of a person, or of the actor's body; `client` is who it is with, where that is known.

    Raises: InvalidInputError.
    """
    organisation_id = person.organisation_id if person else uow.actor.organisation_id
    if organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    facts = _checked(facts, of_body=person is None)
    lock_relations(uow, organisation_id)
    if client is None and facts.kind != REPORT_COMPILING:
        client = _client_called(uow, organisation_id, facts)
    interest = Interest(
        id=uow.new_id(),
        organisation_id=organisation_id,
        person_id=person.id if person else None,
        client_id=client.id if client else None,
        party_name=facts.party_name,
        party_code=facts.party_code or None,
        province=facts.province or None,
        kind=facts.kind,
        began_on=facts.began_on,
        ended_on=facts.ended_on,
        note=facts.note,
        recorded_by=uow.actor.name,
        recorded_at=uow.now,
        withdrawn_reason="",
    )
    uow.session.add(interest)
    uow.session.flush()
    touched = touched_assignments(uow, interest)
    uow.record(
        INTEREST_RECORDED,
        _subjects(interest),
        name=person.display_name if person else "",
        relation=facts.kind,
        party=facts.party_name,
        province=facts.province,
        began_on=facts.began_on.isoformat(),
        ended_on=facts.ended_on.isoformat() if facts.ended_on else None,
    )
    return Recorded(interest, touched)


def _checked(facts: Facts, *, of_body: bool) -> Facts:
    if facts.kind not in KINDS or (of_body and facts.kind in OF_PERSONS_ONLY):
        raise InvalidInputError(field=N_("Kind"), reason=N_("Choose a kind from the list."))
    of_province = facts.kind == REPORT_COMPILING
    name = one_line(facts.party_name, field=N_("Organisation"), limit=200, required=not of_province)
    code = checked_credit_code(facts.party_code) or ""
    province = checked_province(facts.province)
    if of_province and province is None:
        raise InvalidInputError(field=N_("Province"), reason=N_("Choose a province from the list."))
    for field, day in ((N_("Began on"), facts.began_on), (N_("Ended on"), facts.ended_on)):
        if day is not None and not _FIRST_DAY <= day <= _LAST_DAY:
            raise InvalidInputError(field=field, reason=N_("This is not a day that can be meant."))
    if facts.ended_on is not None and facts.ended_on < facts.began_on:
        raise InvalidInputError(field=N_("Ended on"), reason=N_("This is before the relation began."))
    note = one_line(facts.note, field=N_("Note"), limit=1000, required=False)
    kept = ("", "", province or "") if of_province else (name, code, "")
    return Facts(facts.kind, facts.began_on, facts.ended_on, *kept, note)


def _client_called(uow: UnitOfWork, organisation_id: str, facts: Facts) -> Client | None:
    """The client of this code or name, if the party is one already. Nobody is told: they may not see the client."""
    clients = uow.session.scalars(select(Client).where(Client.organisation_id == organisation_id)).all()
    by_code = [client for client in clients if facts.party_code and client.credit_code == facts.party_code]
    by_name = [client for client in clients if party_key(client.name) == party_key(facts.party_name)]
    return next(iter([*by_code, *by_name]), None)


def _open(uow: UnitOfWork, interest_id: str) -> Interest:
    """A relation that is not withdrawn, locked. Raises: NotFoundError."""
    uow.require("interest", interest_id)
    interest = uow.session.get_one(Interest, interest_id, with_for_update=True)
    if interest.withdrawn_at is not None:
        raise NotFoundError
    return interest


def _subjects(interest: Interest) -> dict[str, str]:
    return {
        "interest": interest.id,
        "organisation": interest.organisation_id,
        "person": interest.person_id or "",
        "client": interest.client_id or "",
    }


def _lines(uow: UnitOfWork) -> Select[Interest, str | None]:
    return (
        select(Interest, Person.display_name)
        .outerjoin(Person, Person.id == Interest.person_id)
        .where(uow.visible("interest"))
    )


def _in_state(uow: UnitOfWork, state: str) -> list[ColumnElement[bool]]:
    if state == WITHDRAWN:
        return [Interest.withdrawn_at.is_not(None)]
    if state in {COUNTING, PAST}:
        return [Interest.withdrawn_at.is_(None), counting(uow) if state == COUNTING else ~counting(uow)]
    return []


def _page(
    uow: UnitOfWork, statement: Select[Interest, str | None], after: str | None, limit: int
) -> Page[InterestLine]:
    today, years = uow.archive.today(), uow.archive.rules.interest_years
    page = fetch_page(uow.session, statement, [Interest.id], after=after, descending=True, limit=limit)
    lines = []
    for row in page.items:
        interest: Interest = row[0]
        state = COUNTING if counts(interest.ended_on, today, years) else PAST
        until = counts_until(interest.ended_on, years)
        lines.append(InterestLine(interest, row[1] or "", WITHDRAWN if interest.withdrawn_at else state, until))
    return Page(lines, page.next_key)

"""Use cases of a grant: asked for by a supervisor; granted, refused or offered by the body; ended by either side."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import func, select

from archive_app.identity.models import Organisation, Person
from archive_app.identity.names import checked_login
from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.errors import ArchiveError, InvalidInputError, NotFoundError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line
from archive_app.supervision.models import SupervisionGrant
from archive_app.supervision.policy import AUTHORITY, GRANTED, OFFERED, REFUSED, SUBJECT, WAITING
from archive_app.supervision.scopes import (
    NamedThing,
    NothingChosenError,
    Thing,
    checked_things,
    keep_things,
    name_things,
)

ASKED = event_type("supervision.asked", N_("Access for supervision asked for"))
GIVEN = event_type("supervision.granted", N_("Access for supervision granted"))
TURNED_DOWN = event_type("supervision.refused", N_("Access for supervision refused"))
INVITED = event_type("supervision.offered", N_("Access for supervision offered"))
TAKEN = event_type("supervision.taken", N_("Offered access for supervision taken"))
ENDED = event_type("supervision.ended", N_("Access for supervision ended"))
LONGEST = timedelta(days=366)
MOST_WAITING = 100
_NAMED_IN_EVENT = 50


class AlreadyDecidedError(ArchiveError):
    """Somebody decided, or ended it, before."""

    code = "supervision_decided"
    message = N_("This was decided or ended in the meantime. Nothing was changed; reload the page to see how.")


class TooManyWaitingError(ArchiveError):
    """A body's list of requests is not a place to fill."""

    code = "supervision_waiting"
    message = N_("%(most)s of your requests wait already. Nothing was sent; withdraw one, or wait for the answers.")


@use_case(Permission.SUPERVISION_USE)
def ask_for_access(
    actor: Actor, uow: UnitOfWork, *, organisation_id: str, purpose: str, reference: str, wanted: str, until: date
) -> SupervisionGrant:
    """Asks a verification body for access; `wanted` says in words to what, `until` is the last day.

    Raises: InvalidInputError, NotFoundError for what is no verification body, TooManyWaitingError.
    """
    authority_id = _own_authority(uow)
    # What is not printable is in no identifier, and not every database takes it as text.
    body = uow.session.get(Organisation, organisation_id) if organisation_id.isprintable() else None
    if body is None or body.kind != "verification_body":
        raise NotFoundError
    _require_room(uow)
    grant = _new(uow, body.id, purpose=purpose, reference=reference, wanted=wanted, until=until)
    grant.person_id, grant.authority_id = actor.person_id, authority_id
    uow.session.add(grant)
    uow.record(ASKED, _subjects(grant), body=body.name, **_told(uow, grant), until=until.isoformat())
    return grant


@use_case(Permission.SUPERVISION_GRANT, confirmed=True)
def grant_access(actor: Actor, uow: UnitOfWork, *, grant_id: str, things: list[Thing], until: date) -> None:
    """Opens exactly `things` to the supervisor who asked, until the end of the day `until`, no later than they asked.

    Raises: NotFoundError, AlreadyDecidedError, NothingChosenError, InvalidInputError.
    """
    grant = _to_decide(uow, grant_id)
    ends = end_of(uow.archive, until)
    _require_day(uow, until)
    if ends > grant.asked_until:
        raise InvalidInputError(field=N_("Until"), reason=N_("This is later than what was asked for."))
    named = _chosen(uow, grant, things)
    grant.outcome, grant.until = GRANTED, ends
    grant.decided_at, grant.decided_by = uow.now, actor.name
    uow.record(GIVEN, _subjects(grant), **_told(uow, grant), **_scope_told(named), until=until.isoformat())


@use_case(Permission.SUPERVISION_GRANT)
def refuse_access(actor: Actor, uow: UnitOfWork, *, grant_id: str, reason: str) -> None:
    """Refuses what a supervisor asked for. Raises: NotFoundError, AlreadyDecidedError, InvalidInputError."""
    grant = _to_decide(uow, grant_id)
    grant.reason = one_line(reason, field=N_("Reason"), limit=1000)
    grant.outcome, grant.decided_at, grant.decided_by = REFUSED, uow.now, actor.name
    uow.record(TURNED_DOWN, _subjects(grant), **_told(uow, grant), reason=grant.reason)


@use_case(Permission.SUPERVISION_GRANT, confirmed=True)
def offer_access(
    actor: Actor, uow: UnitOfWork, *, login: str, purpose: str, reference: str, things: list[Thing], until: date
) -> SupervisionGrant:
    """Offers access to whichever supervisor signs in as `login`; it opens nothing until they take it.

    Whether there is such a person is neither asked nor told. Raises: InvalidInputError, NothingChosenError,
    NotFoundError.
    """
    if actor.organisation_id is None:
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only members of an organisation can do this."))
    grant = _new(uow, actor.organisation_id, purpose=purpose, reference=reference, wanted="", until=until)
    grant.offered_to, grant.outcome, grant.until = checked_login(login), OFFERED, grant.asked_until
    grant.decided_at, grant.decided_by = uow.now, actor.name
    uow.session.add(grant)
    uow.session.flush()
    named = _chosen(uow, grant, things)
    told = {"login": grant.offered_to, "purpose": grant.purpose, "reference": grant.reference}
    uow.record(INVITED, _subjects(grant), **told, **_scope_told(named), until=until.isoformat())
    return grant


@use_case(Permission.SUPERVISION_USE)
def take_offer(actor: Actor, uow: UnitOfWork, *, grant_id: str) -> None:
    """The supervisor takes what was offered to their login; from now on it opens what it names.

    Raises: NotFoundError, AlreadyDecidedError.
    """
    authority_id = _own_authority(uow)
    uow.require(SUBJECT, grant_id)
    grant = uow.session.get_one(SupervisionGrant, grant_id, with_for_update=True)
    # Colleagues see what one of them has taken; only an offer to this very login can be taken.
    own_login = uow.session.scalar(select(Person.login).where(Person.id == actor.person_id))
    if grant.outcome != OFFERED or grant.offered_to != own_login:
        raise AlreadyDecidedError
    if grant.ended_at is not None or grant.until is None or grant.until <= uow.now:
        raise AlreadyDecidedError
    grant.person_id, grant.authority_id, grant.outcome = actor.person_id, authority_id, GRANTED
    uow.record(TAKEN, _subjects(grant), **_told(uow, grant))


@use_case(Permission.SIGNED_IN)
def end_grant(actor: Actor, uow: UnitOfWork, *, grant_id: str, reason: str) -> None:
    """Either side ends a grant, an offer or a request at once; the next click of the supervisor finds nothing.

    Raises: NotFoundError, AlreadyDecidedError, InvalidInputError.
    """
    uow.require(SUBJECT, grant_id)
    grant = uow.session.get_one(SupervisionGrant, grant_id, with_for_update=True)
    if grant.ended_at is not None or grant.outcome == REFUSED or (grant.until or grant.asked_until) <= uow.now:
        raise AlreadyDecidedError
    grant.end_reason = one_line(reason, field=N_("Reason"), limit=1000)
    grant.ended_at, grant.ended_by = uow.now, actor.name
    uow.record(ENDED, _subjects(grant), **_told(uow, grant), reason=grant.end_reason)


def end_of(archive: Archive, day: date) -> datetime:
    """The instant at which a day ends in the archive's zone."""
    return datetime.combine(day + timedelta(days=1), time.min, archive.rules.zone)


def last_day(archive: Archive, ends: datetime) -> date:
    """The last whole day before an instant: the other way round."""
    return (ends - timedelta(microseconds=1)).astimezone(archive.rules.zone).date()


def _new(
    uow: UnitOfWork, organisation_id: str, *, purpose: str, reference: str, wanted: str, until: date
) -> SupervisionGrant:
    _require_day(uow, until)
    return SupervisionGrant(
        id=uow.new_id(),
        organisation_id=organisation_id,
        offered_to="",
        purpose=one_line(purpose, field=N_("Purpose"), limit=300),
        reference=one_line(reference, field=N_("Reference number"), limit=100),
        wanted=one_line(" ".join(wanted.split()), field=N_("What is wanted"), limit=1000, required=False),
        asked_at=uow.now,
        asked_until=end_of(uow.archive, until),
        outcome=WAITING,
        reason="",
        end_reason="",
    )


def _require_day(uow: UnitOfWork, until: date) -> None:
    today = uow.archive.today()
    if until < today:
        raise InvalidInputError(field=N_("Until"), reason=N_("This day is past."))
    if until > today + LONGEST:
        raise InvalidInputError(field=N_("Until"), reason=N_("A year is the longest."))


def _require_room(uow: UnitOfWork) -> None:
    waiting = select(func.count()).where(
        SupervisionGrant.person_id == uow.actor.person_id,
        SupervisionGrant.outcome == WAITING,
        SupervisionGrant.ended_at.is_(None),
        SupervisionGrant.asked_until > uow.now,
    )
    if (uow.session.scalar(waiting) or 0) >= MOST_WAITING:
        raise TooManyWaitingError(most=MOST_WAITING)


def _own_authority(uow: UnitOfWork) -> str:
    organisation = uow.session.get(Organisation, uow.actor.organisation_id)
    if organisation is None or organisation.kind != "authority":
        raise InvalidInputError(field=N_("Organisation"), reason=N_("Only people of an authority supervise."))
    return organisation.id


def _to_decide(uow: UnitOfWork, grant_id: str) -> SupervisionGrant:
    uow.require(SUBJECT, grant_id)
    grant = uow.session.get_one(SupervisionGrant, grant_id, with_for_update=True)
    if grant.organisation_id != uow.actor.organisation_id:
        raise NotFoundError
    if grant.outcome != WAITING or grant.ended_at is not None:
        raise AlreadyDecidedError
    return grant


def _chosen(uow: UnitOfWork, grant: SupervisionGrant, things: list[Thing]) -> list[NamedThing]:
    if not things:
        raise NothingChosenError
    named = name_things(uow, grant.organisation_id, checked_things(things))
    keep_things(uow, grant.id, [one.thing for one in named])
    return named


def _subjects(grant: SupervisionGrant) -> dict[str, str]:
    subjects = {"organisation": grant.organisation_id, SUBJECT: grant.id}
    if grant.person_id and grant.authority_id:
        subjects |= {AUTHORITY: grant.authority_id, "person": grant.person_id}
    return subjects


def _told(uow: UnitOfWork, grant: SupervisionGrant) -> dict[str, object]:
    person = uow.session.get(Person, grant.person_id) if grant.person_id else None
    name = person.display_name if person else grant.offered_to
    return {"name": name, "purpose": grant.purpose, "reference": grant.reference}


def _scope_told(named: list[NamedThing]) -> dict[str, object]:
    words = [f"{one.name} {one.thing.year or ''}".strip() if one.name else one.code for one in named]
    return {"scope": words[:_NAMED_IN_EVENT], "count": len(named)}

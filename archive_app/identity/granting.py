"""Rights: who proposes a role, who grants or refuses it, and who keeps an organisation able to act.

A system administrator proposes, a security officer decides (三员分立). Only as long as an organisation has no security
officer does its administrator appoint the first one. The operator at the command line does both at once.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, select

from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.roles import ADMINISTRATOR, OFFICER, checked_roles, roles_for
from archive_app.kernel.actor import Actor
from archive_app.kernel.duties import RIGHTS_GIVEN_BY_ANOTHER
from archive_app.kernel.errors import ArchiveError, InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.occasions import Occasion
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import DeniedError, UnitOfWork
from archive_app.kernel.use_case import use_case
from archive_app.kernel.words import one_line

ROLES_PROPOSED = event_type("person.roles_proposed", N_("Roles proposed"))
OFFICER_APPOINTED = event_type("person.officer_appointed", N_("First security officer appointed"))
ROLES_GRANTED = event_type("person.roles_granted", N_("Roles granted"))
ROLES_REFUSED = event_type("person.roles_refused", N_("Roles refused"))
RIGHTS_CHANGED = event_type("person.roles_changed", N_("Roles changed"))
ROLES_MOVED: Occasion[Person] = Occasion("roles moved")
"""Somebody's roles, granted or proposed, or whether they may use them, just changed."""


class RolesNotOfferedError(DeniedError):
    """No page offers such a role: it does not exist, or not in this kind of organisation."""

    code = "roles_not_offered"
    message = N_("People of this organisation cannot hold one of these roles. Nothing was changed.")


class ProposalGoneError(DeniedError):
    """What is to be decided was never proposed, or was decided or withdrawn in the meantime."""

    code = "proposal_gone"
    message = N_(
        "This is not proposed, or not any more. Nothing was changed; reload the page to see what waits for a decision."
    )


class OfficerPresentError(ArchiveError):
    """There is a security officer already, who decides from now on."""

    code = "officer_present"
    message = N_(
        "Your organisation has appointed a security officer already. Nothing was changed; the security officer decides "
        "about this role, or deactivate that account first if nobody has used it yet."
    )


class LastAdministratorError(ArchiveError):
    """An organisation keeps somebody who can let others in."""

    code = "last_administrator"
    message = N_(
        "%(name)s is the only active system administrator. Nothing was changed; let somebody else become one first, or "
        "ask the operator of the archive."
    )


class LastOfficerError(ArchiveError):
    """An organisation keeps somebody who can decide about rights."""

    code = "last_officer"
    message = N_(
        "%(name)s is the only active security officer. Nothing was changed; let somebody else become one first, or ask "
        "the operator of the archive."
    )


_KEPT: dict[str, type[ArchiveError]] = {ADMINISTRATOR: LastAdministratorError, OFFICER: LastOfficerError}


@use_case(Permission.ACCOUNTS_MANAGE)
def propose_roles(actor: Actor, uow: UnitOfWork, *, person_id: str, roles: Collection[str]) -> None:
    """Makes exactly these, of the roles that the person does not hold, wait for a security officer's decision.

    Roles that wait and are not among them are withdrawn; what the person holds stays.
    Raises: NotFoundError, RolesNotOfferedError, RolesExcludeError.
    """
    person = take_person(uow, person_id)
    rows = roles_of(uow, person_id)
    held = {role for role, row in rows.items() if row.granted_at is not None}
    waiting, wanted = rows.keys() - held, frozenset(roles) - held
    if wanted == waiting:
        return
    require_fit(uow, person.organisation_id, {"person": person_id}, held, wanted)
    for role in waiting - wanted:
        uow.session.delete(rows[role])
    add_roles(uow, person_id, wanted - waiting)
    ROLES_MOVED.announce(uow, person)
    uow.record(ROLES_PROPOSED, subjects_of(person), login=person.login, before=sorted(waiting), after=sorted(wanted))


@use_case(Permission.ACCOUNTS_MANAGE, confirmed=True)
def appoint_officer(actor: Actor, uow: UnitOfWork, *, person_id: str) -> None:
    """Grants the proposed role of security officer while nobody of the organisation holds it: somebody has to begin.

    Raises: NotFoundError, DutiesNotSeparateError, ProposalGoneError, OfficerPresentError, RolesExcludeError.
    """
    person = take_person(uow, person_id)
    RIGHTS_GIVEN_BY_ANOTHER.require_apart(actor.person_id, [person_id])
    rows = roles_of(uow, person_id)
    row = rows.get(OFFICER)
    if row is None or row.granted_at is not None or not person.active:
        raise ProposalGoneError("person", person_id)
    if uow.session.scalar(select(Person.id).where(_holds(person.organisation_id, OFFICER), Person.active).limit(1)):
        raise OfficerPresentError
    require_fit(uow, person.organisation_id, {"person": person_id}, rows.keys(), {OFFICER})
    before = _granted(rows)
    _grant(uow, [row])
    ROLES_MOVED.announce(uow, person)
    uow.record(OFFICER_APPOINTED, subjects_of(person), login=person.login, before=before, after=_granted(rows))


@use_case(Permission.RIGHTS_GRANT, confirmed=True)
def grant_roles(actor: Actor, uow: UnitOfWork, *, person_id: str, roles: Collection[str]) -> None:
    """Grants roles that somebody else proposed; they count from the person's next click on.

    The operator at the command line grants what nobody proposed as well.
    Raises: NotFoundError, DutiesNotSeparateError, ProposalGoneError, RolesNotOfferedError, RolesExcludeError.
    """
    person, rows = _take_for_decision(actor, uow, person_id)
    chosen, before = frozenset(roles), _granted(rows)
    if actor.is_system:
        require_fit(uow, person.organisation_id, {"person": person_id}, rows.keys(), chosen)
        add_roles(uow, person_id, chosen - rows.keys())
        rows = roles_of(uow, person_id)
    _require_waiting(uow, person_id, rows, chosen)
    require_fit(uow, person.organisation_id, {"person": person_id}, rows.keys() - chosen, chosen)
    _require_proposed_by_others(actor, rows, chosen)
    _grant(uow, (rows[role] for role in chosen))
    if before != (after := _granted(rows)):
        ROLES_MOVED.announce(uow, person)
        uow.record(ROLES_GRANTED, subjects_of(person), login=person.login, before=before, after=after)


@use_case(Permission.RIGHTS_GRANT, confirmed=True)
def refuse_roles(actor: Actor, uow: UnitOfWork, *, person_id: str, roles: Collection[str], reason: str = "") -> None:
    """Refuses proposed roles: they wait no more. Raises: NotFoundError, ProposalGoneError, InvalidInputError."""
    person, rows = _take_for_decision(actor, uow, person_id)
    chosen = frozenset(roles)
    reason = one_line(reason, field=N_("Reason"), limit=500, required=False)
    _require_waiting(uow, person_id, rows, chosen)
    before = sorted(role for role, row in rows.items() if row.granted_at is None)
    for role in chosen:
        uow.session.delete(rows[role])
    after = [role for role in before if role not in chosen]
    ROLES_MOVED.announce(uow, person)
    uow.record(ROLES_REFUSED, subjects_of(person), login=person.login, before=before, after=after, reason=reason)


@use_case(Permission.RIGHTS_GRANT, confirmed=True)
def set_rights(
    actor: Actor, uow: UnitOfWork, *, person_id: str, roles: Collection[str], highest_level: int | None = None
) -> None:
    """Gives the person exactly these roles, and the highest level that they see, from their next click on.

    They are among those that the person holds and those that somebody else proposed: what nobody proposed would be the
    officer's own proposal. Proposals that are not among them go on waiting. The operator gives any role.
    Raises: NotFoundError, DutiesNotSeparateError, ProposalGoneError, RolesNotOfferedError, RolesExcludeError,
    InvalidInputError, LastAdministratorError, LastOfficerError.
    """
    person, rows = _take_for_decision(actor, uow, person_id)
    chosen, before, level_before = frozenset(roles), frozenset(_granted(rows)), person.highest_level
    level = Level(level_before) if highest_level is None else _checked_level(highest_level)
    require_fit(uow, person.organisation_id, {"person": person_id}, rows.keys() - before, chosen)
    if chosen - rows.keys() and not actor.is_system:
        raise ProposalGoneError("person", person_id)
    _require_proposed_by_others(actor, rows, chosen & rows.keys() - before)
    keep_able(uow, person, before - chosen)
    if (before, level_before) == (chosen, level):
        return
    for role in before - chosen:
        uow.session.delete(rows[role])
    _grant(uow, (rows[role] for role in chosen & rows.keys()))
    add_roles(uow, person_id, chosen - rows.keys())
    person.highest_level = level
    levels = {"level_before": level_before, "level_after": int(level)} if level_before != level else {}
    changed = {"before": sorted(before), "after": sorted(chosen), **levels}
    ROLES_MOVED.announce(uow, person)
    uow.record(RIGHTS_CHANGED, subjects_of(person), login=person.login, **changed)


def take_person(uow: UnitOfWork, person_id: str) -> Person:
    """A step: the person, if the actor may see them; other changes to accounts of their organisation wait.

    Raises: NotFoundError.
    """
    uow.require("person", person_id)
    person = uow.session.get_one(Person, person_id)
    lock_organisation(uow, person.organisation_id)
    uow.session.refresh(person)
    return person


def lock_organisation(uow: UnitOfWork, organisation_id: str) -> None:
    """A step: other changes to accounts of the organisation wait for this one."""
    # Not the key: rows that refer to the organisation need not wait, and whoever locked a person and then adds such a
    # row would wait for this unit of work while this one waits for them.
    own = select(Organisation.id).where(Organisation.id == organisation_id)
    uow.session.execute(own.with_for_update(key_share=True))


def subjects_of(person: Person) -> dict[str, str]:
    """What an event about a person is about."""
    return {"person": person.id, "organisation": person.organisation_id}


def roles_of(uow: UnitOfWork, person_id: str) -> dict[str, PersonRole]:
    """A step: the person's roles, granted or proposed, by key."""
    rows = select(PersonRole).where(PersonRole.person_id == person_id).execution_options(populate_existing=True)
    return {row.role: row for row in uow.session.scalars(rows)}


def add_roles(uow: UnitOfWork, person_id: str, roles: Iterable[str]) -> None:
    """A step: adds roles as proposals of the actor; the operator's are granted at once."""
    by, at = uow.actor.name, uow.now
    given = {"granted_by": by, "granted_at": at} if uow.actor.is_system else {}
    uow.session.add_all(
        PersonRole(person_id=person_id, role=role, proposed_by=by, proposed_at=at, **given) for role in sorted(roles)
    )
    uow.session.flush()


def require_fit(
    uow: UnitOfWork, organisation_id: str, subject: dict[str, str], others: Iterable[str], chosen: Iterable[str]
) -> None:
    """A step: refuses roles that one person of the organisation cannot hold, together with `others`, those that they
    hold or that wait already. Nobody is proposed for two that exclude each other: one would only have to be granted.

    Raises: RolesNotOfferedError, noted about `subject`; RolesExcludeError.
    """
    kind = uow.session.get_one(Organisation, organisation_id).kind
    offered, chosen = roles_for(kind), frozenset(chosen)
    if not chosen <= offered:
        [(name, value)] = subject.items()
        raise RolesNotOfferedError(name, value)
    # A role that the configuration dropped gives nothing and excludes nothing.
    together = chosen | (frozenset(others) & offered)
    if together:
        checked_roles(together, kind)


def keep_able(uow: UnitOfWork, leaving: Person, roles: Iterable[str]) -> None:
    """A step: refuses that somebody lets go of `roles` if nobody else of the organisation could act as administrator,
    or as security officer. The operator may: who else would mend it. Raises: LastAdministratorError, LastOfficerError.
    """
    if uow.actor.is_system:
        return
    for role in sorted(_KEPT.keys() & set(roles)):
        # Somebody who was only invited cannot do anything yet.
        able = _holds(leaving.organisation_id, role), Person.active, Person.password_hash.is_not(None)
        leaves = uow.session.scalar(select(Person.id).where(*able, Person.id == leaving.id))
        if leaves and not uow.session.scalar(select(Person.id).where(*able, Person.id != leaving.id).limit(1)):
            raise _KEPT[role](name=leaving.display_name)


def _holds(organisation_id: str, role: str) -> ColumnElement[bool]:
    granted = select(PersonRole.person_id).where(PersonRole.role == role, PersonRole.granted_at.is_not(None))
    return (Person.organisation_id == organisation_id) & Person.id.in_(granted)


def _take_for_decision(actor: Actor, uow: UnitOfWork, person_id: str) -> tuple[Person, dict[str, PersonRole]]:
    person = take_person(uow, person_id)
    RIGHTS_GIVEN_BY_ANOTHER.require_apart(actor.person_id, [person_id])
    return person, roles_of(uow, person_id)


def _require_waiting(uow: UnitOfWork, person_id: str, rows: dict[str, PersonRole], chosen: frozenset[str]) -> None:
    if not chosen:
        raise InvalidInputError(field=N_("Roles"), reason=N_("Choose at least one."))
    if not uow.actor.is_system and any(role not in rows or rows[role].granted_at for role in chosen):
        raise ProposalGoneError("person", person_id)


def _require_proposed_by_others(actor: Actor, rows: dict[str, PersonRole], chosen: Iterable[str]) -> None:
    RIGHTS_GIVEN_BY_ANOTHER.require_apart(actor.person_id, [rows[role].proposed_by for role in chosen])


def _grant(uow: UnitOfWork, rows: Iterable[PersonRole]) -> None:
    for row in rows:
        if row.granted_at is None:
            row.granted_by, row.granted_at = uow.actor.name, uow.now


def _granted(rows: dict[str, PersonRole]) -> list[str]:
    return sorted(role for role, row in rows.items() if row.granted_at is not None)


def _checked_level(level: int) -> Level:
    if type(level) is not int or level not in set(Level):
        raise InvalidInputError(field=N_("Highest level"), reason=N_("Choose a level from the list."))
    return Level(level)

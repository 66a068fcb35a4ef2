"""Who a controlled document is distributed to 发放: people and roles, and whom that means at this moment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive_app.identity.models import Organisation, Person, PersonRole
from archive_app.identity.roles import all_roles, roles_for
from archive_app.kernel.actor import Actor
from archive_app.kernel.errors import InvalidInputError
from archive_app.kernel.events import event_type
from archive_app.kernel.language import N_
from archive_app.kernel.levels import Level
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.kernel.use_case import query, use_case
from archive_app.management.colleagues import colleague
from archive_app.management.controlled.acknowledging import Reached, tell, why_not_each
from archive_app.management.controlled.models import ControlledDocument, Edition, Recipient
from archive_app.management.controlled.rules import ControlledWithdrawnError, lock_controlled, subjects

DISTRIBUTION_CHANGED = event_type("controlled.distribution_changed", N_("Distribution list changed"))
_UNREACHED = {
    "inactive": N_("This account is closed."),
    "below_level": N_("They may not see documents of this level."),
}
MOST_RECIPIENTS = 500


@dataclass(frozen=True)
class Expanded:
    """Whom a distribution list means: people who get to read, and those named on it who cannot, each with the code of
    the reason."""

    people: Sequence[Person]
    unreached: Sequence[tuple[Person, str]]


@dataclass(frozen=True)
class RecipientLine:
    """A line of the distribution list; `person` where it is no role, `reason` why they do not get it (empty where they
    do)."""

    recipient: Recipient
    person: Person | None
    reason: str


def expand(uow: UnitOfWork, controlled: ControlledDocument) -> Expanded:
    """A step: whom the distribution list means now. People who hold a role of the list and cannot read are none of
    them; a person who is named and cannot is said."""
    recipients = uow.session.scalars(
        select(Recipient).where(Recipient.controlled_document_id == controlled.id).order_by(Recipient.id)
    ).all()
    named = {one.person_id for one in recipients if one.person_id}
    roles = [one.role for one in recipients if one.role]
    holding = select(PersonRole.person_id).where(PersonRole.role.in_(roles), PersonRole.granted_at.is_not(None))
    meant = select(Person).where(
        Person.organisation_id == controlled.organisation_id, Person.id.in_(named) | Person.id.in_(holding)
    )
    people, unreached = [], []
    found = uow.session.scalars(meant.order_by(Person.id)).all()
    reasons = why_not_each(uow, controlled, found)
    for person in found:
        reason = reasons[person.id]
        if not reason:
            people.append(person)
        elif person.id in named:
            unreached.append((person, reason))
    return Expanded(people, unreached)


@use_case(Permission.CONTROLLED_MANAGE)
def change_distribution(
    actor: Actor,
    uow: UnitOfWork,
    *,
    controlled_id: str,
    people: Collection[str] = (),
    roles: Collection[str] = (),
    remove: Collection[str] = (),
) -> Reached:
    """Adds people (by login or id) and roles to the distribution list and takes entries (`remove`, by their ids) off
    it. Whoever it means now and did not before is asked to read the edition in force; who is off it stays asked.

    Raises: NotFoundError, ControlledWithdrawnError; InvalidInputError for people of elsewhere, those whose account
    is closed and those who do not see it, for roles that nobody there can hold, and for a list that is too long.
    """
    controlled = lock_controlled(uow, controlled_id)
    if controlled.state == "withdrawn":
        raise ControlledWithdrawnError(number=controlled.number)
    entries = uow.session.scalars(select(Recipient).where(Recipient.controlled_document_id == controlled.id)).all()
    kept = [one for one in entries if one.id not in set(remove)]
    for one in entries:
        if one not in kept:
            uow.session.delete(one)
    new_people = sorted(set(_checked_people(uow, controlled, people)) - {one.person_id for one in kept})
    new_roles = sorted(set(_checked_roles(uow, controlled, roles)) - {one.role for one in kept})
    if len(kept) + len(new_people) + len(new_roles) > MOST_RECIPIENTS:
        raise InvalidInputError(field=N_("Distribution list"), reason=N_("This is too long."))
    if not new_people and not new_roles and len(kept) == len(entries):
        return Reached((), expand(uow, controlled).unreached)
    for person_id in new_people:
        add_recipient(uow, controlled, person_id=person_id)
    for role in new_roles:
        add_recipient(uow, controlled, role=role)
    uow.session.flush()
    reached = reach_new(uow, controlled)
    uow.record(
        DISTRIBUTION_CHANGED,
        subjects(controlled),
        people=new_people,
        roles=new_roles,
        removed=[one.person_id or one.role for one in entries if one not in kept],
        told=len(reached.told),
    )
    return reached


def add_recipient(
    uow: UnitOfWork, controlled: ControlledDocument, *, person_id: str | None = None, role: str | None = None
) -> None:
    """A step: one more entry of the distribution list."""
    uow.session.add(
        Recipient(
            id=uow.new_id(),
            controlled_document_id=controlled.id,
            person_id=person_id,
            role=role,
            added_by=uow.actor.name,
            added_at=uow.now,
        )
    )


def reach_new(uow: UnitOfWork, controlled: ControlledDocument) -> Reached:
    """A step: whoever the list means and was not asked yet is asked to read the edition in force, if there is one."""
    expanded = expand(uow, controlled)
    edition = uow.session.get(Edition, controlled.in_force_id) if controlled.in_force_id else None
    if edition is None:
        return Reached((), expanded.unreached)
    return Reached(tell(uow, controlled, edition, expanded.people), expanded.unreached)


@query(Permission.CONTROLLED_READ)
def list_recipients(actor: Actor, uow: UnitOfWork, *, controlled_id: str) -> Sequence[RecipientLine]:
    """The distribution list, in the order in which it was made. Raises: NotFoundError."""
    uow.require("controlled_document", controlled_id)
    return recipient_lines(uow, uow.session.get_one(ControlledDocument, controlled_id))


def recipient_lines(uow: UnitOfWork, controlled: ControlledDocument) -> Sequence[RecipientLine]:
    """A step: the distribution list as pages show it."""
    of_document = select(Recipient).where(Recipient.controlled_document_id == controlled.id)
    entries = uow.session.scalars(of_document.order_by(Recipient.id)).all()
    named = {entry.person_id for entry in entries if entry.person_id}
    people = {one.id: one for one in uow.session.scalars(select(Person).where(Person.id.in_(named)))}
    reasons = why_not_each(uow, controlled, people.values())
    return [_line(entry, people.get(entry.person_id or ""), reasons) for entry in entries]


def roles_offered(uow: UnitOfWork, controlled: ControlledDocument) -> Sequence[str]:
    """A step: the roles that people of the organisation can hold and that read controlled documents."""
    kind = uow.session.get_one(Organisation, controlled.organisation_id).kind
    known = all_roles()
    return sorted(role for role in roles_for(kind) if Permission.CONTROLLED_READ in known[role].permissions)


def _line(recipient: Recipient, person: Person | None, reasons: Mapping[str, str]) -> RecipientLine:
    reason = reasons[person.id] if person is not None else ""
    return RecipientLine(recipient, person, _UNREACHED.get(reason, ""))


def _checked_people(uow: UnitOfWork, controlled: ControlledDocument, wanted: Iterable[str]) -> list[str]:
    people = [
        colleague(
            uow,
            controlled.organisation_id,
            one,
            Permission.CONTROLLED_READ,
            level=Level(controlled.level),
            field=N_("Distribution list"),
        )
        for one in wanted
    ]
    return sorted({person.id for person in people})


def _checked_roles(uow: UnitOfWork, controlled: ControlledDocument, wanted: Iterable[str]) -> list[str]:
    offered = roles_offered(uow, controlled)
    for role in wanted:
        if role not in offered:
            raise InvalidInputError(field=N_("Role"), reason=N_("Choose one from the list."))
    return sorted(set(wanted))
